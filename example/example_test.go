package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// startProgram runs the program as main does, on a free port, until the test
// ends, and returns its URL.
func startProgram(t *testing.T, args ...string) string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, append([]string{"-addr", "127.0.0.1:0"}, args...), in, io.Discard) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
	line := make([]byte, 256)
	n, err := out.Read(line)
	require.NoError(t, err)
	url := regexp.MustCompile(`https?://\S+`).FindString(string(line[:n]))
	require.NotEmpty(t, url, "it prints its address")
	return url
}

// client is a browser without a page.
type client struct {
	t        *testing.T
	url      string
	http     *http.Client
	antiCSRF string
}

func newClient(t *testing.T, url string) *client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &client{t: t, url: url, http: &http.Client{Jar: jar, Timeout: 30 * time.Second}}
}

// send returns the status and the body.
func (c *client) send(method, path, body string) (int, string) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
	require.NoError(c.t, err)
	if c.antiCSRF != "" {
		r.Header.Set("anti-csrf", c.antiCSRF)
	}
	resp, err := c.http.Do(r)
	require.NoError(c.t, err)
	defer resp.Body.Close()
	if token := resp.Header.Get("anti-csrf"); token != "" {
		c.antiCSRF = token
	}
	text, err := io.ReadAll(resp.Body)
	require.NoError(c.t, err)
	return resp.StatusCode, string(text)
}

// want sends, and compares status and JSON body (if any is given).
func (c *client) want(status int, wantBody, method, path, body string) string {
	c.t.Helper()
	got, text := c.send(method, path, body)
	require.Equal(c.t, status, got, "%s %s: %s", method, path, text)
	if wantBody != "" {
		require.JSONEq(c.t, wantBody, text, "%s %s", method, path)
	}
	return text
}

func (c *client) login(user string) (handle string) {
	c.t.Helper()
	var me struct{ Handle string }
	text := c.want(200, "", http.MethodPost, "/api/login", `{"userId":"`+user+`","payload":{"role":"editor"}}`)
	require.NoError(c.t, json.Unmarshal([]byte(text), &me))
	return me.Handle
}

// The routes, which other programs rely on.
func TestRoutes(t *testing.T) {
	t.Parallel()
	url := startProgram(t)
	visitor := newClient(t, url)
	visitor.want(200, `{"status":"ok"}`, http.MethodGet, "/healthz", "")
	for _, path := range []string{"/api/me", "/api/data", "/api/sessions"} {
		visitor.want(401, `{"message":"unauthorised"}`, http.MethodGet, path, "")
	}
	for _, body := range []string{"", "{", `{"userId":""}`, `{"userId":7}`, `{"userId":"a","payload":{"sub":1}}`, `{"userId":"a"} x`} {
		visitor.want(400, "", http.MethodPost, "/api/login", body)
	}

	ada, phone, bob := newClient(t, url), newClient(t, url), newClient(t, url)
	handle, other := ada.login("ada"), phone.login("ada")
	foreign := bob.login("bob")
	ada.want(200, `{"userId":"ada","handle":"`+handle+`","payload":{"role":"editor"}}`, http.MethodGet, "/api/me", "")
	ada.want(200, `null`, http.MethodGet, "/api/data", "")
	ada.want(200, `{"n":9007199254740993}`, http.MethodPut, "/api/data", `{"n":9007199254740993}`)
	ada.want(200, `{"n":9007199254740993}`, http.MethodGet, "/api/data", "")
	// Oldest first, but two of one millisecond may stand either way round.
	list := ada.want(200, "", http.MethodGet, "/api/sessions", "")
	require.Contains(t, list, handle)
	require.Contains(t, list, other)
	require.NotContains(t, list, foreign)

	ada.want(404, "", http.MethodDelete, "/api/sessions/"+foreign, "")
	ada.want(404, "", http.MethodDelete, "/api/sessions/nonsense", "")
	bob.want(200, "", http.MethodPost, "/auth/session/refresh", "")
	ada.want(204, "", http.MethodDelete, "/api/sessions/"+other, "")
	phone.want(401, `{"message":"unauthorised"}`, http.MethodPost, "/auth/session/refresh", "")

	ada.want(200, `null`, http.MethodPost, "/auth/session/refresh", "")
	ada.want(200, "", http.MethodGet, "/api/me", "")
	ada.want(200, `{"revoked":1}`, http.MethodPost, "/api/logout-everywhere", "")
	ada.want(401, `{"message":"unauthorised"}`, http.MethodGet, "/api/me", "")
	bob.want(200, `{"status":"OK"}`, http.MethodPost, "/auth/signout", "")
	bob.want(401, `{"message":"unauthorised"}`, http.MethodGet, "/api/me", "")
}

