package integration_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
)

const refreshPath, signOutPath = rig.RefreshPath, rig.SignOutPath

// browser is one of a story. It refreshes only when told to. Its cookies end by the
// machine's clock and not by the story's, so that it is the server who finds out.
type browser struct {
	*rig.Browser
	t   *testing.T
	app *story
}

func (a *story) browser() *browser {
	return &browser{rig.NewBrowser(time.Now, a.Do), a.t, a}
}

// signedIn is a browser whose user has just signed in.
func (a *story) signedIn(user string) *browser {
	a.t.Helper()
	b := a.browser()
	b.ok(b.do(http.MethodPost, "/login", map[string]any{"user": user}))
	return b
}

func (b *browser) do(method, path string, body any) rig.Reply {
	b.t.Helper()
	r, err := b.try(method, path, body)
	require.NoError(b.t, err)
	return r
}

// try is do for goroutines, which must not end the test.
func (b *browser) try(method, path string, body any) (rig.Reply, error) {
	if body == nil {
		return b.Do(b.t.Context(), method, path, "")
	}
	text, err := json.Marshal(body)
	if err != nil {
		return rig.Reply{}, err
	}
	return b.Do(b.t.Context(), method, path, string(text))
}

func (b *browser) get(path string) rig.Reply { b.t.Helper(); return b.do(http.MethodGet, path, nil) }

func (b *browser) refresh() rig.Reply { b.t.Helper(); return b.do(http.MethodPost, refreshPath, nil) }

func (b *browser) ok(r rig.Reply) rig.Reply {
	b.t.Helper()
	require.Equal(b.t, http.StatusOK, r.Status, r.Body)
	return r
}

// works asserts that the session lets the browser in.
func (b *browser) works() { b.t.Helper(); b.ok(b.get("/me")) }

// copy is what a thief has who copied the browser's cookies and page storage.
func (b *browser) copy() *browser { return b.copyTo(b.app) }

// copyTo is a copy that talks to another instance.
func (b *browser) copyTo(instance *story) *browser {
	twin := instance.browser()
	twin.Jar = b.Copy()
	return twin
}

func urlOf(path string) *url.URL { return &url.URL{Scheme: "https", Host: rig.Host, Path: path} }

// cookie is the value of a cookie that would be sent to path, or empty.
func (b *browser) cookie(path, name string) string {
	for _, c := range b.Cookies().For(urlOf(path)) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func (b *browser) handle() string {
	b.t.Helper()
	var me struct{ Handle string }
	require.NoError(b.t, json.Unmarshal([]byte(b.ok(b.get("/me")).Body), &me))
	return me.Handle
}

// keepsCookies and lostCookies assert what a response did to the session's cookies.
func (b *browser) keepsCookies(r rig.Reply) {
	b.t.Helper()
	require.Empty(b.t, r.Header.Values("Set-Cookie"))
}

func (b *browser) lostCookies() {
	b.t.Helper()
	require.Empty(b.t, b.cookie("/", "sAccessToken"))
	require.Empty(b.t, b.cookie(refreshPath, "sRefreshToken"))
}
