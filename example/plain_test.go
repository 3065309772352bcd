package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// The shop has a Service of its own on the same store: who is signed in there is a
// visitor here, and the other way round, on one host and in one browser.
func TestPlain_isApart(t *testing.T) {
	t.Parallel()
	url := startProgram(t, "-access-validity", "5s")
	ada := newClient(t, url)
	ada.want(200, "", http.MethodGet, "/plain", "")
	ada.login("ada")
	require.Contains(t, ada.want(200, "", http.MethodGet, "/plain/account", ""), "<h1>Sign in</h1>")
	shop := newClient(t, url)
	resp, err := shop.http.PostForm(url+"/plain/login", map[string][]string{"name": {"bob"}, "password": {"plain"}, "to": {"/plain/account"}}) //nolint:noctx // the program is our own
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, "/plain/account", resp.Request.URL.Path)
	require.Contains(t, shop.want(200, "", http.MethodGet, "/plain/account", ""), "<h1>bob</h1>")
	shop.want(401, `{"message":"unauthorised"}`, http.MethodGet, "/api/me", "")
	ada.want(200, "", http.MethodGet, "/api/me", "")
}
