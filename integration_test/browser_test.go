package integration_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

const refreshPath, signOutPath = "/auth/session/refresh", "/auth/signout"

// browser is a client with a cookie jar that keeps the anti-CSRF token as
// front ends do. It refreshes only when told to.
type browser struct {
	t        *testing.T
	app      *app
	client   *http.Client
	antiCSRF string
}

// reply is what came back.
type reply struct {
	status int
	body   string
	header http.Header
}

func (a *app) browser() *browser {
	a.t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(a.t, err)
	client := *a.server.Client()
	client.Jar = jar
	return &browser{t: a.t, app: a, client: &client}
}

// signedIn is a browser whose user has just signed in.
func (a *app) signedIn(user string) *browser {
	a.t.Helper()
	b := a.browser()
	b.ok(b.do(http.MethodPost, "/login", map[string]any{"user": user}))
	return b
}

func (b *browser) do(method, path string, body any) reply {
	b.t.Helper()
	r, err := b.try(method, path, body)
	require.NoError(b.t, err)
	return r
}

func (b *browser) try(method, path string, body any) (reply, error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return reply{}, err
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.app.server.URL+path, content)
	if err != nil {
		return reply{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	if b.antiCSRF != "" {
		req.Header.Set("anti-csrf", b.antiCSRF)
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}, err
	}
	if token := resp.Header.Get("anti-csrf"); token != "" {
		b.antiCSRF = token
	}
	return reply{resp.StatusCode, string(text), resp.Header}, nil
}

func (b *browser) get(path string) reply { b.t.Helper(); return b.do(http.MethodGet, path, nil) }

func (b *browser) refresh() reply { b.t.Helper(); return b.do(http.MethodPost, refreshPath, nil) }

func (b *browser) ok(r reply) reply {
	b.t.Helper()
	require.Equal(b.t, http.StatusOK, r.status, r.body)
	return r
}

// works asserts that the session lets the browser in.
func (b *browser) works() { b.t.Helper(); b.ok(b.get("/me")) }

// copy is what a thief has who copied the browser's cookies and page storage.
func (b *browser) copy() *browser { b.t.Helper(); return b.copyTo(b.app) }

// copyTo is a copy that talks to another instance.
func (b *browser) copyTo(instance *app) *browser {
	b.t.Helper()
	twin := instance.browser()
	twin.antiCSRF = b.antiCSRF
	twin.client.Jar.SetCookies(twin.url("/"), b.cookies("/", "sAccessToken"))
	stolen := b.cookies(refreshPath, "sRefreshToken")
	for _, c := range stolen {
		c.Path = refreshPath
	}
	twin.client.Jar.SetCookies(twin.url(refreshPath), stolen)
	return twin
}

func (b *browser) url(path string) *url.URL {
	u, err := url.Parse(b.app.server.URL + path)
	require.NoError(b.t, err)
	return u
}

// cookies are those that would be sent to path, of one name.
func (b *browser) cookies(path, name string) []*http.Cookie {
	var list []*http.Cookie
	for _, c := range b.client.Jar.Cookies(b.url(path)) {
		if c.Name == name {
			list = append(list, &http.Cookie{Name: c.Name, Value: c.Value, Path: "/", Secure: true})
		}
	}
	return list
}

// cookie is the value of a cookie, or empty.
func (b *browser) cookie(path, name string) string {
	for _, c := range b.cookies(path, name) {
		return c.Value
	}
	return ""
}

func (b *browser) handle() string {
	b.t.Helper()
	var me struct{ Handle string }
	require.NoError(b.t, json.Unmarshal([]byte(b.ok(b.get("/me")).body), &me))
	return me.Handle
}

// keepsCookies and lostCookies assert what a response did to the session's cookies.
func (b *browser) keepsCookies(r reply) {
	b.t.Helper()
	require.Empty(b.t, r.header.Values("Set-Cookie"))
}

func (b *browser) lostCookies() {
	b.t.Helper()
	require.Empty(b.t, b.cookie("/", "sAccessToken"))
	require.Empty(b.t, b.cookie(refreshPath, "sRefreshToken"))
}
