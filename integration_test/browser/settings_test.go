//go:build e2e

package browser_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/session"
)

// life is a session from its beginning to each of its ends.
var life = []story{
	{"sign in and read", everybody, signsInAndReads},
	{"expired token is refreshed silently", everybody, refreshesSilently},
	{"POST with anti-CSRF proof and Unicode", everybody, postsWithProof},
	{"sign out", everybody, signsOut},
	{"visitor without a session", everybody, visits},
	{"revoked elsewhere, told at once", everybody, learnsOfRevocationAtOnce},
	{"theft, seen by the victim's page", everybody, seesTheft},
}

// The front ends that a preset is for live with it.
func TestPresets(t *testing.T) {
	t.Parallel()
	for _, p := range []struct {
		name          string
		preset        session.Preset
		expiredStatus int
		versions      []string
	}{
		{"All", session.PresetAll, 0, []string{"4.2.0", "20.1.6"}},
		{"RefJWT4", session.PresetRefJWT4, 440, []string{"4.2.0", "5.1.1"}},
		{"Modern", session.PresetModern, 0, []string{"16.0.10", "20.1.6"}},
	} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			for _, version := range p.versions {
				t.Run(version, func(t *testing.T) {
					tellAll(t, life, setting{
						frontEnd: frontEnd{version}, mode: "cookie", expiredStatus: p.expiredStatus,
						change: func(cfg *session.Config) { cfg.FrontEnds.Preset = p.preset },
					})
				})
			}
		})
	}
}

// atHTTPS are versions of different ages.
var atHTTPS = []string{"5.1.1", "15.0.0", "20.1.6"}

// Over HTTPS the cookies are Secure, and the browser takes the names with
// prefixes: it holds us to the attributes that they promise.
func TestCookiePrefixes(t *testing.T) {
	t.Parallel()
	for _, version := range atHTTPS {
		t.Run(version, func(t *testing.T) {
			tellAll(t, life, setting{
				frontEnd: frontEnd{version}, mode: "cookie", tls: true, prefix: "__Host-",
				change: func(cfg *session.Config) { cfg.Cookie = session.CookieConfig{Prefixes: session.PrefixHost} },
			})
		})
	}
}

// The browser knows __Host-Http- and takes such a cookie from an answer and from no
// script.
func TestCookiePrefixHTTP(t *testing.T) {
	byScript := story{"no script sets the access cookie", everybody, func(t *testing.T, w *world) {
		w.signIn()
		before := w.tokens()
		const others = "; Secure; Path=/"
		for _, line := range []string{"__Host-Http-sAccessToken=x" + others, "__Http-x=x" + others, "__Host-x=x" + others} {
			w.evaluate("String(document.cookie = " + strconv.Quote(line) + ")")
		}
		require.Equal(t, before, w.tokens())
		names := w.state().Cookies
		require.Contains(t, names, "__Host-x", "which scripts may set")
		require.NotContains(t, names, "__Http-x")
		w.must(http.StatusOK, w.get("/me"))
	}}
	tellAll(t, append([]story{byScript}, life...), setting{
		frontEnd: frontEnd{"20.1.6"}, mode: "cookie", tls: true, prefix: "__Host-Http-",
		change: func(cfg *session.Config) { cfg.Cookie = session.CookieConfig{Prefixes: session.PrefixHTTP} },
	})
}

// A page of another site lives with cookies that are kept for that page's site alone,
// however they are named.
func TestPartitionedCookies(t *testing.T) {
	keptApart := story{"kept for the page's site", everybody, func(t *testing.T, w *world) {
		w.signIn()
		ours := w.cookies(w.api + w.app.Svc.RefreshPaths()[0])
		for _, name := range []string{"sAccessToken", "sRefreshToken"} {
			cookie := ours[w.cookieName(name)]
			require.NotNil(t, cookie, name)
			require.NotNil(t, cookie.PartitionKey, name)
			require.Equal(t, "https://localhost", cookie.PartitionKey.TopLevelSite)
		}
	}}
	tellAll(t, append([]story{keptApart}, life...), setting{
		frontEnd: frontEnd{"20.1.6"}, mode: "cookie", tls: true, cross: true, prefix: "__Host-Http-",
		change: func(cfg *session.Config) {
			cfg.Cookie = session.CookieConfig{Prefixes: session.PrefixHTTP, Partitioned: true, SameSite: http.SameSiteNoneMode}
		},
	})
}

// A page of another site works with SameSite=None, where the browser still
// sends cookies to third parties at all.
func TestCrossSiteCookies(t *testing.T) {
	t.Parallel()
	for _, version := range atHTTPS {
		t.Run(version, func(t *testing.T) {
			tellAll(t, life, setting{
				frontEnd: frontEnd{version}, mode: "cookie", tls: true, cross: true,
				change: func(cfg *session.Config) { cfg.Cookie = session.CookieConfig{SameSite: http.SameSiteNoneMode} },
			})
		})
	}
}
