package cookies_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/session"
)

func replace(form, token string) string { return strings.ReplaceAll(form, "%", token) }

// Cookies without Secure are for this machine, and for nobody who came through a proxy.
func TestInsecure_Table(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, host string
		header     http.Header
		local      bool
	}{
		{"another host", "app.example.com", nil, false},
		{"on the LAN", "192.168.1.7:8080", nil, false},
		{"looks local", "localhost.example.com", nil, false},
		{"looks like an address", "127.0.0.1.example.com", nil, false},
		{"any", "0.0.0.0:8080", nil, false},
		{"X-Forwarded-Host", "127.0.0.1:8080", http.Header{"X-Forwarded-Host": {"app.example.com"}}, false},
		{"X-Forwarded-Host, second", "127.0.0.1:8080", http.Header{"X-Forwarded-Host": {"localhost, app.example.com"}}, false},
		{"X-Forwarded-For", "127.0.0.1:8080", http.Header{"X-Forwarded-For": {"203.0.113.9"}}, false},
		{"X-Forwarded-For, list", "127.0.0.1:8080", http.Header{"X-Forwarded-For": {"127.0.0.1", "203.0.113.9, 127.0.0.1"}}, false},
		{"X-Forwarded-For, IPv6", "[::1]:8080", http.Header{"X-Forwarded-For": {"2001:db8::1"}}, false},
		{"X-Forwarded-For, IPv6 and port", "[::1]:8080", http.Header{"X-Forwarded-For": {"[2001:db8::1]:99"}}, false},
		{"X-Forwarded-For, nonsense", "localhost", http.Header{"X-Forwarded-For": {"unknown"}}, false},
		{"X-Forwarded-Server", "localhost", http.Header{"X-Forwarded-Server": {"web1"}}, false},
		{"X-Real-IP", "localhost", http.Header{"X-Real-Ip": {"10.0.0.1"}}, false},
		{"CF-Connecting-IP", "localhost", http.Header{"Cf-Connecting-Ip": {"203.0.113.9"}}, false},
		{"Forwarded", "localhost", http.Header{"Forwarded": {"for=203.0.113.9"}}, false},
		{"Forwarded, quoted", "localhost", http.Header{"Forwarded": {`proto=http;For="[2001:db8::1]:4711"`}}, false},
		{"Forwarded, host", "localhost", http.Header{"Forwarded": {`for=127.0.0.1;host="app.example.com:80"`}}, false},
		{"Forwarded, second", "localhost", http.Header{"Forwarded": {"for=127.0.0.1, for=_hidden"}}, false},
		{"Forwarded, too long", "localhost", http.Header{"Forwarded": {strings.Repeat("for=127.0.0.1,", 200)}}, false},
		{"many lines", "localhost", http.Header{"X-Forwarded-For": make([]string, 50)}, false},

		{"localhost", "localhost:8080", nil, true},
		{"below localhost", "App.localhost", nil, true},
		{"IPv4", "127.9.9.9:80", nil, true},
		{"IPv6", "[::1]", nil, true},
		{"a development proxy", "localhost:5173", http.Header{
			"X-Forwarded-For": {"::ffff:127.0.0.1, ::1"}, "X-Forwarded-Host": {"localhost:5173"}, "X-Forwarded-Port": {"5173"}, "X-Forwarded-Proto": {"http"},
		}, true},
		{"Forwarded, local", "127.0.0.1", http.Header{"Forwarded": {`for="[::1]:4711";host=localhost:80;by=203.0.113.43;proto=http`}}, true},
	} {
		s := newSite(t, session.CookieConfig{Insecure: true})
		require.Equal(t, 1, strings.Count(s.logs.String(), "Cookie.Insecure is on"), "warned at start")
		call := func(method, path string, more ...string) *httptest.ResponseRecorder {
			r := httptest.NewRequestWithContext(t.Context(), method, "http://localhost"+path, nil)
			r.Host = row.host
			if row.header != nil {
				r.Header = row.header.Clone()
			}
			for i := 0; i+1 < len(more); i += 2 {
				r.Header.Set(more[i], more[i+1])
			}
			w := httptest.NewRecorder()
			s.handler.ServeHTTP(w, r)
			return w
		}
		mine := s.pair("ada")
		for path, cookie := range map[string]string{"/api/login?user=ada": "", "/auth/session/refresh": "sRefreshToken=" + mine.refresh} {
			w := call(http.MethodPost, path, "Cookie", cookie)
			require.Equal(t, row.local, w.Code == http.StatusOK, "%s %s", row.name, path)
			require.Equal(t, row.local, len(w.Header().Values("Set-Cookie")) > 0, "%s %s", row.name, path)
		}
		w := call(http.MethodPost, "/api/login?user=ada", "St-Auth-Mode", "header")
		require.Equal(t, http.StatusOK, w.Code, "%s: a token in a header needs no cookie", row.name)
		w = call(http.MethodPost, "/auth/session/refresh", "Authorization", "Bearer "+w.Header().Get("St-Refresh-Token"))
		require.Equal(t, http.StatusOK, w.Code, row.name)
		require.Empty(t, w.Header().Values("Set-Cookie"), row.name)
	}
}

