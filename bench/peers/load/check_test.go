package load_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/bench/peers/load"
	"github.com/gin-sessionkit/sessionkit/bench/peers/servers"
)

// listen runs handler, and returns its address.
func listen(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func built(t *testing.T, build servers.Build) http.Handler {
	t.Helper()
	handler, err := build(t.Context(), "")
	require.NoError(t, err)
	return handler
}

func TestCheckOfServersWithoutDatabase(t *testing.T) {
	t.Parallel()
	for _, s := range servers.All() {
		if s.Database {
			continue // peers run checks these
		}
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			cookies, err := load.Check(t.Context(), s, listen(t, built(t, s.Build)))
			require.NoError(t, err)
			if s.Open {
				require.Len(t, cookies, s.Luggage)
				return
			}
			require.NotEmpty(t, cookies)
		})
	}
}

// A server that does not do its work must not be measured.
func TestCheckFindsBadServers(t *testing.T) {
	t.Parallel()
	trusting := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == servers.LoginPath {
			http.SetCookie(w, &http.Cookie{Name: "user", Value: r.URL.Query().Get("user"), Path: "/"})
			return
		}
		if _, err := r.Cookie("user"); err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(`{"userId":"ada"}`))
	})
	jwt := built(t, servers.GinJWT)
	for name, row := range map[string]struct {
		handler http.Handler
		server  servers.Server
		problem string
	}{
		"lets everybody in":    {built(t, servers.Bare), servers.Server{}, "without a session"},
		"believes a cookie":    {trusting, servers.Server{}, "forged"},
		"has no refresh":       {jwt, servers.Server{Refreshes: true}, "refresh"},
		"takes all for nobody": {http.NotFoundHandler(), servers.Server{Open: true}, "404"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := load.Check(t.Context(), row.server, listen(t, row.handler))
			require.ErrorContains(t, err, row.problem)
		})
	}
}

// The client sends a cookie where a browser would.
func TestClientCookies(t *testing.T) {
	t.Parallel()
	addr := listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == servers.LoginPath {
			http.SetCookie(w, &http.Cookie{Name: "access", Value: "1", Path: "/"})
			http.SetCookie(w, &http.Cookie{Name: "access", Value: "2", Path: "/"})
			http.SetCookie(w, &http.Cookie{Name: "refresh", Value: "3", Path: servers.RefreshPath})
			w.Header().Set("Anti-Csrf", "4")
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "access", Path: "/", MaxAge: -1})
		_, _ = w.Write([]byte(r.Header.Get("Cookie") + "|" + r.Header.Get("Anti-Csrf")))
	}))
	c, err := load.Dial(t.Context(), addr)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.LogIn("ada"))
	require.Equal(t, "access=2", c.Cookies(servers.MePath))
	answer, err := c.Do(http.MethodPost, servers.RefreshPath)
	require.NoError(t, err)
	require.Equal(t, "access=2; refresh=3|4", answer.Body)
	require.Empty(t, c.Cookies(servers.MePath), "the answer deleted it")
}
