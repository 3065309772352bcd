package cookies_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/session"
)

// embedded is what an application in frames of other sites' pages has.
func embedded() session.CookieConfig {
	return session.CookieConfig{Partitioned: true, SameSite: http.SameSiteNoneMode}
}

// Each site that embeds the application has a session of its own, which lives, is
// refreshed and ends for itself.
func TestPartitioned_EachSiteForItself(t *testing.T) {
	t.Parallel()
	for _, prefixes := range []session.PrefixMode{session.PrefixOff, session.PrefixHost, session.PrefixHTTP} {
		cookie := embedded()
		cookie.Prefixes = prefixes
		s := newSite(t, cookie)
		b := s.browser()
		users := []struct{ top, name string }{{"", "ada"}, {"b.test", "eve"}, {"a.test", "bob"}}
		for _, user := range users {
			b.Top = user.top
			require.Equal(t, http.StatusUnauthorized, b.Fetch(http.MethodGet, me).Status, "nobody yet in %q", user.top)
			b.signIn(user.name)
		}
		require.Len(t, b.ours(), 6)
		for round := range 3 {
			s.clock.Advance(time.Duration(round) * 10 * 24 * time.Hour)
			for _, user := range users {
				b.Top = user.top
				b.is(user.name, min(round, 1), "in "+user.top)
			}
		}
		require.Equal(t, http.StatusOK, b.Fetch(http.MethodPost, logOut).Status)
		require.Len(t, b.ours(), 4, "sign-out in one leaves the others")
		require.Empty(t, b.Refused())
	}
}

// Into partitions: the session follows its browser into the one where it is used first,
// and the copy that other sites' frames would send is gone.
func TestPartitioned_MovingIn(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.CookieConfig{SameSite: http.SameSiteNoneMode})
	b := s.browser()
	b.Top = "a.test"
	b.signIn("ada")
	after := embedded()
	after.Older = []session.OlderCookieConfig{{}}
	s.deploy(after)
	b.is("ada", 0, "a live access token")
	s.clock.Advance(2 * time.Hour)
	b.is("ada", 1, "after the expiry")
	require.Len(t, b.ours(), 2)
	for _, c := range b.ours() {
		require.Equal(t, "a.test", c.Partition)
	}
	b.Top = "b.test"
	require.Equal(t, http.StatusUnauthorized, b.Fetch(http.MethodGet, me).Status, "elsewhere one signs in once more")
	b.signIn("ada")
	b.is("ada", 0, "elsewhere")
	b.Top = "a.test"
	b.is("ada", 0, "and that ends nothing")
}

// Out of partitions: whoever is signed in in one place stays so. With two of them the
// second would have two sessions that live; nobody guesses, and a sign-in settles it.
func TestPartitioned_MovingOut(t *testing.T) {
	t.Parallel()
	s := newSite(t, embedded())
	b := s.browser()
	b.Top = "b.test"
	b.signIn("bob")
	b.Top = "a.test"
	b.signIn("ada")
	s.deploy(session.CookieConfig{SameSite: http.SameSiteNoneMode, Older: []session.OlderCookieConfig{{Partitioned: true}}})
	s.clock.Advance(2 * time.Hour)
	b.is("ada", 1, "the first to come by")
	require.Len(t, b.ours(), 4, "its own, and those of b.test")
	s.clock.Advance(time.Minute)
	b.Top = "b.test"
	status, refreshes := b.FrontEnd(http.MethodGet, me, s.refreshURL, 5, "Anti-Csrf", "")
	require.Equal(t, http.StatusUnauthorized, status)
	require.Equal(t, 1, refreshes, "and no loop")
	b.signIn("bob")
	require.Len(t, b.ours(), 2)
	for _, top := range []string{"b.test", "a.test", "c.test", ""} {
		b.Top = top
		b.is("bob", 0, "everywhere: "+top)
	}
}
