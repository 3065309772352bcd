package integration_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/jwks"
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
