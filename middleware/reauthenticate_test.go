package middleware_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/refresh"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

// Who proves again to be the user goes on under new tokens, and the copies from before
// end. Somebody else raises nobody.
func TestReauthenticate(t *testing.T) {
	t.Parallel()
	kit := sessiontest.New(t, session.Config{Revocation: session.RevokeImmediately})
	router := gin.New()
	refresh.Mount(router, kit.Service)
	signedIn := router.Group("/", middleware.Verify(kit.Service))
	signedIn.POST("/reauth/:user", func(c *gin.Context) {
		before := c.MustGet(middleware.Key).(*session.Session)
		sess, err := middleware.Reauthenticate(c, kit.Service, c.Param("user"), session.Authenticated("pwd", "otp"), session.Level(2))
		if err != nil {
			require.ErrorIs(t, err, errors.ErrStepUp)
			require.Same(t, before, c.MustGet(middleware.Key))
			middleware.Abort(c, kit.Service, err)
			return
		}
		require.Same(t, sess, c.MustGet(middleware.Key))
		known, _ := session.FromContext(c.Request.Context())
		require.Same(t, sess, known)
		require.NotEqual(t, before.Handle(), sess.Handle())
		require.Equal(t, before.CreatedAt(), sess.CreatedAt())
		c.Status(http.StatusNoContent)
	})
	router.POST("/vault", middleware.Verify(kit.Service, session.RequireRecentAuth(10*time.Minute), session.RequireLevel(2)),
		func(c *gin.Context) { c.Status(http.StatusNoContent) })

	page := kit.Client(t, router)
	page.Login("ada")
	thief := kit.Steal(page)
	answers := func(c *sessiontest.Client, status int, path string) {
		t.Helper()
		require.Equal(t, status, c.Post(path, "").Code)
	}
	answers(page, http.StatusForbidden, "/vault")
	answers(page, http.StatusForbidden, "/reauth/eve")
	answers(page, http.StatusForbidden, "/vault")
	answers(page, http.StatusNoContent, "/reauth/ada")
	answers(page, http.StatusNoContent, "/vault")
	answers(thief, http.StatusUnauthorized, "/vault")
	kit.Advance(11 * time.Minute)
	answers(page, http.StatusForbidden, "/vault")
	answers(page, http.StatusNoContent, "/reauth/ada")
	answers(page, http.StatusNoContent, "/vault")
	require.Empty(t, kit.Events(session.EventTheft))

	list, err := kit.Service.List(t.Context(), "ada")
	require.NoError(t, err)
	require.Len(t, list, 1)
}

// Without a session there is nobody to prove anything.
func TestReauthenticate_Visitor(t *testing.T) {
	t.Parallel()
	kit := sessiontest.New(t, session.Config{})
	router := gin.New()
	router.POST("/reauth", middleware.VerifyOptional(kit.Service), func(c *gin.Context) {
		_, err := middleware.Reauthenticate(c, kit.Service, "ada")
		require.ErrorIs(t, err, errors.ErrUnauthorised)
		middleware.Abort(c, kit.Service, err)
	})
	require.Equal(t, http.StatusUnauthorized, kit.Client(t, router).Post("/reauth", "").Code)
}
