package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// reply is what a test looks at of a response.
type reply struct {
	status  int
	header  http.Header
	cookies []*http.Cookie
}

// request sends a request with these headers, as a browser would for a page.
func request(t *testing.T, method, url, body string, headers map[string]string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(r)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return reply{response.StatusCode, response.Header, response.Cookies()}
}

// A foreign page can neither sign somebody in nor read an answer; a trusted
// one can do both, and reads errors too.
func TestForeignPages(t *testing.T) {
	t.Parallel()
	const trusted, foreign = "https://app.example.org", "https://evil.example.org"
	url := startProgram(t, "-trusted-origin", trusted)
	const login = `{"userId":"mallory"}`

	for name, headers := range map[string]map[string]string{
		"by Sec-Fetch-Site": {"Origin": foreign, "Sec-Fetch-Site": "cross-site"},
		"by Origin":         {"Origin": foreign},
		"a sandboxed frame": {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
		"another port":      {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"},
	} {
		response := request(t, http.MethodPost, url+"/api/login", login, headers)
		require.Equal(t, http.StatusForbidden, response.status, name)
		require.Empty(t, response.cookies, name)
		require.Empty(t, response.header.Get("Access-Control-Allow-Origin"), name)
		require.Contains(t, response.header.Get("Content-Type"), "json", "front ends parse every 403")
	}
	response := request(t, http.MethodOptions, url+"/api/me", "", map[string]string{
		"Origin": foreign, "Access-Control-Request-Method": "GET",
	})
	require.Empty(t, response.header.Get("Access-Control-Allow-Origin"))

	page := map[string]string{"Origin": trusted, "Sec-Fetch-Site": "cross-site"}
	response = request(t, http.MethodPost, url+"/api/login", login, page)
	require.Equal(t, http.StatusOK, response.status)
	require.Equal(t, trusted, response.header.Get("Access-Control-Allow-Origin"))
	response = request(t, http.MethodGet, url+"/api/me", "", page)
	require.Equal(t, http.StatusUnauthorized, response.status)
	require.Equal(t, trusted, response.header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "true", response.header.Get("Access-Control-Allow-Credentials"))
	require.Contains(t, response.header.Get("Vary"), "Origin")

	response = request(t, http.MethodOptions, url+"/auth/session/refresh", "", map[string]string{
		"Origin": trusted, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "anti-csrf",
	})
	require.Equal(t, http.StatusNoContent, response.status)
	require.Contains(t, response.header.Get("Access-Control-Allow-Headers"), "anti-csrf")
}

// A name that somebody points to the loopback address (DNS rebinding) gets no session.
func TestForeignHost(t *testing.T) {
	t.Parallel()
	url := startProgram(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/api/login", strings.NewReader(`{"userId":"ada"}`))
	require.NoError(t, err)
	r.Host = "evil.example.org"
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(r)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusInternalServerError, response.StatusCode)
	require.Empty(t, response.Cookies())
}

func TestOptions_AddressesBeyondThisMachine(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{":8080", "0.0.0.0:8080", "[::]:8080", "192.0.2.1:8080", "example.org:80", "localhost.example.org:80"} {
		_, err := parseOptions([]string{"-addr", addr}, t.Output())
		require.ErrorContains(t, err, "-tls-cert", addr)
	}
	for _, addr := range []string{"127.0.0.1:0", "127.9.9.9:1", "[::1]:8080", "localhost:8080", "LOCALHOST:8080"} {
		_, err := parseOptions([]string{"-addr", addr}, t.Output())
		require.NoError(t, err, addr)
	}
	_, err := parseOptions([]string{"-addr", ":8443", "-tls-cert", "c.pem", "-tls-key", "k.pem"}, t.Output())
	require.NoError(t, err)
}