// A script cannot turn the session of its HttpOnly cookies into tokens that it can read.
func TestScript_CannotLeaveHTTPOnly(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.CookieConfig{})
	b, mine := s.browser(), s.pair("eve")
	_, err := s.svc.Revoke(t.Context(), mine.handle)
	require.NoError(t, err)
	for name, header := range map[string]http.Header{
		"plain":                       {},
		"capitals":                    {"St-Auth-Mode": {"HEADER"}},
		"a token of an ended session": {"Authorization": {"Bearer " + mine.access}},
		"a forged token":              {"Authorization": {"Bearer " + unknownKey(t, mine.access)}},
		"a refresh token":             {"Authorization": {"Bearer " + mine.refresh}},
	} {
		b.signIn("ada")
		if header.Get("St-Auth-Mode") == "" {
			header.Set("St-Auth-Mode", "header")
		}
		w := b.send(http.MethodPost, logIn+"ada", header)
		require.Equal(t, http.StatusOK, w.Status, name)
		require.Empty(t, w.Header.Get("St-Access-Token")+w.Header.Get("St-Refresh-Token"), name)
	}
	// Expired, or of a database that is away.
	b.signIn("ada")
	_, err = s.svc.RevokeAll(t.Context(), "ada")
	require.NoError(t, err)
	w := b.send(http.MethodPost, logIn+"ada", http.Header{"St-Auth-Mode": {"header"}})
	require.NotEmpty(t, w.Header.Get("St-Refresh-Token"), "the cookies' session is over: the client may choose")
}

// Settings that cannot work, or that open a door, are refused at start by name.
func TestSettings_Refused(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		field  string
		change func(*session.Config)
	}{
		{"AntiCSRF.Mode", func(c *session.Config) {
			c.Cookie.SameSite, c.AntiCSRF.Mode = http.SameSiteNoneMode, session.InsecureAntiCSRFOff
		}},
		{"Cookie.RefreshPath", func(c *session.Config) { c.Cookie.RefreshPath = "/" }},
		{"Cookie.RefreshPath", func(c *session.Config) { c.Cookie.RefreshPath = "/auth/:any" }},
		{"Cookie.RefreshPath", func(c *session.Config) { c.Cookie.RefreshPath = "*" }},
		{"Cookie.RefreshPath", func(c *session.Config) { c.Cookie.RefreshPath = "/auth/*any" }},
		{"Cookie.RefreshPath", func(c *session.Config) { c.Cookie.RefreshPath = "/auth/refresh/" }},
		{"Cookie.RefreshPath", func(c *session.Config) { c.Cookie.RefreshPath = "//evil.example/refresh" }},
		{"Cookie.RefreshPath", func(c *session.Config) { c.Cookie.RefreshPath = "/auth/../refresh" }},
		{"Cookie.RefreshPath", func(c *session.Config) { c.Cookie.RefreshPath = "/auth/%72efresh" }},
		{"Cookie.RefreshPath", func(c *session.Config) { c.Cookie.RefreshPath = "/auth/refresh;x" }},
		{"Cookie.SignOutPath", func(c *session.Config) { c.Cookie.SignOutPath = "/auth/session/refresh" }},
		{"Cookie.SignOutPath", func(c *session.Config) { c.Cookie.SignOutPath = "/:x" }},
		{"Cookie.AccessPath", func(c *session.Config) { c.Cookie.AccessPath = "/:tenant" }},
		{"Cookie.Domain", func(c *session.Config) { c.Cookie.Domain = "com" }},
		{"Cookie.Domain", func(c *session.Config) { c.Cookie.Domain = ".Co.UK" }},
		{"Cookie.Domain", func(c *session.Config) { c.Cookie.Domain = "github.io" }},
		{"Cookie.Domain", func(c *session.Config) { c.Cookie.Domain = "example.com." }},
		{"Cookie.Domain", func(c *session.Config) { c.Cookie.Domain = "https://example.com" }},
		{"Cookie.Suffix", func(c *session.Config) { c.Cookie.Suffix = "a b" }},
		{"Cookie.Suffix", func(c *session.Config) { c.Cookie.Suffix = "=x" }},
		{"Cookie.Prefixes", func(c *session.Config) { c.Cookie.Prefixes, c.Cookie.Domain = session.PrefixHost, "example.com" }},
		{"Cookie.Prefixes", func(c *session.Config) { c.Cookie.Prefixes, c.Cookie.Insecure = session.PrefixHost, true }},
		{"Cookie.Prefixes", func(c *session.Config) { c.Cookie.Prefixes, c.Cookie.AccessPath = session.PrefixHTTP, "/api" }},
		{"Cookie.Prefixes", func(c *session.Config) { c.Cookie.Prefixes = session.PrefixHTTP + 1 }},
		{"Cookie.Partitioned", func(c *session.Config) { c.Cookie.Partitioned, c.Cookie.Insecure = true, true }},
		{"Cookie.Older[0]", func(c *session.Config) { c.Cookie.Older = []session.OlderCookieConfig{{}} }},
		{"Cookie.Older[0]", func(c *session.Config) {
			c.Cookie.Partitioned, c.Cookie.Older = true, []session.OlderCookieConfig{{Partitioned: true}}
		}},
		{"Cookie.Older[0]", func(c *session.Config) {
			c.Cookie.Domain, c.Cookie.Older = "example.com", []session.OlderCookieConfig{{Domain: ".Example.com"}}
		}},
		{"Cookie.Older[1]", func(c *session.Config) {
			c.Cookie.Domain, c.Cookie.Older = "example.com", []session.OlderCookieConfig{{Domain: "a.example.com"}, {Domain: ".A.example.com"}}
		}},
		{"Cookie.Older[0].Domain", func(c *session.Config) { c.Cookie.Older = []session.OlderCookieConfig{{Domain: "com"}} }},
		{"Cookie.Older[0].RefreshPath", func(c *session.Config) { c.Cookie.Older = []session.OlderCookieConfig{{RefreshPath: "/auth/signout"}} }},
		{"Cookie.Older[0].RefreshPath", func(c *session.Config) { c.Cookie.Older = []session.OlderCookieConfig{{RefreshPath: "/"}} }},
		{"Cookie.Older[0].AccessPath", func(c *session.Config) { c.Cookie.Older = []session.OlderCookieConfig{{AccessPath: "api"}} }},
		{"Cookie.Older[0].Prefixes", func(c *session.Config) {
			c.Cookie.Older = []session.OlderCookieConfig{{Prefixes: session.PrefixHost, Domain: "example.com"}}
		}},
		{"Cookie.Older", func(c *session.Config) { c.Cookie.Older = make([]session.OlderCookieConfig, 9) }},
		{"SessionExpiredStatus", func(c *session.Config) { c.SessionExpiredStatus = 403 }},
	} {
		var cfg session.Config
		row.change(&cfg)
		_, err := session.New(t.Context(), nil, cfg)
		require.ErrorContains(t, err, "Config."+row.field+":", "%+v", cfg.Cookie)
	}
	for _, change := range []func(*session.Config){
		func(c *session.Config) { c.Cookie.Domain = ".Example.co.uk" },
		func(c *session.Config) { c.Cookie.Domain = "localhost" },
		func(c *session.Config) { c.Cookie.AccessPath, c.Cookie.SignOutPath = "/api/", "/api/out" },
	} {
		var cfg session.Config
		change(&cfg)
		_, err := session.New(t.Context(), nil, cfg)
		require.ErrorContains(t, err, "store is nil")
	}
}

