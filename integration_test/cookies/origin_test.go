package cookies_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/session"
)

// with is a header that names a foreign site of that kind, and more.
func with(site string, more ...string) http.Header {
	h := http.Header{"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {site}}
	for i := 0; i+1 < len(more); i += 2 {
		h.Add(more[i], more[i+1])
	}
	return h
}

// Which requests count as meant by a page of ours.
func TestOrigin_Table(t *testing.T) {
	t.Parallel()
	const own, trusted = "https://app.example.com", "https://page.example.org:8443"
	for _, row := range []struct {
		name   string
		header http.Header
		meant  bool
	}{
		{"another site", with("cross-site"), false},
		{"a sibling host", with("same-site"), false},
		{"another site, form", with("cross-site", "Content-Type", "application/x-www-form-urlencoded"), false},
		{"another site, multipart", with("cross-site", "Content-Type", "multipart/form-data; boundary=application/json"), false},
		{"another site, plain text", with("cross-site", "Content-Type", "text/plain;x=application/json"), false},
		{"another site, plain text in capitals", with("cross-site", "Content-Type", "Text/Plain; charset=UTF-8"), false},
		{"another site, two types", with("cross-site", "Content-Type", "text/plain", "Content-Type", "application/json"), false},
		{"another site, two types in one", with("cross-site", "Content-Type", "text/plain, application/json"), false},
		{"another site, no type", with("cross-site", "Content-Type", ""), false},
		{"another site, Basic", with("cross-site", "Authorization", "Basic YTpi"), false},
		{"another site, Negotiate", with("cross-site", "Authorization", "Negotiate YTpi"), false},
		{"another site, simple headers", with("cross-site", "Accept", "application/json", "Accept-Language", "rid", "X-Requested-Without", ""), false},
		{"null", http.Header{"Origin": {"null"}}, false},
		{"null, frame of our own page", http.Header{"Origin": {"null"}, "Sec-Fetch-Site": {"cross-site"}}, false},
		{"older browser, foreign", http.Header{"Origin": {"https://evil.example"}}, false},
		{"older browser, another port", http.Header{"Origin": {own + ":8443"}}, false},
		{"older browser, sibling", http.Header{"Origin": {"https://evil.example.com"}}, false},
		{"older browser, our name in front", http.Header{"Origin": {own + ".evil.example"}}, false},
		{"older browser, our name as user", http.Header{"Origin": {"https://app.example.com@evil.example"}}, false},
		{"two origins", http.Header{"Origin": {own, "https://evil.example"}}, false},
		{"two sites", http.Header{"Sec-Fetch-Site": {"same-origin", "cross-site"}}, false},
		{"unknown site", http.Header{"Sec-Fetch-Site": {"somewhere"}}, false},
		{"trusted, wrong scheme", http.Header{"Origin": {"http://page.example.org:8443"}, "Sec-Fetch-Site": {"cross-site"}}, false},
		{"trusted, wrong port", http.Header{"Origin": {"https://page.example.org"}, "Sec-Fetch-Site": {"cross-site"}}, false},
		{"trusted, below", http.Header{"Origin": {"https://a.page.example.org:8443"}, "Sec-Fetch-Site": {"cross-site"}}, false},

		{"own page", http.Header{"Origin": {own}, "Sec-Fetch-Site": {"same-origin"}}, true},
		{"typed in", http.Header{"Sec-Fetch-Site": {"none"}}, true},
		{"older browser, own page", http.Header{"Origin": {own}}, true},
		{"older browser, own page, port named", http.Header{"Origin": {own + ":443"}}, true},
		{"upper case", http.Header{"Origin": {"https://APP.EXAMPLE.COM"}}, true},
		{"curl", nil, true},
		{"trusted", http.Header{"Origin": {trusted}, "Sec-Fetch-Site": {"cross-site"}}, true},
		{"trusted, implied port", http.Header{"Origin": {"https://other.example.org"}, "Sec-Fetch-Site": {"cross-site"}}, true},
		{"an app", http.Header{"Origin": {"capacitor://localhost"}, "Sec-Fetch-Site": {"cross-site"}}, true},
		{"JSON", with("cross-site", "Content-Type", "application/json; charset=utf-8"), true},
		{"+json", with("same-site", "Content-Type", "application/problem+json"), true},
		{"rid", with("cross-site", "Rid", "session"), true},
		{"rid, empty", with("cross-site", "Rid", ""), true},
		{"fdi-version", with("cross-site", "Fdi-Version", "1.8"), true},
		{"st-auth-mode", with("cross-site", "St-Auth-Mode", "cookie"), true},
		{"anti-csrf", with("cross-site", "Anti-Csrf", ""), true},
		{"supertokens-sdk-name", with("same-site", "Supertokens-Sdk-Name", "website"), true},
		{"Bearer", with("cross-site", "Authorization", "Bearer x"), true},
	} {
		for _, target := range []string{"refresh", "sign-in", "sign-out"} {
			s := newSite(t, session.CookieConfig{}, func(c *session.Config) {
				c.TrustedOrigins = []string{trusted, "HTTPS://Other.example.org:443", "capacitor://localhost"}
				c.AntiCSRF.Mode = session.InsecureAntiCSRFOff // what is left is the origin
			})
			b := s.browser()
			b.signIn("ada")
			url := map[string]string{"refresh": s.refreshURL, "sign-in": logIn + "?user=mallory", "sign-out": logOut}[target]
			w := b.send(http.MethodPost, url, row.header)
			name := row.name + ": " + target
			if row.meant {
				require.Equal(t, http.StatusOK, w.Status, name)
				require.NotContains(t, s.logs.String(), "foreign origin", name)
				continue
			}
			require.Equal(t, http.StatusForbidden, w.Status, name)
			var body map[string]any
			require.NoError(t, json.Unmarshal([]byte(w.Body), &body), name)
			require.Empty(t, w.Header.Values("Set-Cookie"), name)
			require.Empty(t, w.Header.Get("Front-Token")+w.Header.Get("Id-Refresh-Token"), name)
			b.send(http.MethodPost, url, row.header)
			require.Equal(t, 1, strings.Count(s.logs.String(), "a page of a foreign origin was refused"), name)
			require.Contains(t, s.logs.String(), "host=app.example.com", name)
			b.is("ada", 0, name)
			list, err := s.svc.List(t.Context(), "ada")
			require.NoError(t, err)
			require.Len(t, list, 1, name)
		}
	}
}

// A token in a header is no browser's doing, and a GET callback is the application's own affair.
func TestOrigin_Passes(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.CookieConfig{})
	tokens, err := s.svc.Create(t.Context(), "ada")
	require.NoError(t, err)
	b := s.browser()
	require.Equal(t, http.StatusOK, b.send(http.MethodPost, s.refreshURL, with("cross-site", "Authorization", "Bearer "+tokens.Refresh.Value)).Status)
	require.Equal(t, http.StatusOK, b.send(http.MethodPost, logOut, with("cross-site", "Authorization", "Bearer "+tokens.Access.Value)).Status)
	require.Equal(t, http.StatusOK, b.send(http.MethodGet, logIn+"ada", with("cross-site")).Status, "a callback of a provider")

	router := gin.New()
	router.POST("/saml", func(c *gin.Context) {
		_, err := middleware.Create(c, s.svc, "ada", session.InsecureCrossOriginSignIn())
		require.NoError(t, err)
	})
	s.handler = router
	require.Equal(t, http.StatusOK, b.send(http.MethodPost, host+"/saml", with("cross-site")).Status)
}

