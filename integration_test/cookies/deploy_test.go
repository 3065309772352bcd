package cookies_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/session"
)

// layouts are ways to keep the cookies, each of which a deploy may leave for any other.
func layouts() map[string]session.CookieConfig {
	return map[string]session.CookieConfig{
		"plain":               {},
		"Domain":              {Domain: "example.com"},
		"own Domain":          {Domain: "app.example.com"},
		"RefreshPath":         {RefreshPath: "/renew"},
		"AccessPath":          {AccessPath: "/api"},
		"Prefixes":            {Prefixes: session.PrefixHost},
		"Suffix":              {Suffix: "-2"},
		"Domain and paths":    {Domain: "example.com", AccessPath: "/api", RefreshPath: "/api/renew"},
		"Prefixes and Suffix": {Prefixes: session.PrefixHost, Suffix: "_b", RefreshPath: "/renew"},
		"Domain and Suffix":   {Domain: "example.com", Suffix: "_c", AccessPath: "/api"},
		"PrefixHTTP":          {Prefixes: session.PrefixHTTP},
		"Partitioned":         {Partitioned: true, SameSite: http.SameSiteNoneMode},
		"all at once":         {Partitioned: true, Prefixes: session.PrefixHTTP, Suffix: "_d", RefreshPath: "/renew"},
	}
}

func older(c session.CookieConfig) session.OlderCookieConfig {
	return session.OlderCookieConfig{
		Domain: c.Domain, AccessPath: c.AccessPath, RefreshPath: c.RefreshPath,
		Prefixes: c.Prefixes, Suffix: c.Suffix, Partitioned: c.Partitioned,
	}
}

// Whatever a deploy changes of the cookies: with the earlier ones in Older nobody is signed out.
func TestDeploy_EachPair(t *testing.T) {
	t.Parallel()
	for oldName, before := range layouts() {
		for newName, after := range layouts() {
			if oldName == newName {
				continue
			}
			after.Older = []session.OlderCookieConfig{older(before)}
			t.Run(oldName+" to "+newName, func(t *testing.T) {
				t.Parallel()
				s := newSite(t, before)
				fresh, refreshed, leaving, returning, lost := s.browser(), s.browser(), s.browser(), s.browser(), s.browser()
				for _, b := range []*browser{fresh, refreshed, leaving, returning, lost} {
					b.signIn("ada")
					require.Len(t, b.ours(), 2)
				}
				// The answer to this one's refresh is first used after the deploy.
				require.Equal(t, http.StatusOK, refreshed.Fetch(http.MethodPost, s.refreshURL).Status)
				// And this one never got the answer.
				lost.send(http.MethodPost, s.refreshURL, nil)

				s.deploy(after)
				fresh.is("ada", 0, "a live access token")
				refreshed.is("ada", 0, "the first use of a refreshed token")
				refreshed.is("ada", 0, "the promoted token")
				returning.signIn("bob")
				require.Len(t, returning.ours(), 2, "a new sign-in leaves one set")
				returning.is("bob", 0, "a new sign-in")
				require.Equal(t, http.StatusOK, leaving.Fetch(http.MethodPost, logOut).Status)
				require.Empty(t, leaving.ours(), "sign-out leaves nothing")

				s.clock.Advance(61 * time.Minute)
				for name, b := range map[string]*browser{"fresh": fresh, "refreshed": refreshed, "lost": lost} {
					b.is("ada", 1, name+" after the expiry")
					require.LessOrEqual(t, b.Last.Hops, 1)
					require.Len(t, b.ours(), 2, "%s: one set is left", name)
					b.is("ada", 0, name)
					status, n := b.FrontEnd(http.MethodPost, act, s.refreshURL, 5)
					require.Equal(t, http.StatusOK, status, name)
					require.Zero(t, n)
				}
				returning.is("bob", 1, "the new sign-in after the expiry")
				require.Equal(t, http.StatusOK, fresh.Fetch(http.MethodPost, logOut).Status)
				require.Empty(t, fresh.ours())
				fresh.signIn("ada")
				require.Len(t, fresh.ours(), 2)

				// Back after so long that the keys of access tokens are gone.
				s.clock.Advance(30 * 24 * time.Hour)
				refreshed.is("ada", 1, "after 30 days")
				for _, b := range []*browser{fresh, refreshed, leaving, returning, lost} {
					require.Empty(t, b.Refused(), "a browser took every cookie")
				}
			})
		}
	}
}

