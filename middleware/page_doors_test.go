package middleware_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/session"
)

// A page to which people are sent, and which is itself closed to them, is found out at
// its first request, however the router or what stands before it changes the path.
func TestPages_ClosedDoors(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		login, reauth, route, open, strip string
		opts                              []session.VerifyOption
		signedIn                          bool
	}{
		"sign-in":                        {login: "/in", route: "/in", open: "/in"},
		"sign-in with a slash":           {login: "/in", route: "/in/", open: "/in/"},
		"sign-in below a prefix":         {login: "/app/in", route: "/in", open: "/app/in", strip: "/app"},
		"re-authentication":              {login: "/login", reauth: "/again", route: "/again", open: "/again", opts: []session.VerifyOption{session.RequireRecentAuth(time.Minute)}, signedIn: true},
		"sign-in that wants a new proof": {login: "/in", route: "/in", open: "/in", opts: []session.VerifyOption{session.RequireLevel(2)}, signedIn: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			page := middleware.Page{Login: row.login, Reauth: row.reauth}
			s.router.GET(row.route, middleware.VerifyPage(s.Svc, page, row.opts...), func(c *gin.Context) { c.Status(http.StatusOK) })
			p := s.person(t)
			if row.signedIn {
				p = s.signedIn(t, "ada")
				s.Clock.Advance(10 * time.Minute)
			}
			p.to = http.StripPrefix(row.strip, s.router)
			v, err := p.try(t.Context(), http.MethodGet, row.open, "", typed())
			require.NoError(t, err)
			require.Equal(t, http.StatusInternalServerError, v.status, v.hops)
			require.Len(t, v.hops, 1)
		})
	}
}

// A sign-in page for visitors and users is open, and told of theft like any.
func TestPages_OpenDoor(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.router.GET("/in", middleware.VerifyPageOptional(s.Svc, middleware.Page{Login: "/in"}), s.show)
	p := s.signedIn(t, "ada")
	thief := &person{t: t, to: s.router, jar: p.jar.Clone()}
	s.later()
	require.Equal(t, http.StatusOK, thief.open("/cart").status)
	s.later()
	require.Equal(t, http.StatusOK, thief.open("/cart").status)
	v := p.open("/in")
	require.Equal(t, http.StatusOK, v.status, v.hops)
	require.Equal(t, "/login?reason=theft", v.path)
	require.Equal(t, "GET /in visitor ", p.open("/in").body)
	require.Equal(t, http.StatusOK, p.open("/auth/session/refresh?to=/login").status)
}