// A WebSocket handshake is a GET to which a page can add no header: Origin decides, in every
// anti-CSRF mode.
func TestOrigin_WebSocket(t *testing.T) {
	t.Parallel()
	for _, mode := range []session.AntiCSRFMode{session.AntiCSRFViaToken, session.AntiCSRFViaCustomHeader, session.InsecureAntiCSRFOff} {
		s := newSite(t, session.CookieConfig{}, func(c *session.Config) {
			c.AntiCSRF.Mode, c.TrustedOrigins = mode, []string{"https://page.example.org"}
		})
		b := s.browser()
		b.signIn("ada")
		tokens, err := s.svc.Create(t.Context(), "ada")
		require.NoError(t, err)
		for _, row := range []struct {
			origins []string
			upgrade []string
			status  int
		}{
			{[]string{"https://evil.example"}, []string{"websocket"}, http.StatusForbidden},
			{[]string{"https://evil.example.com"}, []string{"WebSocket"}, http.StatusForbidden},
			{[]string{"null"}, []string{"h2c, websocket"}, http.StatusForbidden},
			{[]string{"https://app.example.com:8443"}, []string{"h2c", "websocket"}, http.StatusForbidden},
			{[]string{"https://app.example.com", "https://evil.example"}, []string{"websocket"}, http.StatusForbidden},
			{[]string{"https://evil.example"}, []string{strings.Repeat(" ", 300) + "websocket"}, http.StatusForbidden},
			{[]string{"https://evil.example"}, append(make([]string, 20), "websocket"), http.StatusForbidden},
			{[]string{"https://evil.example"}, nil, http.StatusOK},
			{[]string{"https://app.example.com"}, []string{"websocket"}, http.StatusOK},
			{[]string{"https://app.example.com:443"}, []string{"websocket"}, http.StatusOK},
			{[]string{"https://page.example.org"}, []string{"websocket"}, http.StatusOK},
			{nil, []string{"websocket"}, http.StatusOK},
		} {
			for _, target := range []string{me, optPage} {
				h := http.Header{"Upgrade": row.upgrade, "Connection": {"Upgrade"}, "Rid": {"x"}, "Anti-Csrf": {b.AntiCSRF()}}
				if row.origins != nil {
					h["Origin"] = row.origins
				}
				w := b.send(http.MethodGet, target, h)
				require.Equal(t, row.status, w.Status, "%v %v", row.origins, row.upgrade)
				require.Empty(t, w.Header.Values("Set-Cookie"))
				h.Set("Authorization", "Bearer "+tokens.Access.Value)
				require.Equal(t, http.StatusOK, b.send(http.MethodGet, target, h).Status, "by header")
			}
		}
	}
}

// What is no origin is refused at start, by name.
func TestOrigin_TrustedSyntax(t *testing.T) {
	t.Parallel()
	for _, origin := range []string{
		"", "null", "*", "app.example.com", "//app.example.com", "https://", "https://*.example.com", "https://app.example.com/",
		"https://app.example.com/x", "https://u@app.example.com", "https://app.example.com?x", "https://app.example.com#x", "https://bücher.example",
		"wss://app.example.com", "https://app.example.com:", "https://app.example.com:0443", "https://a b", "https://a,b", "file://",
		" https://app.example.com", "https://app.example.com https://b.example.com", "https://" + strings.Repeat("a", 600),
	} {
		_, err := session.New(t.Context(), nil, session.Config{TrustedOrigins: []string{"https://ok.example", origin}})
		require.ErrorContains(t, err, "Config.TrustedOrigins", origin)
	}
	for _, origin := range []string{"https://app.example.com", "HTTP://Localhost:5173", "http://[::1]:3000", "capacitor://localhost", "chrome-extension://abcdef", "app://-"} {
		_, err := session.New(t.Context(), nil, session.Config{TrustedOrigins: []string{origin}})
		require.NotContains(t, err.Error(), "TrustedOrigins", origin)
	}
}
