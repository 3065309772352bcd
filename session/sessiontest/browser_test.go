package sessiontest_test

import (
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

// shop is an application of pages: /login signs in, /cart is for users.
func shop(svc *session.Service) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	refresh.Mount(router, svc, refresh.Pages("/login"))
	router.GET("/login", func(c *gin.Context) { c.String(http.StatusOK, "who are you?") })
	router.POST("/login", func(c *gin.Context) {
		if _, err := middleware.Create(c, svc, c.PostForm("user")); err != nil {
			middleware.Abort(c, svc, err)
			return
		}
		c.Redirect(http.StatusSeeOther, middleware.ReturnTo(c))
	})
	pages := router.Group("/", middleware.VerifyPage(svc, middleware.Page{Login: "/login"}))
	show := func(c *gin.Context) {
		sess, _ := middleware.Session(c)
		c.String(http.StatusOK, "%s %s %s", c.Request.Method, sess.UserID(), c.PostForm("item"))
	}
	pages.GET("/cart", show)
	pages.POST("/cart", show)
	pages.GET("/away", func(c *gin.Context) { c.Redirect(http.StatusFound, "https://pay.example/") })
	pages.GET("/round", func(c *gin.Context) { c.Redirect(http.StatusFound, "/round") })
	return router
}

func TestClient_WithoutScripts(t *testing.T) {
	for name, cfg := range kinds() {
		if cfg.FrontEnds.Carriers == session.CarriersHeader {
			continue
		}
		t.Run(name, func(t *testing.T) {
			cfg.ConcurrentRefreshWindow = 10 * time.Second
			kit := sessiontest.New(t, cfg)
			ada := kit.Client(t, shop(kit.Service))
			ada.WithoutScripts = true
			require.Equal(t, "who are you?", ada.Get("/cart").Body.String())
			require.Equal(t, "/login?to=%2Fcart", ada.At())
			require.Equal(t, "GET ada ", ada.Submit(ada.At(), url.Values{"user": {"ada"}}).Body.String())
			require.Equal(t, "/cart", ada.At())

			kit.Expire()
			require.Equal(t, "POST ada tea", ada.Submit("/cart", url.Values{"item": {"tea"}}).Body.String())
			require.Len(t, kit.Events(session.EventRefreshed), 1)
			thief := kit.Steal(ada)
			kit.Expire()
			require.Equal(t, "GET ada ", thief.Get("/cart").Body.String())
			kit.Advance(time.Minute)
			require.Equal(t, "who are you?", ada.Get("/cart").Body.String())
			require.Equal(t, "/login?reason=theft", ada.At())

			ada.Login("ada")
			require.Equal(t, http.StatusFound, ada.Get("/away").Code)
			require.Equal(t, "/away", ada.At())
			ada.Submit("/auth/signout", nil)
			require.Equal(t, "/login", ada.At())
		})
	}
}

func TestClient_redirectedInCircles(t *testing.T) {
	probe := &probe{TB: t}
	kit := sessiontest.New(t, session.Config{ConcurrentRefreshWindow: 10 * time.Second})
	ada := kit.Client(probe, shop(kit.Service))
	ada.WithoutScripts = true
	ada.Login("ada")
	require.Panics(t, func() { ada.Get("/round") })
	require.Contains(t, probe.fatal, "/round redirects in circles")
}