// Back for the first time after a deploy that was 30 days ago.
func TestDeploy_AsleepFor30Days(t *testing.T) {
	t.Parallel()
	for oldName, before := range layouts() {
		for newName, after := range layouts() {
			if oldName == newName {
				continue
			}
			s := newSite(t, before)
			b := s.browser()
			b.signIn("ada")
			after.Older = []session.OlderCookieConfig{older(before)}
			s.deploy(after)
			s.clock.Advance(30 * 24 * time.Hour)
			b.is("ada", 1, oldName+" to "+newName)
			require.Len(t, b.ours(), 2, "%s to %s", oldName, newName)
		}
	}
}

// Three deploys: for who comes by between them, and for who does not.
func TestDeploy_Chain(t *testing.T) {
	t.Parallel()
	all := layouts()
	for _, names := range [][]string{
		{"plain", "Domain", "Prefixes", "Suffix"},
		{"Domain and paths", "RefreshPath", "plain", "Prefixes and Suffix"},
		{"Prefixes and Suffix", "Domain and Suffix", "AccessPath", "plain"},
		{"RefreshPath", "Prefixes and Suffix", "Domain and paths", "own Domain"},
		{"plain", "Partitioned", "PrefixHTTP", "all at once"},
	} {
		s := newSite(t, all[names[0]])
		asleep, awake := s.browser(), s.browser()
		asleep.signIn("ada")
		awake.signIn("ada")
		for i := 1; i < len(names); i++ {
			next := all[names[i]]
			for _, name := range names[:i] {
				next.Older = append(next.Older, older(all[name]))
			}
			s.deploy(next)
			awake.is("ada", 0, names[i])
			s.clock.Advance(2 * time.Hour)
			awake.is("ada", 1, names[i])
			require.Len(t, awake.ours(), 2)
		}
		asleep.is("ada", 1, "asleep since "+names[0])
		require.LessOrEqual(t, asleep.Last.Hops, 3)
		require.Len(t, asleep.ours(), 2)
	}
}

// A visitor's refresh goes once through the older routes and ends.
func TestDeploy_Visitor(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.CookieConfig{Older: []session.OlderCookieConfig{{RefreshPath: "/renew"}, {RefreshPath: "/a/renew", Domain: "example.com"}, {Suffix: "x"}}})
	b := s.browser()
	w := b.Fetch(http.MethodPost, s.refreshURL, "rid", "session")
	require.Equal(t, http.StatusUnauthorized, w.Status)
	require.Equal(t, 2, b.Last.Hops)
	for _, path := range []string{"/renew", "/a/renew"} {
		require.Equal(t, http.StatusUnauthorized, b.Fetch(http.MethodPost, host+path).Status)
	}
	// A gateway's own bearer token changes nothing.
	b.signIn("ada")
	require.Equal(t, http.StatusOK, b.Fetch(http.MethodPost, s.refreshURL, "Authorization", "Bearer gateways.own.token").Status)
	// Nor does a foreign page get to the older routes.
	foreign := http.Header{"Origin": {"https://evil.example.com"}, "Sec-Fetch-Site": {"same-site"}}
	require.Equal(t, http.StatusForbidden, b.send(http.MethodPost, host+"/renew", foreign).Status)
}

// What a change costs that is not named in Older: operations.md says the same.
func TestDeploy_Unnamed(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		from, to string
		// stays: the user is in after the expiry, by one refresh.
		stays bool
	}{
		{"plain", "Domain", true},
		{"Domain", "plain", true},
		{"own Domain", "Domain", true},
		{"plain", "AccessPath", true},
		{"AccessPath", "plain", true},
		{"plain", "Partitioned", true},
		{"Partitioned", "plain", true},
		{"Partitioned", "Domain", true},
		{"plain", "RefreshPath", false},
		{"plain", "Prefixes", false},
		{"Prefixes", "PrefixHTTP", false},
		{"plain", "Suffix", false},
		{"Prefixes", "Prefixes and Suffix", false},
		{"Domain", "Domain and paths", false},
	} {
		name := row.from + " to " + row.to
		s := newSite(t, layouts()[row.from])
		b := s.browser()
		b.signIn("ada")
		s.deploy(layouts()[row.to])
		s.clock.Advance(2 * time.Hour)
		status, n := b.FrontEnd(http.MethodGet, me, s.refreshURL, 5)
		require.Equal(t, 1, n, "%s: no loop", name)
		if row.stays {
			require.Equal(t, http.StatusOK, status, name)
		} else {
			require.Equal(t, http.StatusUnauthorized, status, name)
		}
		b.signIn("bob")
		b.is("bob", 0, name+": a new sign-in works, whatever else is in the jar")
		s.clock.Advance(2 * time.Hour)
		b.is("bob", 1, name+": and goes on")
		require.Equal(t, http.StatusOK, b.Fetch(http.MethodPost, logOut).Status, name)
		require.Equal(t, http.StatusUnauthorized, b.Fetch(http.MethodPost, s.refreshURL).Status, name)
	}
}
