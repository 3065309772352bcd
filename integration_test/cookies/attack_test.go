package cookies_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// pair is what an attacker has of a session of its own.
type pair struct{ access, refresh, handle string }

func (s *site) pair(user string) pair {
	s.t.Helper()
	tokens, err := s.svc.Create(s.t.Context(), user)
	require.NoError(s.t, err)
	return pair{tokens.Access.Value, tokens.Refresh.Value, tokens.Session.Handle()}
}

// unknownKey makes the key id of an access token one that nobody has.
func unknownKey(t *testing.T, access string) string {
	t.Helper()
	header, rest, _ := strings.Cut(access, ".")
	raw, err := base64.RawURLEncoding.DecodeString(header)
	require.NoError(t, err)
	at := strings.Index(string(raw), `"kid":"`) + len(`"kid":"`)
	copy(raw[at:], "AAAA")
	return base64.RawURLEncoding.EncodeToString(raw) + "." + rest
}

// unknownRefreshKey does the same to a refresh token.
func unknownRefreshKey(t *testing.T, refresh string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(refresh)
	require.NoError(t, err)
	copy(raw[2:], "AAAA")
	return base64.RawURLEncoding.EncodeToString(raw)
}

// Whatever a sibling host plants: the victim stays in, as itself, and no front end loops.
func TestPlanted_Table(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		plant func(t *testing.T, b *browser, mine pair)
		// first is the number of refreshes that the victim's next request may cost.
		first int
	}{
		{"refresh token of the attacker", func(_ *testing.T, b *browser, mine pair) {
			b.plant("sRefreshToken=" + mine.refresh + "; Domain=example.com; Path=/auth/session/refresh")
		}, 0},
		{"four of them", func(_ *testing.T, b *browser, _ pair) {
			for i, path := range []string{"/", "/auth", "/auth/", "/auth/session/refresh"} {
				b.plant("sRefreshToken=" + b.site.pair(fmt.Sprint("eve", i)).refresh + "; Domain=example.com; Path=" + path)
			}
		}, 0},
		{"junk at every path", func(_ *testing.T, b *browser, mine pair) {
			paths := []string{"/", "/auth", "/auth/", "/auth/session", "/auth/session/", "/auth/session/refresh"}
			for i, path := range paths {
				b.plant(fmt.Sprintf("sRefreshToken=%d%s; Domain=example.com; Path=%s", i, mine.refresh[:i], path))
				b.plant(fmt.Sprintf("sAccessToken=%d; Domain=example.com; Path=%s", i, path))
			}
		}, 0},
		{"junk access token", func(_ *testing.T, b *browser, _ pair) {
			b.plant("sAccessToken=x; Domain=example.com; Path=/")
		}, 0},
		{"junk access tokens ahead", func(_ *testing.T, b *browser, _ pair) {
			for _, path := range []string{"/api", "/api/", "/api/me", "/auth"} {
				b.plant("sAccessToken=x" + path[1:2] + fmt.Sprint(len(path)) + "; Domain=example.com; Path=" + path)
			}
		}, 0},
		{"access token with an unknown key", func(t *testing.T, b *browser, mine pair) {
			b.plant("sAccessToken=" + unknownKey(t, mine.access) + "; Domain=example.com; Path=/api")
		}, 0},
		{"refresh token with an unknown key", func(t *testing.T, b *browser, mine pair) {
			b.plant("sRefreshToken=" + unknownRefreshKey(t, mine.refresh) + "; Domain=example.com; Path=/auth")
		}, 0},
		{"both of an ended session", func(t *testing.T, b *browser, mine pair) {
			_, err := b.site.svc.Revoke(t.Context(), mine.handle)
			require.NoError(t, err)
			b.plant("sAccessToken=" + mine.access + "; Domain=example.com; Path=/api")
			b.plant("sRefreshToken=" + mine.refresh + "; Domain=example.com; Path=/auth/session/refresh")
		}, 0},
		{"access token of the attacker", func(_ *testing.T, b *browser, mine pair) {
			b.plant("sAccessToken=" + mine.access + "; Domain=example.com; Path=/")
		}, 0},
		{"access token of the attacker, of the requests of one path", func(_ *testing.T, b *browser, mine pair) {
			b.plant("sAccessToken=" + mine.access + "; Domain=example.com; Path=/api/me")
		}, 0},
		{"both of the attacker", func(_ *testing.T, b *browser, mine pair) {
			b.plant("sAccessToken=" + mine.access + "; Domain=example.com; Path=/api")
			b.plant("sRefreshToken=" + mine.refresh + "; Domain=example.com; Path=/auth")
		}, -1},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, session.CookieConfig{})
			b := s.browser()
			b.signIn("ada")
			row.plant(t, b, s.pair("eve"))
			if row.first >= 0 {
				b.is("ada", row.first, "at once")
				b.is("ada", 0, "again")
				s.clock.Advance(2 * time.Hour)
				b.is("ada", 1, "after the expiry")
				s.clock.Advance(30 * 24 * time.Hour)
				b.is("ada", 1, "after 30 days")
				require.Equal(t, http.StatusOK, b.Fetch(http.MethodPost, logOut).Status)
				return
			}
			// A page shows whose browser it is, by its anti-CSRF token.
			b.is("ada", 0, "while the access token lives")
			s.clock.Advance(2 * time.Hour)
			b.is("ada", 1, "after the expiry")
			// A page that is loaded shows nothing, and nobody can tell. It is nobody else's,
			// and once a refresh has not helped the loop ends.
			for _, want := range []int{http.StatusInternalServerError, http.StatusInternalServerError} {
				b.SetAntiCSRF("")
				w := b.Fetch(http.MethodGet, me)
				require.Equal(t, want, w.Status)
				require.NotEqual(t, "eve", w.User())
				require.Empty(t, w.Header.Values("Set-Cookie"))
			}
			require.Equal(t, 1, strings.Count(s.logs.String(), "several sessions")+strings.Count(s.logs.String(), "belong to another session"))
		})
	}
}

