package integration_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/refresh"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

// signIn makes userID's session, who has just proven to be that: a visitor's goes on as it.
func signIn(c *gin.Context, svc *session.Service, userID string, merge func(cart json.RawMessage) (any, error)) error {
	if sess, ok := middleware.Session(c); ok && sess.Anonymous() {
		_, err := sess.Replace(c.Request.Context(), session.As(userID), session.MergeData(merge))
		return err
	}
	_, err := middleware.Create(c, svc, userID)
	return err
}

// What a visitor has put into the cart is in the user's, whose session is another one.
func TestCookbook_ACartBeforeTheSignIn(t *testing.T) {
	t.Parallel()
	kit := sessiontest.New(t, session.Config{ConcurrentRefreshWindow: 10 * time.Second})
	svc, router, page := kit.Service, gin.New(), middleware.Page{Login: "/login"}
	refresh.Mount(router, svc, refresh.Pages(page.Login))
	router.GET("/login", func(c *gin.Context) { c.String(http.StatusOK, "who are you?") })
	visitors := router.Group("/", middleware.VerifyPageOptional(svc, page))
	visitors.POST("/cart", func(c *gin.Context) {
		sess, err := middleware.CreateAnonymous(c, svc)
		if err == nil {
			err = sess.UpdateData(c.Request.Context(), c.PostForm("item"))
		}
		if err != nil {
			middleware.Abort(c, svc, err)
			return
		}
		c.Redirect(http.StatusSeeOther, "/order")
	})
	visitors.POST("/login", func(c *gin.Context) {
		merge := func(cart json.RawMessage) (any, error) { return []json.RawMessage{[]byte(`"milk"`), cart}, nil }
		if err := signIn(c, svc, "ada", merge); err != nil {
			middleware.Abort(c, svc, err)
			return
		}
		c.Redirect(http.StatusSeeOther, middleware.ReturnTo(c))
	})
	router.GET("/order", middleware.VerifyPage(svc, page, session.RequireUser()), func(c *gin.Context) {
		sess, _ := middleware.Session(c)
		var cart []string
		require.NoError(t, sess.Data(c.Request.Context(), &cart))
		c.String(http.StatusOK, "%s %s", sess.UserID(), cart)
	})

	ada := kit.Client(t, router)
	ada.WithoutScripts = true
	require.Equal(t, "who are you?", ada.Submit("/cart", url.Values{"item": {"tea"}}).Body.String())
	require.Equal(t, "/login?to=%2Forder", ada.At())
	planted := kit.Steal(ada)
	kit.Expire() // also the password's form comes back refreshed
	require.Equal(t, "ada [milk tea]", ada.Submit(ada.At(), url.Values{"password": {"right"}}).Body.String())
	require.Equal(t, "who are you?", planted.Get("/order").Body.String())
	require.Empty(t, kit.Events(session.EventTheft))
}
