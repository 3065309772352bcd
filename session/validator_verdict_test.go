package session_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/session"
)

// failing is an application's validator that came by an error of the kit, such as from
// another session that it looked at.
type failing struct{ err error }

func (f failing) ID() string { return "mine" }

func (f failing) Check(context.Context, session.View) (any, error) { return nil, f.err }

// Whatever an application's validator fails with, the session goes on: no cookie is
// cleared, no refresh is asked for, no user becomes a visitor.
func TestValidator_NoErrorIsAVerdict(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	tokens, err := k.Create(t.Context(), "ada")
	require.NoError(t, err)
	for name, sentinel := range kitErrors(t) {
		for _, failure := range []error{
			sentinel, errors.WithReason(errors.ErrGeneral, sentinel), errors.WithReason(sentinel, errors.New("mine")),
		} {
			for _, opts := range [][]session.VerifyOption{{}, {session.Optional()}} {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://app.example/", nil)
				r.Header.Set("Cookie", "sAccessToken="+tokens.Access.Value)
				w := httptest.NewRecorder()
				opts = append(opts, session.WithClaims(failing{failure}))
				k.Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
					t.Errorf("%s: the handler ran", name)
				}), opts...).ServeHTTP(w, r)
				require.GreaterOrEqual(t, w.Code, http.StatusInternalServerError, name)
				require.Empty(t, w.Header().Values("Set-Cookie"), name)
			}
		}
	}
}

// kitErrors are the exported errors of package errors, by name: all that its source
// declares.
func kitErrors(t *testing.T) map[string]error {
	t.Helper()
	all := map[string]error{
		"ErrAntiCSRF": errors.ErrAntiCSRF, "ErrConflict": errors.ErrConflict,
		"ErrCookieTooLarge": errors.ErrCookieTooLarge, "ErrCrossOrigin": errors.ErrCrossOrigin,
		"ErrImportOver": errors.ErrImportOver, "ErrImportRefused": errors.ErrImportRefused,
		"ErrDuplicate": errors.ErrDuplicate, "ErrGeneral": errors.ErrGeneral,
		"ErrInvalidClaim": errors.ErrInvalidClaim, "ErrKeyUnknown": errors.ErrKeyUnknown,
		"ErrPayloadNotObject": errors.ErrPayloadNotObject, "ErrReservedClaim": errors.ErrReservedClaim,
		"ErrSchema": errors.ErrSchema, "ErrSessionExpired": errors.ErrSessionExpired,
		"ErrSessionNotFound": errors.ErrSessionNotFound, "ErrSessionReplaced": errors.ErrSessionReplaced,
		"ErrSessionRevoked": errors.ErrSessionRevoked, "ErrTokenDuplicated": errors.ErrTokenDuplicated,
		"ErrTokenExpired": errors.ErrTokenExpired, "ErrTokenForeign": errors.ErrTokenForeign,
		"ErrTokenForged": errors.ErrTokenForged, "ErrTokenFromFuture": errors.ErrTokenFromFuture,
		"ErrTokenMalformed": errors.ErrTokenMalformed, "ErrTokenMissing": errors.ErrTokenMissing,
		"ErrTokenRotatedOut": errors.ErrTokenRotatedOut, "ErrTokenTheft": errors.ErrTokenTheft,
		"ErrTryRefreshToken": errors.ErrTryRefreshToken, "ErrUnauthorised": errors.ErrUnauthorised,
		"ErrUserIDInvalid": errors.ErrUserIDInvalid, "ErrValueNotJSON": errors.ErrValueNotJSON,
		"ErrValueTooDeep": errors.ErrValueTooDeep, "ErrValueTooLarge": errors.ErrValueTooLarge,
		"ErrClosed": errors.ErrClosed, "ErrConfig": errors.ErrConfig,
		"ErrSessionLimit": errors.ErrSessionLimit, "ErrStepUp": errors.ErrStepUp,
		"ErrUserRequired": errors.ErrUserRequired,
		"ErrInvalidInput": errors.ErrInvalidInput, "ErrUnavailable": errors.ErrUnavailable,
	}
	file, err := parser.ParseFile(token.NewFileSet(), "../errors/errors.go", nil, 0)
	require.NoError(t, err)
	declared := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for _, name := range spec.Names {
			if strings.HasPrefix(name.Name, "Err") {
				declared++
				require.Contains(t, all, name.Name, "add it to this list")
			}
		}
		return true
	})
	require.Greater(t, declared, 20)
	return all
}