// Planted before the sign-in: the new session works, and the attacker's is ended.
func TestPlanted_BeforeSignIn(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"sAccessToken=%s; Domain=example.com; Path=/", "sAccessToken=%s; Domain=example.com; Path=/api",
		"sRefreshToken=%[2]s; Domain=example.com; Path=/auth/session/refresh", "sRefreshToken=%[2]s; Domain=example.com; Path=/",
	} {
		s := newSite(t, session.CookieConfig{})
		b, mine := s.browser(), s.pair("eve")
		if strings.Contains(line, "[2]") {
			b.plant(fmt.Sprintf(line+"%[1]s", "", mine.refresh))
		} else {
			b.plant(fmt.Sprintf(line, mine.access))
		}
		b.signIn("ada")
		b.is("ada", 0, line)
		s.clock.Advance(2 * time.Hour)
		b.is("ada", 1, line)
		b.is("ada", 0, line)
		require.Equal(t, http.StatusOK, b.Fetch(http.MethodPost, logOut).Status)
	}
}

// The victim was away until the key of its access token was gone; a sibling host has
// planted a pair of the attacker's meanwhile.
func TestPlanted_WhileAway(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.CookieConfig{})
	b := s.browser()
	b.signIn("ada")
	s.clock.Advance(5 * 24 * time.Hour)
	mine := s.pair("eve")
	b.plant("sRefreshToken=" + mine.refresh + "; Domain=example.com; Path=/auth")
	b.is("ada", 1, "a refresh token alone")

	b = s.browser()
	b.signIn("ada")
	s.clock.Advance(5 * 24 * time.Hour)
	mine = s.pair("eve")
	_, err := s.svc.Revoke(t.Context(), mine.handle)
	require.NoError(t, err)
	b.plant("sRefreshToken=" + mine.refresh + "; Domain=example.com; Path=/auth")
	b.plant("sAccessToken=" + mine.access + "; Domain=example.com; Path=/auth")
	w := b.Fetch(http.MethodPost, s.refreshURL)
	require.Equal(t, http.StatusOK, w.Status, "a pair of an ended session")
	b.is("ada", 0, "and it is the victim's own")

	b = s.browser()
	b.signIn("ada")
	s.clock.Advance(5 * 24 * time.Hour)
	mine = s.pair("eve")
	b.plant("sRefreshToken=" + mine.refresh + "; Domain=example.com; Path=/auth")
	b.plant("sAccessToken=" + mine.access + "; Domain=example.com; Path=/auth")
	w = b.Fetch(http.MethodPost, s.refreshURL)
	require.Equal(t, http.StatusUnauthorized, w.Status, "two sessions that live: nobody is signed in as somebody else")
	require.Empty(t, w.Header.Values("Set-Cookie"), "and nothing is cleared")
}

