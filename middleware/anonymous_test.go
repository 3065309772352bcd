package middleware_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/refresh"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

// A visitor's session is the request's, with its device, and shows in no list but its
// own; the user who signs in has a new one.
func TestCreateAnonymous(t *testing.T) {
	t.Parallel()
	kit := sessiontest.New(t, session.Config{IPAddresses: session.IPFull})
	router := gin.New()
	refresh.Mount(router, kit.Service)
	var sess *session.Session
	router.POST("/cart", func(c *gin.Context) {
		var err error
		sess, err = middleware.CreateAnonymous(c, kit.Service)
		if err != nil {
			middleware.Abort(c, kit.Service, err)
			return
		}
		require.Same(t, sess, c.MustGet(middleware.Key))
		known, ok := session.FromContext(c.Request.Context())
		require.True(t, ok)
		require.Same(t, sess, known)
		again, err := middleware.CreateAnonymous(c, kit.Service)
		require.NoError(t, err)
		require.Same(t, sess, again)
	})
	router.POST("/late", func(c *gin.Context) {
		c.String(http.StatusOK, "begun")
		_, err := middleware.CreateAnonymous(c, kit.Service)
		require.ErrorIs(t, err, errors.ErrGeneral)
	})
	page := kit.Client(t, router)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/cart", http.NoBody)
	r.Header.Set("User-Agent", "a browser")
	require.Equal(t, http.StatusOK, page.Send(r).Code)
	require.True(t, sess.Anonymous())
	first := sess.Handle()
	list, err := kit.Service.List(t.Context(), sess.UserID())
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, "a browser", list[0].UserAgent)
	require.NotEmpty(t, list[0].IP)

	kit.Expire()
	require.Equal(t, http.StatusOK, page.Post("/cart", "").Code)
	require.Equal(t, first, sess.Handle(), "after a refresh")

	user := page.Login("ada")
	require.Equal(t, http.StatusOK, page.Post("/cart", "").Code)
	require.Equal(t, user.Handle(), sess.Handle())
	list, err = kit.Service.List(t.Context(), "ada")
	require.NoError(t, err)
	require.Len(t, list, 1)

	kit.Client(t, router).Post("/late", "")
	require.PanicsWithValue(t, "middleware.CreateAnonymous needs a *session.Service: use what session.New returned without an error",
		func() { _, _ = middleware.CreateAnonymous(nil, nil) })
}
