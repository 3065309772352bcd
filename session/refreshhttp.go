package session

import (
	"crypto/subtle"
	"net/http"
	"slices"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/internal/wire"
	"github.com/gin-sessionkit/sessionkit/models"
)

// RefreshHTTP is Refresh for a handler: it finds the refresh token in the
// request, sends the new tokens by the carrier it came by, and clears the
// client's tokens when there is no session to refresh. The answer must have the status 200:
// front ends before 4.4.1 take nothing else. Mount it for POST only.
//
// Errors: as Refresh; answer them with WriteError.
func (s *Service) RefreshHTTP(w http.ResponseWriter, r *http.Request) (*Session, error) {
	if err := s.checkHost(r); err != nil {
		return nil, err
	}
	tok, by, err := s.findRefresh(r)
	a := s.answerTo(w, r, by)
	if err != nil {
		if errors.Is(err, errors.ErrTokenMissing) {
			a.clearCarried()
		} else if errors.Is(err, errors.ErrUnauthorised) {
			a.clear()
		}
		return nil, err
	}
	tokens, err := s.refreshProven(a, tok)
	if err != nil {
		if errors.Is(err, errors.ErrUnauthorised) {
			a.clear()
		}
		return nil, err
	}
	a.issue(tokens)
	if by == byCookie && s.hasDuplicates(r) {
		a.clearOlderDomain()
	}
	tokens.Session.answer = a
	return tokens.Session, nil
}

// refreshProven refreshes if the request shows the anti-CSRF proof, where
// Config.AntiCSRF.OnRefresh wants one.
func (s *Service) refreshProven(a *answer, tok *refreshToken) (*Tokens, error) {
	if s.cfg.AntiCSRF.OnRefresh && a.by == byCookie && !s.refreshWasMeant(a.r, tok) {
		return nil, errors.WithReason(errors.ErrUnauthorised, errors.ErrAntiCSRF)
	}
	return s.refresh(a.r.Context(), tok, a.by == byCookie)
}

func (s *Service) refreshWasMeant(r *http.Request, tok *refreshToken) bool {
	switch s.cfg.AntiCSRF.Mode {
	case AntiCSRFViaToken:
		return subtle.ConstantTimeCompare([]byte(r.Header.Get(wire.HeaderAntiCSRF)), []byte(token.AntiCSRFOf(tok.text))) == 1
	case AntiCSRFViaCustomHeader:
		return r.Header.Get(wire.HeaderRid) != ""
	default:
		return true
	}
}

// findRefresh looks for an authentic refresh token: a bearer token first. One that
// is not ours by its looks gives way to a cookie, because gateways add bearer tokens of their own.
func (s *Service) findRefresh(r *http.Request) (*refreshToken, carrier, error) {
	values := s.cookieValues(r, s.cfg.Cookie.refreshCookie())
	if bearer := s.bearer(r); bearer != "" && (len(values) == 0 || token.LooksLikeRefresh(bearer)) {
		tok, err := s.parseRefresh(r.Context(), bearer)
		return tok, byHeader, err
	}
	switch len(values) {
	case 0:
		return nil, byCookie, errors.WithReason(errors.ErrUnauthorised, errors.ErrTokenMissing)
	case 1:
		tok, err := s.parseRefresh(r.Context(), values[0])
		return tok, byCookie, err
	default:
		tok, err := s.newestRefresh(r, values)
		return tok, byCookie, err
	}
}

// newestRefresh chooses among differing cookies of one name, which a browser
// sends when they were set for several domains or paths. Only authentic ones count, and of one session the
// highest generation: an older copy is no theft, the browser just sent all it had.
func (s *Service) newestRefresh(r *http.Request, values []string) (*refreshToken, error) {
	var authentic []*refreshToken
	var refused error
	for _, value := range values {
		tok, err := s.parseRefresh(r.Context(), value)
		switch {
		case err == nil:
			authentic = append(authentic, tok)
		case errors.Is(err, errors.ErrGeneral):
			return nil, err
		default:
			refused = err
		}
	}
	if len(authentic) == 0 {
		return nil, refused
	}
	ofThisBrowser := func(tok *refreshToken) bool { return tok.Handle() == s.presentedHandle(r) }
	if slices.ContainsFunc(authentic, ofThisBrowser) {
		authentic = slices.DeleteFunc(authentic, func(tok *refreshToken) bool { return !ofThisBrowser(tok) })
	}
	best := authentic[0]
	for _, tok := range authentic[1:] {
		if tok.Handle() != best.Handle() {
			// Two sessions, and nothing says which is this browser's: somebody may have
			// planted one. Choosing could sign the user in as somebody else.
			return nil, errors.WithReason(errors.ErrGeneral, errors.ErrTokenDuplicated)
		}
		if tok.Gen > best.Gen {
			best = tok
		}
	}
	return best, nil
}

// presentedHandle is the session of the request's access token, expired or not, or empty.
func (s *Service) presentedHandle(r *http.Request) string {
	access, err := s.findAccess(r)
	if err != nil {
		return ""
	}
	handle, err := token.HandleOf(access.text, s.verifying(r.Context(), models.KeyForAccess), s.cfg.Issuer, s.cfg.Audience)
	if err != nil {
		return ""
	}
	return handle
}

func (s *Service) hasDuplicates(r *http.Request) bool {
	return len(wire.DistinctCookies(r, s.cfg.Cookie.refreshCookie())) > 1 || len(wire.DistinctCookies(r, s.cfg.Cookie.accessCookie())) > 1
}
