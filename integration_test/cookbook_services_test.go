package integration_test

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/jwks"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/services"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
	"github.com/gin-sessionkit/sessionkit/verify"
)

func mountKeys(router *gin.Engine, svc *session.Service) {
	router.GET("/.well-known/jwks.json", gin.WrapH(jwks.Handler(svc)))
}

// signedIn is the other service's: it lets requests with an access token pass.
func signedIn(v *verify.Verifier, next func(http.ResponseWriter, *http.Request, *verify.Token)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		who, err := v.Verify(r.Context(), bearer)
		switch {
		case errors.Is(err, errors.ErrUnavailable):
			http.Error(w, "try again", http.StatusServiceUnavailable) // nobody can say: not 401
		case err != nil:
			http.Error(w, "sign in", http.StatusUnauthorized)
		default:
			next(w, r, who)
		}
	})
}

// mountServices serves what the other services ask. The guard is yours: whoever passes
// it learns who your users are. This one knows them by a secret.
func mountServices(router *gin.Engine, svc *session.Service, secret string) {
	want := sha256.Sum256([]byte("Bearer " + secret))
	guard := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got := sha256.Sum256([]byte(r.Header.Get("Authorization")))
			if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
				w.Header().Set("WWW-Authenticate", "Bearer")
				http.Error(w, "not one of our services", http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	router.GET("/internal/feed", gin.WrapH(services.Feed(svc, guard)))
	router.POST("/internal/introspect", gin.WrapH(services.Introspection(svc, guard)))
	router.POST("/internal/revoke", gin.WrapH(services.Revocation(svc, guard)))
}

// newVerifier is the other service's: one for the whole program, until ctx ends.
func newVerifier(ctx context.Context, first, secret string) (*verify.Verifier, error) {
	v, err := verify.New(verify.Config{
		Issuer: "https://app.example", Audience: "app", JWKS: first + "/.well-known/jwks.json",
		Feed: first + "/internal/feed", Introspect: first + "/internal/introspect",
		Client: &http.Client{Transport: bearer(secret)},
	})
	if err == nil {
		go v.Run(ctx)
	}
	return v, err
}

// bearer sends the secret of this service along.
type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

// A second service knows who is signed in at the first, and needs it no more than once.
func TestCookbook_SecondService(t *testing.T) {
	t.Parallel()
	kit := sessiontest.New(t, session.Config{
		Issuer: "https://app.example", Audiences: []string{"app"},
		SigningKey: session.SigningKeyConfig{Algorithm: session.ES256},
	})
	router := gin.New()
	mountKeys(router, kit.Service)
	first := httptest.NewServer(router)
	defer first.Close()
	v, err := verify.New(verify.Config{
		Issuer: "https://app.example", Audience: "app", JWKS: first.URL + "/.well-known/jwks.json", Now: kit.Clock.Now,
	})
	require.NoError(t, err)
	second := signedIn(v, func(w http.ResponseWriter, _ *http.Request, who *verify.Token) {
		_, _ = io.WriteString(w, who.UserID()) //nolint:gosec // plain text
	})
	ask := func(bearer string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+bearer)
		w := httptest.NewRecorder()
		second.ServeHTTP(w, r)
		return w
	}

	tokens, err := kit.Service.Create(t.Context(), "ada")
	require.NoError(t, err)
	require.Equal(t, "ada", ask(tokens.Access.Value).Body.String())
	require.Equal(t, http.StatusUnauthorized, ask("").Code)
	require.Equal(t, http.StatusUnauthorized, ask(tokens.Access.Value[1:]).Code)

	first.Close()
	tokens, err = kit.Service.Create(t.Context(), "eve")
	require.NoError(t, err)
	require.Equal(t, "eve", ask(tokens.Access.Value).Body.String(), "the key is known")
	kit.Expire()
	require.Equal(t, http.StatusUnauthorized, ask(tokens.Access.Value).Code)
}

// With the routes for other services it hears of a session that ended, and nobody else
// reaches them.
func TestCookbook_SecondServiceHears(t *testing.T) {
	t.Parallel()
	svc, err := session.New(t.Context(), memstore.New(), session.Config{
		Issuer: "https://app.example", Audiences: []string{"app"}, Revocation: session.RevokeSoon,
		SigningKey: session.SigningKeyConfig{Algorithm: session.ES256}, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	defer svc.Close()
	router := gin.New()
	mountKeys(router, svc)
	mountServices(router, svc, "a secret")
	first := httptest.NewServer(router)
	defer first.Close()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	v, err := newVerifier(ctx, first.URL, "a secret")
	require.NoError(t, err)
	second := signedIn(v, func(w http.ResponseWriter, _ *http.Request, who *verify.Token) {
		_, _ = io.WriteString(w, who.UserID()) //nolint:gosec // plain text
	})
	ask := func(token string) int {
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		second.ServeHTTP(w, r)
		return w.Code
	}
	ada, err := svc.Create(ctx, "ada")
	require.NoError(t, err)
	eve, err := svc.Create(ctx, "eve")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, ask(ada.Access.Value))
	_, err = svc.RevokeAll(ctx, "eve")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return ask(eve.Access.Value) == http.StatusUnauthorized }, 10*time.Second, 50*time.Millisecond)
	require.Equal(t, http.StatusOK, ask(ada.Access.Value))

	for _, path := range []string{"/internal/feed?since=0", "/internal/introspect", "/internal/revoke"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			w := httptest.NewRecorder()
			router.ServeHTTP(w, httptest.NewRequestWithContext(ctx, method, path, nil))
			require.Contains(t, []int{http.StatusUnauthorized, http.StatusNotFound}, w.Code, path)
		}
	}
}