// The thief of the page: whoever refreshes second gives the theft away, and the feed says so.
func TestThief(t *testing.T) {
	t.Parallel()
	url := startProgram(t)
	victim := newClient(t, url)
	victim.want(200, "", http.MethodGet, "/demo/events", "")
	victim.login("ada")
	victim.want(404, "", http.MethodPost, "/demo/thief/read", "")
	victim.want(200, "", http.MethodPost, "/auth/session/refresh/demo-copy", "")
	require.Contains(t, victim.want(200, "", http.MethodPost, "/demo/thief/read", ""), `"status":200`)
	require.Contains(t, victim.want(200, "", http.MethodPost, "/demo/thief/refresh", ""), `"status":200`)
	require.Contains(t, victim.want(200, "", http.MethodPost, "/demo/thief/read", ""), `"status":200`)
	victim.want(401, `{"message":"token theft detected"}`, http.MethodPost, "/auth/session/refresh", "")
	require.Contains(t, victim.want(200, "", http.MethodPost, "/demo/thief/refresh", ""), `"status":401`)
	require.Eventually(t, func() bool {
		_, feed := victim.send(http.MethodGet, "/demo/events?after=0", "")
		return strings.Contains(feed, `"theft_callback"`) && strings.Contains(feed, `"token_theft"`)
	}, 10*time.Second, 10*time.Millisecond)

	stranger := newClient(t, url)
	stranger.want(401, "", http.MethodPost, "/auth/session/refresh/demo-copy", "")
	stranger.want(404, "", http.MethodPost, "/demo/thief/read", "")
}

// The page is complete, and allowed to load nothing from elsewhere.
func TestPage(t *testing.T) {
	t.Parallel()
	url := startProgram(t, "-access-validity", "5s", "-immediate-revocation", "-concurrent-window", "3s")
	resp, err := http.Get(url + "/") //nolint:noctx // the program is our own
	require.NoError(t, err)
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	policy := resp.Header.Get("Content-Security-Policy")
	require.Contains(t, policy, "default-src 'none'")
	require.NotContains(t, policy, "unsafe")
	require.Contains(t, string(page), `data-access-validity="5000"`)
	for _, asset := range regexp.MustCompile(`(?:src|href)="(/assets/[^"]+)"`).FindAllSubmatch(page, -1) {
		newClient(t, url).want(200, "", http.MethodGet, string(asset[1]), "")
	}
	require.NotRegexp(t, `(?:src|<link[^>]* href)="https?:`, string(page))
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"not on loopback":      {"-addr", "0.0.0.0:0"},
		"an argument":          {"serve"},
		"half of TLS":          {"-tls-cert", "x.pem"},
		"two databases":        {"-dsn", "x", "-sqlite", "y"},
		"a preset of no name":  {"-preset", "modernish"},
		"no such flag":         {"-acces-validity", "1s"},
		"access above refresh": {"-addr", "127.0.0.1:0", "-access-validity", "2h", "-refresh-validity", "1h"},
		"a DSN that is none":   {"-addr", "127.0.0.1:0", "-dsn", "nonsense"},
	} {
		var out, usage bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		require.Error(t, run(ctx, args, &out, &usage), name)
		require.NoError(t, ctx.Err(), "%s: it started", name)
		cancel()
		require.Empty(t, out.String(), name)
	}
	opts, err := parseOptions([]string{"-access-validity", "3s", "-concurrent-window", "1s", "-immediate-revocation"}, io.Discard)
	require.NoError(t, err)
	cfg := opts.config(slog.New(slog.DiscardHandler))
	require.Equal(t, 3*time.Second, cfg.AccessTokenValidity)
	require.Equal(t, time.Second, cfg.ConcurrentRefreshWindow)
	require.True(t, cfg.Cookie.Insecure)
}
