package jwks_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/internal/jwk"
	"github.com/gin-sessionkit/sessionkit/jwks"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

func start(t *testing.T, store session.Store, now func() time.Time, a session.Algorithm) *session.Service {
	t.Helper()
	svc, err := session.New(t.Context(), store, session.Config{
		SigningKey: session.SigningKeyConfig{Algorithm: a}, Now: now, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	t.Cleanup(svc.Close)
	return svc
}

func get(t *testing.T, svc *session.Service, method string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/.well-known/jwks.json", nil)
	for pair := range slices.Chunk(header, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	w := httptest.NewRecorder()
	jwks.Handler(svc).ServeHTTP(w, r)
	return w
}

func TestHandler_answers(t *testing.T) {
	t.Parallel()
	for _, a := range []session.Algorithm{session.ES256, session.Ed25519, session.RS256} {
		svc := start(t, memstore.New(), nil, a)
		resp := get(t, svc, http.MethodGet)
		require.Equal(t, http.StatusOK, resp.Code)
		require.Equal(t, "application/jwk-set+json", resp.Header().Get("Content-Type"))
		require.Equal(t, "public, max-age=135", resp.Header().Get("Cache-Control"))
		body := resp.Body.String()
		keys, err := jwk.Decode([]byte(body))
		require.NoError(t, err)
		require.Len(t, keys, 1)

		again := get(t, svc, http.MethodGet, "If-None-Match", resp.Header().Get("ETag"))
		require.Equal(t, http.StatusNotModified, again.Code)
		require.Equal(t, resp.Header().Get("ETag"), again.Header().Get("ETag"))
		require.Empty(t, again.Body.String())
		require.Equal(t, body, get(t, svc, http.MethodGet, "If-None-Match", `"other"`).Body.String())
		head := get(t, svc, http.MethodHead)
		require.Equal(t, http.StatusOK, head.Code)
		require.Empty(t, head.Body.String())
		post := get(t, svc, http.MethodPost)
		require.Equal(t, http.StatusMethodNotAllowed, post.Code)
		require.Equal(t, "GET, HEAD", post.Header().Get("Allow"))

		// The token verifies by what was served, and the standard names.
		tokens, err := svc.Create(t.Context(), "ada")
		require.NoError(t, err)
		parsed, err := jwt.Parse(tokens.Access.Value, func(tok *jwt.Token) (any, error) {
			return keys[tok.Header["kid"].(string)].Pair.Public(), nil
		}, jwt.WithIssuer("sessionkit"), jwt.WithAudience("sessionkit"), jwt.WithValidMethods([]string{"ES256", "EdDSA", "RS256"}))
		require.NoError(t, err)
		require.Equal(t, "ada", parsed.Claims.(jwt.MapClaims)["sub"])

		svc.Close()
		require.Equal(t, http.StatusServiceUnavailable, get(t, svc, http.MethodGet).Code)
	}
	require.Panics(t, func() { jwks.Handler(nil) })
}

// A service with HS256 has no key to show, and beside other keys shows no secret.
func TestHandler_noSecret(t *testing.T) {
	t.Parallel()
	store, clock := memstore.New(), sessiontest.NewClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	svc := start(t, store, clock.Now, session.HS256)
	require.JSONEq(t, `{"keys":[]}`, get(t, svc, http.MethodGet).Body.String())
	tokens, err := svc.Create(t.Context(), "ada")
	require.NoError(t, err)

	// A key is served before it signs: ten minutes less one reload.
	svc = start(t, store, clock.Now, session.ES256)
	before := get(t, svc, http.MethodGet).Body.String()
	keys, err := jwk.Decode([]byte(before))
	require.NoError(t, err)
	require.Len(t, keys, 1)
	for range 9 {
		require.NotContains(t, keys, kid(t, tokens))
		clock.Advance(time.Minute)
		tokens, err = svc.Create(t.Context(), "ada")
		require.NoError(t, err)
	}
	require.Contains(t, keys, kid(t, tokens))
	require.Equal(t, before, get(t, svc, http.MethodGet).Body.String())

	// A retired key is gone at once, and its successor there.
	require.NoError(t, svc.RetireKey(t.Context(), kid(t, tokens)))
	after := get(t, svc, http.MethodGet).Body.String()
	require.NotContains(t, after, kid(t, tokens))
	keys, err = jwk.Decode([]byte(after))
	require.NoError(t, err)
	require.Len(t, keys, 1)
	tokens, err = svc.Create(t.Context(), "ada")
	require.NoError(t, err)
	require.Contains(t, keys, kid(t, tokens))
}

func kid(t *testing.T, tokens *session.Tokens) string {
	t.Helper()
	parsed, _, err := jwt.NewParser().ParseUnverified(tokens.Access.Value, jwt.MapClaims{})
	require.NoError(t, err)
	return parsed.Header["kid"].(string)
}
