package middleware_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/session"
)

// A browser that does not keep what it is given ends at the sign-in page, or at a page for
// visitors, after at most two rounds. // (One that keeps nothing at all of what it is told looks the same
// every time: its own bound on redirects ends that.)
func TestPages_NoLoop(t *testing.T) {
	t.Parallel()
	const access, refresh = "sAccessToken", "sRefreshToken"
	isNew := func(p *person, at string) func(name, value string) bool {
		old := p.cookie(at)
		return func(name, value string) bool { return name == at && value != "" && value != old }
	}
	for name, refuse := range map[string]func(p *person){
		"refuses every access token":  func(p *person) { p.refuses = func(name, _ string) bool { return name == access } },
		"keeps an old access token":   func(p *person) { p.refuses = isNew(p, access) },
		"has lost the access token":   func(p *person) { p.forget(access); p.refuses = isNew(p, access) },
		"refuses every refresh token": func(p *person) { p.forget(refresh); p.refuses = func(name, _ string) bool { return name == refresh } },
		"keeps an old refresh token":  func(p *person) { p.refuses = isNew(p, refresh) },
		"sends no refresh token":      func(p *person) { p.hides = func(_, name string) bool { return name == refresh } },
		"sends no access token to the refresh route": func(p *person) {
			p.hides = func(path, name string) bool { return name == access && strings.HasPrefix(path, "/auth") }
		},
		"refuses the mark of a visitor": func(p *person) {
			p.forget(refresh)
			p.refuses = func(name, _ string) bool { return name == "__Host-sPage" }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, path := range []string{"/cart", "/"} {
				for _, method := range []string{http.MethodGet, http.MethodPost} {
					s := newShop(t)
					p := s.signedIn(t, "ada")
					s.later()
					refuse(p)
					for range 6 {
						v, err := p.try(t.Context(), method, path, "", own("document"))
						require.NoError(t, err)
						rounds := strings.Count(strings.Join(v.hops, "\n"), "/auth/session/refresh")
						require.LessOrEqual(t, rounds, 2, v.hops)
						require.Equal(t, http.StatusOK, v.status)
						if v.path != path {
							require.Contains(t, v.path, "/login", v.hops)
						}
						s.Clock.Advance(20 * time.Minute)
					}
				}
			}
		})
	}
}

func (p *person) forget(name string) {
	for _, c := range p.jar.All() {
		if c.Name == name {
			at := c.Slot
			p.jar.Drop(func(c testjarCookie) bool { return c.Slot == at })
		}
	}
}

// A page that is stricter than the others sends nobody in circles: where another tab has
// signed in meanwhile, the refresh route looks as closely.
func TestPages_StricterRoutes(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.strict("/vault", session.WithRevocation(session.RevokeImmediately))
	p := s.signedIn(t, "ada")
	tab := &person{t: t, to: s.router, jar: p.jar.Clone()}
	require.Equal(t, http.StatusOK, p.post("/login", "user=ada").status) // which ends the session that tab has
	v := tab.open("/vault")
	require.Equal(t, []string{"GET /vault", "GET /auth/session/refresh?to=%2Fvault", "GET /login?to=%2Fvault"}, v.hops)

	p = s.signedIn(t, "ada")
	require.NoError(t, s.revokeAll(t))
	v = p.open("/vault")
	require.Equal(t, []string{"GET /vault", "GET /login?to=%2Fvault"}, v.hops)
	require.Empty(t, p.cookie("sAccessToken"))
}

// Servers whose clocks disagree by less than Leeway send nobody in circles.
func TestPages_ClocksDisagree(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.signedIn(t, "ada")
	// A token that is within the leeway: the page takes it, and the refresh route would not.
	s.Clock.Advance(time.Hour + 2*time.Second)
	require.Len(t, p.open("/cart").hops, 1)
	v := p.open("/auth/session/refresh?to=/cart")
	require.Equal(t, http.StatusOK, v.status)
	require.Len(t, s.Kit.Events(session.EventRefreshed), 1)
}
