package session

import (
	"net"
	"net/http"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/internal/wire"
	"github.com/gin-sessionkit/sessionkit/models"
)

// CreateHTTP is Create for a handler: it sends the tokens, by cookies unless
// the client asks for headers (st-auth-mode: header), and ends the session that
// the request came with, so that no session outlives a sign-in in its browser.
// Call it before the response's body.
//
// Errors: as Create. Nothing was sent then.
func (s *Service) CreateHTTP(w http.ResponseWriter, r *http.Request, userID string, opts ...CreateOption) (*Session, error) {
	if err := s.checkHost(r); err != nil {
		return nil, err
	}
	a := s.answerTo(w, r, s.carrierForNew(r))
	c := creation{
		payload: Undefined{}, data: Undefined{},
		userAgent: r.UserAgent(), ip: remoteIP(r), noAntiCSRF: a.by == byHeader,
	}
	for _, opt := range opts {
		opt(&c)
	}
	tokens, err := s.create(r.Context(), userID, &c)
	if err != nil {
		return nil, err
	}
	s.endPresented(r)
	a.issue(tokens)
	tokens.Session.answer = a
	return tokens.Session, nil
}

// endPresented revokes the session that a sign-in request came with. A failure
// leaves a session in the user's list and is none of the sign-in.
func (s *Service) endPresented(r *http.Request) {
	ctx, handle := r.Context(), s.presentedHandle(r)
	if handle == "" {
		return
	}
	if _, err := s.revoke(ctx, handle, models.RevokedByNewLogin); err != nil {
		s.cfg.Logger.WarnContext(ctx, "sessionkit: the session before this sign-in could not be ended", "session", shortHash(handle))
	}
}

// VerifyHTTP is Verify for a handler: it finds the tokens in the request, sends
// a replaced access token, and clears the client's tokens when the session is
// definitely over. It never does so because a token is missing or the
// database is out of reach.
//
// Errors: as Verify; answer them with WriteError and do nothing else.
func (s *Service) VerifyHTTP(w http.ResponseWriter, r *http.Request, opts ...VerifyOption) (*Session, error) {
	if s.cfg.FrontEnds.IDRefreshCookie >= IDRefreshCookieAuto {
		if err := s.heedIDRefresh(w, r); err != nil {
			return nil, err
		}
	}
	access, err := s.findAccess(r)
	if err != nil {
		return nil, err
	}
	a := s.answerTo(w, r, access.by)
	sess, replacement, err := s.verify(r.Context(), access.text, a.csrfSatisfied, s.demandsOf(opts))
	if sess != nil {
		sess.answer = a
		if replacement != nil {
			claims, ends := sess.snapshot()
			a.replace(replacement, &claims, ends)
		}
	}
	if err != nil {
		if errors.Is(err, errors.ErrUnauthorised) {
			a.clear()
		}
		return nil, err
	}
	return sess, nil
}

// heedIDRefresh applies what sIdRefreshToken means where it is on. It is a
// hint: it can only turn a request away.
func (s *Service) heedIDRefresh(w http.ResponseWriter, r *http.Request) error {
	hinted := s.hasIDRefreshCookie(r)
	if _, err := s.findAccess(r); hinted && errors.Is(err, errors.ErrTokenMissing) {
		return tryRefresh(errors.ErrTokenMissing)
	}
	switch {
	case hinted && s.cfg.FrontEnds.IDRefreshCookie == IDRefreshCookieLegacyMigrate:
		return tryRefresh(errors.ErrTokenMissing)
	case !hinted && s.cfg.FrontEnds.Preset == PresetRefJWT4 && !token.LooksLikeAccess(s.bearer(r)):
		s.answerTo(w, r, byCookie).clear()
		return errors.WithReason(errors.ErrUnauthorised, errors.ErrTokenMissing)
	}
	return nil
}

// csrfSatisfied is the csrfCheck of a request. A token in a header needs no proof: no foreign
// page can make a browser send it.
func (a *answer) csrfSatisfied(claims *token.Access, demand csrfDemand) bool {
	if a.by == byHeader || demand == csrfNever || demand == csrfByMethod && isSafe(a.r.Method) {
		return true
	}
	switch a.svc.cfg.AntiCSRF.Mode {
	case AntiCSRFViaToken:
		return token.AntiCSRFMatches(a.r.Header.Get(wire.HeaderAntiCSRF), claims.AntiCSRF)
	case AntiCSRFViaCustomHeader:
		return a.r.Header.Get(wire.HeaderRid) != ""
	default:
		return true
	}
}

// SignOutHTTP ends the session of the request and clears the client's tokens.
// The anti-CSRF proof is demanded whatever the method.
//
// Errors: as Verify. On errors.ErrUnavailable the client keeps its tokens and
// can try again.
func (s *Service) SignOutHTTP(w http.ResponseWriter, r *http.Request) error {
	sess, err := s.VerifyHTTP(w, r, RequireAntiCSRF())
	if err != nil {
		return err
	}
	return sess.Revoke(r.Context())
}

// remoteIP is the address of the peer. Behind a proxy that is the proxy: use
// WithDevice, as middleware.Create does with Gin's trusted proxies.
func remoteIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return host
}
