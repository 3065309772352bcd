package wire

import (
	"net/http"
	"strings"

	"github.com/gin-sessionkit/sessionkit/internal/token"
)

// maxAuthorization bounds what is read of an Authorization header. Ours have at
// most 4,103 characters.
const maxAuthorization = 8 << 10

// bearer is the request's bearer token, or empty (RFC 6750, section 2.1; RFC
// 9110, section 11.4: one or more spaces follow the scheme).
func bearer(r *http.Request) string {
	values := r.Header["Authorization"]
	if len(values) != 1 || len(values[0]) > maxAuthorization {
		return ""
	}
	scheme, credentials, ok := strings.Cut(strings.Trim(values[0], " \t"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimLeft(credentials, " ")
}

// looksLikeOurs reports whether a bearer token has the form of one of our
// tokens. A foreign one is the application's own affair.
func looksLikeOurs(text string) bool {
	return token.LooksLikeAccess(text) || token.LooksLikeRefresh(text)
}