// With prefixes a sibling host can sign nobody in, before and after a sign-in.
func TestPlanted_Prefixes(t *testing.T) {
	t.Parallel()
	for name, cookie := range map[string]session.CookieConfig{
		"prefixes":       {Prefixes: session.PrefixHost},
		"suffix":         {Prefixes: session.PrefixHost, Suffix: "-x"},
		"PrefixHTTP":     {Prefixes: session.PrefixHTTP},
		"partitioned":    {Prefixes: session.PrefixHTTP, Partitioned: true},
		"older prefixes": {Prefixes: session.PrefixHost, Older: []session.OlderCookieConfig{{Prefixes: session.PrefixHost, Suffix: "-old"}}},
	} {
		for _, suffix := range []string{cookie.Suffix, "-old"} {
			s := newSite(t, cookie)
			visitor, mine := s.browser(), s.pair("eve")
			for _, path := range []string{"/", "/auth", "/auth/session/refresh"} {
				visitor.plant("__Secure-sRefreshToken" + suffix + "=" + mine.refresh + "; Domain=example.com; Path=" + path)
			}
			visitor.plant("sAccessToken=" + mine.access + "; Domain=example.com; Path=/")
			require.Len(t, visitor.set("https://evil.example.com", "__Host-sAccessToken="+mine.access+"; Domain=example.com; Path=/; Secure"), 1)
			w := visitor.Fetch(http.MethodPost, s.refreshURL)
			require.Equal(t, http.StatusUnauthorized, w.Status, name)
			require.Equal(t, "visitor", visitor.Fetch(http.MethodGet, optPage).User())

			visitor.signIn("ada")
			visitor.is("ada", 0, name)
			s.clock.Advance(30 * 24 * time.Hour)
			visitor.is("ada", 1, name+": back after 30 days")
			require.Equal(t, http.StatusOK, visitor.Fetch(http.MethodPost, logOut).Status)
		}
	}
}

// While an older name without prefix is listed, the cookie with one still decides where it is.
func TestPlanted_PrefixesWithOlderNames(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.CookieConfig{Prefixes: session.PrefixHost, Older: []session.OlderCookieConfig{{}}})
	b := s.browser()
	b.signIn("ada")
	mine := s.pair("eve")
	for _, path := range []string{"/", "/api", "/auth/session/refresh"} {
		b.plant("sAccessToken=" + mine.access + "; Domain=example.com; Path=" + path)
		b.plant("sRefreshToken=" + mine.refresh + "; Domain=example.com; Path=" + path)
	}
	b.is("ada", 0, "at once")
	s.clock.Advance(2 * time.Hour)
	b.is("ada", 1, "after the expiry")
	s.clock.Advance(30 * 24 * time.Hour)
	b.is("ada", 1, "after 30 days")
}

// A cookie bomb decides nothing: what was not read may be the browser's own.
func TestPlanted_Bomb(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.CookieConfig{})
	mine := s.pair("eve")
	for _, filler := range []string{
		strings.Repeat("x=; ", 2000), strings.Repeat(";", 1<<20), "x=" + strings.Repeat("y", 70<<10) + "; ",
		func() (all string) {
			for i := range 200 {
				all += fmt.Sprintf("sAccessToken=%d; sRefreshToken=%d; ", i, i)
			}
			return all
		}(),
	} {
		line := "sAccessToken=" + mine.access + "; sRefreshToken=" + mine.refresh + "; " + filler + "sAccessToken=own; sRefreshToken=own"
		for _, b := range []struct{ method, url string }{{http.MethodGet, me}, {http.MethodPost, s.refreshURL}} {
			w := s.browser().send(b.method, b.url, http.Header{"Cookie": {line}})
			require.Equal(t, http.StatusUnauthorized, w.Status)
			require.Empty(t, w.Header.Values("Set-Cookie"))
		}
	}
}

// When the database cannot be asked, nobody loses a cookie.
func TestPlanted_DatabaseAway(t *testing.T) {
	t.Parallel()
	for name, plant := range map[string]func(b *browser, mine pair){
		"nothing": func(*browser, pair) {},
		"refresh token": func(b *browser, mine pair) {
			b.plant("sRefreshToken=" + mine.refresh + "; Domain=example.com; Path=/auth")
		},
		"access token": func(b *browser, mine pair) { b.plant("sAccessToken=" + mine.access + "; Domain=example.com; Path=/") },
	} {
		s := newSite(t, session.CookieConfig{})
		b := s.browser()
		b.signIn("ada")
		plant(b, s.pair("eve"))
		s.store.Arm(storetest.Fault{})
		w := b.Fetch(http.MethodPost, s.refreshURL)
		require.Equal(t, http.StatusServiceUnavailable, w.Status, name)
		require.Empty(t, w.Header.Values("Set-Cookie"), name)
		for _, c := range b.ours() {
			if strings.HasPrefix(c.Name, "sRefresh") {
				b.set(s.refreshURL, "sRefreshToken=; Max-Age=-1; Path=/auth/session/refresh", "sRefreshToken=; Max-Age=-1; Domain=example.com; Path=/auth")
			}
		}
		w = b.Fetch(http.MethodPost, s.refreshURL)
		require.Empty(t, w.Header.Values("Set-Cookie"), name+": a refresh without a token")
		s.store.Arm()
	}
}

