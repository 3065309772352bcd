package middleware_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/session"
)

// openAll has n tabs of one browser load pages at once, and returns what they saw.
func (p *person) openAll(n int, paths ...string) (visits []visit, errs []error) {
	p.travels = func() { time.Sleep(rand.N(2 * time.Millisecond)) }
	defer func() { p.travels = nil }()
	visits, errs = make([]visit, n), make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			visits[i], errs[i] = p.try(context.WithoutCancel(p.t.Context()), http.MethodGet, paths[i%len(paths)], "", typed())
		})
	}
	wg.Wait()
	return visits, errs
}

// A browser that restores its tabs after two hours: all of them show their page, nobody is
// out, nothing looks like theft.
func TestPages_TwentyTabs(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.signedIn(t, "ada")
	for range 50 {
		s.later()
		visits, errs := p.openAll(20, "/cart", "/orders", "/")
		for i, v := range visits {
			require.NoError(t, errs[i])
			require.Equal(t, http.StatusOK, v.status)
			require.Contains(t, v.body, " ada ")
		}
	}
	require.Empty(t, s.Kit.Events(session.EventTheft))
	require.NotEmpty(t, p.cookie("sRefreshToken"))
}

// The same with a browser that does not show its access token to the refresh route: nobody
// can see there that another tab has refreshed, and tabs end at the sign-in page.
func TestPages_TwentyTabs_Unseen(t *testing.T) {
	t.Parallel()
	for range 50 {
		s := newShop(t)
		p := s.signedIn(t, "ada")
		s.later()
		p.hides = hidesAccess
		visits, errs := p.openAll(20, "/cart")
		for i, v := range visits {
			require.NoError(t, errs[i])
			if v.path != "/cart" {
				return
			}
		}
	}
	t.Fatal("all tabs saw their page: the test of twenty tabs shows nothing")
}

func hidesAccess(path, name string) bool {
	return name == "sAccessToken" && strings.HasPrefix(path, "/auth")
}

// Tabs that come long after each other with the token of before: the window is over, and
// it is the other tab's access token that shows that all is well. A browser that does not
// show it to the refresh route is taken for a thief.
func TestPages_AnotherTabHasRefreshed(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		hides func(path, name string) bool
		shown bool
	}{
		"it is looked at":     {nil, true},
		"it is not looked at": {hidesAccess, false},
	} {
		s := newShop(t)
		p := s.signedIn(t, "ada")
		s.later()
		stale := p.cookie("sRefreshToken")
		require.Len(t, p.open("/cart").hops, 3)
		s.Clock.Advance(time.Minute) // beyond the window
		// The slow tab's request: it has the new access token, and the refresh token
		// that its browser had when it set out.
		slow := &person{t: t, to: s.router, jar: p.jar.Clone(), hides: row.hides}
		slow.set("/auth/session/refresh", "sRefreshToken", stale)
		v := slow.open("/auth/session/refresh?to=/cart")
		if row.shown {
			require.Equal(t, "GET /cart ada ", v.body, name)
			require.Empty(t, s.Kit.Events(session.EventTheft), name)
			require.Len(t, s.Kit.Events(session.EventRefreshed), 1, "nothing is refreshed again")
			continue
		}
		require.Equal(t, "/login?reason=theft", v.path, name)
		require.Len(t, s.Kit.Events(session.EventTheft), 1, name)
	}
}

// An access token of a branch that was replaced is refreshed, and not sent back with.
func TestPages_ReplacedBranch(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.signedIn(t, "ada")
	s.later()
	// Two refreshes whose answers are not used yet, more than a window apart.
	first := &person{t: t, to: s.router, jar: p.jar.Clone()}
	first.once(t.Context(), http.MethodGet, target(t, "/auth/session/refresh?to=/cart"), "", typed())
	s.Clock.Advance(time.Minute)
	second := &person{t: t, to: s.router, jar: p.jar.Clone()}
	require.Equal(t, http.StatusOK, second.open("/cart").status)

	v := first.open("/cart")
	require.Equal(t, "/login?reason=theft", v.path, "who holds the refresh token of the replaced branch is found out")
	require.Len(t, v.hops, 3)

	// With the refresh token of the branch that is in use, all is well.
	s = newShop(t)
	p = s.signedIn(t, "ada")
	s.later()
	first = &person{t: t, to: s.router, jar: p.jar.Clone()}
	first.once(t.Context(), http.MethodGet, target(t, "/auth/session/refresh?to=/cart"), "", typed())
	s.Clock.Advance(time.Minute)
	require.Equal(t, http.StatusOK, p.open("/cart").status)
	p.set("/", "sAccessToken", first.cookie("sAccessToken")) // a late answer
	s.Clock.Advance(time.Minute)
	v = p.open("/cart")
	require.Equal(t, "GET /cart ada ", v.body)
	require.Len(t, v.hops, 3)
	require.Empty(t, s.Kit.Events(session.EventTheft))
}
