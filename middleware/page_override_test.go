package middleware_test

import (
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/session"
)

// A form of a foreign page that is a link, and becomes a DELETE behind a first look at it,
// is looked at again.
func TestVerifyPage_MethodOverride(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	verify := map[string]gin.HandlerFunc{
		"/page": middleware.VerifyPage(s.Svc, middleware.Page{Login: "/login"}), "/api": middleware.Verify(s.Svc, session.ViaFetchMetadata()),
	}
	for path, verify := range verify {
		s.router.GET(path, verify, func(c *gin.Context) {
			c.Request.Method = c.Query("method")
			s.router.HandleContext(c)
			c.Abort()
		})
		s.router.DELETE(path, verify, s.show)
	}
	p := s.signedIn(t, "ada")
	before := s.served.Load()
	for path := range verify {
		foreign := p.do(http.MethodGet, path+"?method=DELETE", "", fetched("cross-site", "navigate", "document"))
		require.Equal(t, http.StatusForbidden, foreign.status, foreign.body)
		require.Equal(t, before, s.served.Load())
		require.Equal(t, "DELETE "+path+" ada ", p.do(http.MethodGet, path+"?method=DELETE", "", own("document")).body)
		before = s.served.Load()
	}
}