// Whatever cannot be healed ends the loop.
func TestLoop_Ends(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.CookieConfig{}, func(c *session.Config) { c.FrontEnds.IDRefreshMigrate = true })
	b := s.browser()
	b.signIn("ada")
	b.plant("sIdRefreshToken=x; Domain=example.com; Path=/")
	b.plant("sIdRefreshToken=y; Domain=example.com; Path=/api/me")
	b.is("ada", 1, "a cookie that cannot be removed is a reason to refresh once")

	s = newSite(t, session.CookieConfig{}, func(c *session.Config) { c.FrontEnds.Preset = session.PresetAll })
	b = s.browser()
	b.plant("sIdRefreshToken=x; Domain=example.com; Path=/")
	_, n := b.FrontEnd(http.MethodGet, me, s.refreshURL, 50)
	require.Equal(t, 1, n, "a visitor")
	b.signIn("ada")
	b.is("ada", 0, "a sign-in")
	require.Equal(t, http.StatusOK, b.Fetch(http.MethodPost, s.refreshURL).Status)
	count := 0
	for _, c := range b.Cookies().For(urlOf(me)) {
		if c.Name == "sIdRefreshToken" {
			count++
		}
	}
	require.Equal(t, 1, count, "pages before 4.0 take two for none")
}

// The story of F-4 over two settings that nobody listed.
func TestStory_HostOnlyThenDomain(t *testing.T) {
	t.Parallel()
	for from, to := range map[string]string{"plain": "Domain", "Domain": "plain", "own Domain": "Domain"} {
		s := newSite(t, layouts()[from])
		b := s.browser()
		b.signIn("ada")
		s.clock.Advance(2 * time.Hour)
		s.deploy(layouts()[to])
		b.is("ada", 1, "one refresh")
		b.is("ada", 0, "and in")
		s.clock.Advance(2 * time.Hour)
		b.is("ada", 1, "one refresh again")
		require.Len(t, b.ours(), 2, "which removed the copies")
		b.signIn("bob")
		b.is("bob", 0, "a new sign-in")
		require.Equal(t, http.StatusOK, b.Fetch(http.MethodPost, logOut).Status)
		require.Empty(t, b.ours())
	}
}

// A service on tables of its own, as another application on the host is.
func TestTwoApplications(t *testing.T) {
	t.Parallel()
	for name, suffix := range map[string]string{"equal names": "", "a suffix": "-b"} {
		a, b := newSite(t, session.CookieConfig{}), newSite(t, session.CookieConfig{Suffix: suffix})
		at := a.browser()
		at.signIn("ada")
		before := at.ours()
		at.Way = rig.Into(b.handler)
		for _, target := range []string{me, optPage} {
			require.Empty(t, at.Fetch(http.MethodGet, target).Header.Values("Set-Cookie"))
		}
		for range 3 {
			require.Empty(t, at.Fetch(http.MethodPost, b.refreshURL).Header.Values("Set-Cookie"))
			require.Empty(t, at.Fetch(http.MethodPost, logOut).Header.Values("Set-Cookie"))
			require.Empty(t, at.Fetch(http.MethodPost, host+"/auth/session/refresh/no").Header.Values("Set-Cookie"))
			b.clock.Advance(5 * time.Minute)
		}
		require.Equal(t, before, at.ours(), name)
		// Only the access token comes along, as when their refresh paths differ.
		other := newSite(t, session.CookieConfig{RefreshPath: "/b/refresh"})
		at.Way = rig.Into(other.handler)
		for range 3 {
			require.Equal(t, http.StatusUnauthorized, at.Fetch(http.MethodPost, host+"/b/refresh").Status)
			other.clock.Advance(5 * time.Minute)
		}
		require.Equal(t, before, at.ours(), name)
		if suffix != "" {
			at.Way = rig.Into(b.handler)
			at.signIn("bob")
			at.SetAntiCSRF("")
			require.Equal(t, "bob", at.Fetch(http.MethodGet, me).User())
			require.Equal(t, http.StatusOK, at.Fetch(http.MethodPost, b.refreshURL).Status)
			at.Way = rig.Into(a.handler)
			require.Equal(t, "ada", at.Fetch(http.MethodGet, me).User())
			require.Equal(t, http.StatusOK, at.Fetch(http.MethodPost, a.refreshURL).Status)
		}
	}
}

// A visitor with something else under our names is a visitor.
func TestVisitor_Junk(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.CookieConfig{})
	for _, line := range []string{"sAccessToken=x", "sAccessToken=x; sAccessToken=y", `sAccessToken="a b"`, "sAccessToken=a.b.c; sAccessToken=" + strings.Repeat("z", 5000)} {
		w := s.browser().Fetch(http.MethodGet, optPage, "Cookie", line)
		require.Equal(t, "visitor", w.User(), line)
		require.Empty(t, w.Header.Values("Set-Cookie"))
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, me, nil)
		r.Header.Set("Cookie", line)
		_, err := s.svc.VerifyHTTP(httptest.NewRecorder(), r)
		require.ErrorIs(t, err, errors.ErrTryRefreshToken)
	}
}
