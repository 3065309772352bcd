package middleware_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/refresh"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Two services on one host, each with pages of its own and one that asks both: either
// refreshes by its own route, and neither signs the other's users out.
func TestPages_TwoServices(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	other := newShopOn(t, s, func(cfg *session.Config) {
		cfg.Cookie.Suffix, cfg.Cookie.RefreshPath, cfg.Cookie.SignOutPath = "_admin", "/admin/refresh", "/admin/signout"
		cfg.Audiences = []string{"admin"}
	})
	refresh.Mount(s.router, other.Svc, refresh.Pages("/admin/login"))
	s.router.POST("/admin/login", func(c *gin.Context) {
		if _, err := middleware.Create(c, other.Svc, "root"); err != nil {
			middleware.Abort(c, other.Svc, err)
		}
	})
	s.router.GET("/admin/login", func(c *gin.Context) { c.Status(http.StatusOK) })
	both := s.router.Group("/both", middleware.VerifyPage(s.Svc, middleware.Page{Login: "/login"}),
		middleware.VerifyPage(other.Svc, middleware.Page{Login: "/admin/login"}))
	both.POST("", s.show)
	p := s.signedIn(t, "ada")
	require.Equal(t, http.StatusOK, p.post("/admin/login", "").status)
	s.Clock.Advance(2 * time.Hour)
	v := p.post("/both", "a=b")
	require.Equal(t, "POST /both root a=b", v.body, v.hops)
	require.Len(t, v.hops, 5)
	require.Equal(t, http.StatusOK, p.post("/admin/signout", "a=b").status)
	require.Equal(t, "GET /cart ada ", p.open("/cart").body)
}

// What a middleware before says for all answers does not put users' pages into caches
// that others share; what a handler says of its own page stands.
func TestVerifyPage_CachesThatOthersShare(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for path, before := range map[string]string{"/a": "public, max-age=3600", "/b": "max-age=60", "/c": "private, max-age=60", "/d": "No-Store"} {
		s.router.GET(path, func(c *gin.Context) {
			c.Header("Cache-Control", before)
			c.Header("CDN-Cache-Control", "max-age=60")
		}, middleware.VerifyPage(s.Svc, middleware.Page{Login: "/login"}), s.show)
	}
	p := s.signedIn(t, "ada")
	for path, want := range map[string]string{
		"/a": "private, no-store", "/b": "private, no-store", "/c": "private, max-age=60", "/d": "No-Store",
	} {
		h := p.open(path).header
		require.Equal(t, want, h.Get("Cache-Control"), path)
	}
	require.Empty(t, p.open("/a").header.Get("CDN-Cache-Control"))
}