// A status that would be taken for another answer is not used.
func TestSettings_ExpiredStatusFor(t *testing.T) {
	t.Parallel()
	for given, want := range map[int]int{403: 401, 418: 401, 200: 401, 500: 401, 0: 401, -1: 401, 399: 401, 440: 440} {
		s := newSite(t, session.CookieConfig{}, func(c *session.Config) {
			c.InvalidClaimStatus = 418
			c.SessionExpiredStatusFor = func(*http.Request) int { return given }
		})
		require.Equal(t, want, s.browser().Fetch(http.MethodGet, me).Status)
		require.Equal(t, want, s.browser().Fetch(http.MethodPost, s.refreshURL).Status)
	}
}

// The sign that pages before 4.0 read: at the access path for those of the seed's generation.
func TestIDRefresh_Path(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		preset session.Preset
		path   string
	}{{session.PresetRefJWT4, "/api"}, {session.PresetAll, "/"}} {
		s := newSite(t, session.CookieConfig{AccessPath: "/api"}, func(c *session.Config) { c.FrontEnds.Preset = row.preset })
		b := s.browser()
		b.set(host, "sIdRefreshToken=stale; Path=/")
		signs := func() (paths []string) {
			for _, c := range b.ours() {
				if c.Name == "sIdRefreshToken" {
					paths = append(paths, c.Path)
				}
			}
			return paths
		}
		b.signIn("ada")
		require.Equal(t, []string{row.path}, signs(), "a copy at / is gone")
		b.set(host, "sIdRefreshToken=stale; Path=/")
		require.Equal(t, http.StatusOK, b.Fetch(http.MethodPost, s.refreshURL).Status)
		require.Equal(t, []string{row.path}, signs())
		b.set(host, "sIdRefreshToken=stale; Path=/")
		require.Equal(t, http.StatusOK, b.Fetch(http.MethodPost, logOut).Status)
		require.Empty(t, b.ours())
	}
	s := newSite(t, session.CookieConfig{}, func(c *session.Config) { c.FrontEnds.Preset = session.PresetAll })
	b := s.browser()
	b.signIn("ada")
	s.deploy(session.CookieConfig{Domain: "example.com", Older: []session.OlderCookieConfig{{}}}, func(c *session.Config) { c.FrontEnds.Preset = session.PresetAll })
	require.Equal(t, http.StatusOK, b.Fetch(http.MethodPost, s.refreshURL).Status)
	require.Len(t, b.ours(), 3, "one sign, one pair")
	require.Equal(t, http.StatusOK, b.Fetch(http.MethodPost, logOut).Status)
	require.Empty(t, b.ours())
}
