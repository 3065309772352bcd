//go:build e2e

package browser_test

import (
	"io"
	"net/http"

	"github.com/stretchr/testify/require"
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
	req, err := http.NewRequestWithContext(th.w.t.Context(), method, th.w.api+path, http.NoBody)
	require.NoError(th.w.t, err)
	if th.w.byHeader() {
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("st-auth-mode", "header")
	} else {
		req.AddCookie(&http.Cookie{Name: th.w.cookieName(cookie), Value: token})
		if cookie == "sRefreshToken" { // which counts only beside the other, where names have prefixes
			req.AddCookie(&http.Cookie{Name: th.w.cookieName("sAccessToken"), Value: th.access})
		}
		if th.hint != "" {
			req.AddCookie(&http.Cookie{Name: "sIdRefreshToken", Value: th.hint})
		}
	}
	resp, err := th.w.client.Do(req)
	require.NoError(th.w.t, err)
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	require.NoError(th.w.t, err)
	th.keep(resp)
	return resp.StatusCode
}

func (th *thief) keep(resp *http.Response) {
	if token := resp.Header.Get("st-access-token"); token != "" {
		th.access = token
	}
	if token := resp.Header.Get("st-refresh-token"); token != "" {
		th.refresh = token
	}
	for _, cookie := range resp.Cookies() {
		switch {
		case cookie.Value == "":
		case cookie.Name == th.w.cookieName("sAccessToken"):
			th.access = cookie.Value
		case cookie.Name == th.w.cookieName("sRefreshToken"):
			th.refresh = cookie.Value
		}
	}
}

func (th *thief) refreshes() int {
	th.w.t.Helper()
	return th.send(http.MethodPost, th.w.app.Svc.RefreshPaths()[0], "sRefreshToken", th.refresh)
}

func (th *thief) reads(path string) int {
	th.w.t.Helper()
	return th.send(http.MethodGet, path, "sAccessToken", th.access)
}
