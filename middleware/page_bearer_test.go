package middleware_test

import (
	"crypto/tls"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// bearer is a POST with a token in a header, as programs send it: they say nothing of
// what they accept, and no browser adds anything.
func (s *shop) bearer(t *testing.T, path, token string, header http.Header) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, nil)
	r.Host, r.TLS = "shop.example", &tls.ConnectionState{HandshakeComplete: true}
	maps.Copy(r.Header, header)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	s.router.ServeHTTP(w, r)
	return w
}

// Tokens in headers need no proof of where the request comes from, and get JSON, from the
// routes of pages too.
func TestPages_TokensInHeaders(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	tokens, err := s.Svc.Create(t.Context(), "ada")
	require.NoError(t, err)
	other := http.Header{"Origin": {"https://app.example"}, "Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"cors"}}
	w := s.bearer(t, "/cart", tokens.Access.Value, other)
	require.Equal(t, http.StatusOK, w.Code, w.Body)

	s.Clock.Advance(2 * time.Hour)
	for _, path := range []string{"/cart", "/", "/auth/signout"} {
		w = s.bearer(t, path, tokens.Access.Value, nil)
		require.Equal(t, http.StatusUnauthorized, w.Code, "%s %v", path, w.Header())
		require.JSONEq(t, `{"message":"try refresh token"}`, w.Body.String(), path)
	}
	w = s.bearer(t, "/auth/session/refresh", tokens.Refresh.Value, nil)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	fresh, err := s.Svc.Create(t.Context(), "ada")
	require.NoError(t, err)
	w = s.bearer(t, "/auth/signout", fresh.Access.Value, nil)
	require.Equal(t, http.StatusOK, w.Code, w.Header())
	require.JSONEq(t, `{"status":"OK"}`, w.Body.String())
}
