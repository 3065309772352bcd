//go:build e2e

package browser_test

import (
	"cmp"
	"net/http"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
)

// thief has copied the tokens of a page and uses them from somewhere else.
type thief struct {
	w               *world
	access, refresh string
	// hint is the value of sIdRefreshToken, where the server sets it.
	hint string
}

func (w *world) robbed() *thief {
	w.t.Helper()
	w.stolen = true
	tokens := w.tokens()
	th := &thief{w: w, access: tokens["sAccessToken"], refresh: tokens["sRefreshToken"]}
	if w.byHeader() {
		th.access, th.refresh = tokens["st-access-token"], tokens["st-refresh-token"]
	}
	if hint, ok := w.cookies(w.api + "/")["sIdRefreshToken"]; ok {
		th.hint = hint.Value
	}
	require.NotEmpty(w.t, th.access)
	require.NotEmpty(w.t, th.refresh)
	return th
}

// send makes one request and keeps the new tokens that come back.
func (th *thief) send(method, path, cookie, token string) int {
	th.w.t.Helper()
	r := rig.Request{Method: method, Path: path, Header: http.Header{}}
	if th.w.byHeader() {
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("st-auth-mode", "header")
	} else {
		line := th.w.cookieName(cookie) + "=" + token
		if cookie == "sRefreshToken" { // which counts only beside the other, where names have prefixes
			line += "; " + th.w.cookieName("sAccessToken") + "=" + th.access
		}
		if th.hint != "" {
			line += "; sIdRefreshToken=" + th.hint
		}
		r.Header.Set("Cookie", line)
	}
	reply, err := th.w.client.Do(th.w.t.Context(), th.w.api, r)
	require.NoError(th.w.t, err)
	access, refresh := reply.Tokens()
	th.access, th.refresh = cmp.Or(access, th.access), cmp.Or(refresh, th.refresh)
	return reply.Status
}

func (th *thief) refreshes() int {
	th.w.t.Helper()
	return th.send(http.MethodPost, th.w.app.Svc.RefreshPaths()[0], "sRefreshToken", th.refresh)
}

func (th *thief) reads(path string) int {
	th.w.t.Helper()
	return th.send(http.MethodGet, path, "sAccessToken", th.access)
}
