package session

import (
	"net/http"
	"strings"

	"github.com/gin-sessionkit/sessionkit/internal/wire"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
)

// carrier is where a token travels.
type carrier uint8

const (
	byCookie carrier = iota
	byHeader
)

func (c Carriers) allows(by carrier) bool {
	return c == CarriersAny || (c == CarriersCookie) == (by == byCookie)
}

// carrierForNew is where a new session's tokens go: as the client asks by
// st-auth-mode, else cookies, because front ends before 16 never ask.
func (s *Service) carrierForNew(r *http.Request) carrier {
	by := byCookie
	if strings.EqualFold(r.Header.Get(wire.HeaderAuthMode), "header") {
		by = byHeader
	}
	switch s.cfg.FrontEnds.Carriers {
	case CarriersCookie:
		return byCookie
	case CarriersHeader:
		return byHeader
	default:
		return by
	}
}

// found is a token of a request, and the carrier it came by.
type found struct {
	text string
	by   carrier
}

// findAccess looks for an access token: a bearer token that is one of ours by its looks, else the cookie.
// A foreign Authorization header is the application's own affair.
func (s *Service) findAccess(r *http.Request) (found, error) {
	if bearer := s.bearer(r); token.LooksLikeAccess(bearer) {
		return found{bearer, byHeader}, nil
	}
	values := s.cookieValues(r, s.cfg.Cookie.accessCookie())
	switch len(values) {
	case 0:
		return found{}, errors.WithReason(errors.ErrUnauthorised, errors.ErrTokenMissing)
	case 1:
		return found{values[0], byCookie}, nil
	default:
		// Which of them is meant? A refresh finds out: it goes by generations.
		return found{}, tryRefresh(errors.ErrTokenDuplicated)
	}
}

// bearer is the request's bearer token (RFC 6750, section 2.1), or empty.
func (s *Service) bearer(r *http.Request) string {
	if !s.cfg.FrontEnds.Carriers.allows(byHeader) {
		return ""
	}
	values := r.Header["Authorization"]
	if len(values) != 1 {
		return ""
	}
	scheme, credentials, ok := strings.Cut(values[0], " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return credentials
}

// cookieValues are the differing values of the cookies of one name, as the
// client sent them: nothing is unescaped.
func (s *Service) cookieValues(r *http.Request, name string) []string {
	if !s.cfg.FrontEnds.Carriers.allows(byCookie) {
		return nil
	}
	return wire.DistinctCookies(r, name)
}

// isSafe reports whether the method asks for no change (RFC 9110, section 9.2.1).
func isSafe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	default:
		return false
	}
}
