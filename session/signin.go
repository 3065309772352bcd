package session

import (
	"context"
	"net/http"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/wire"
	"github.com/gin-sessionkit/sessionkit/models"
)

// InsecureCrossOriginSignIn lets a page of any origin ask for this sign-in by an
// unsafe method: a SAML response, Apple's form_post. The application must know by
// other means, such as a state that it kept in a cookie, that its own user began it:
// else a foreign page signs the browser in as somebody of its choice (login CSRF).
func InsecureCrossOriginSignIn() CreateOption { return func(c *creation) { c.anyOrigin = true } }

// InsecureSwitchToHeader lets a client move from cookies to headers by st-auth-mode
// while its cookies' session lives. A script in the page can read tokens in headers,
// which it cannot with HttpOnly cookies.
func InsecureSwitchToHeader() CreateOption { return func(c *creation) { c.switchToHeader = true } }

// CreateHTTP is Create for a handler: it sends the tokens, by cookies unless
// the client asks for headers (st-auth-mode: header), and ends the session that
// the request came with, so that no session outlives a sign-in in its browser: an
// administrator who signs in as a user cannot return.
//
// Call it before the response's body: afterwards it is an error and nothing is stored.
// A plain net/http writer does not tell whether the body has begun, so without Protect
// around the handler the session is stored then and nobody hears of it.
//
// Errors: as Create, and [errors.ErrCrossOrigin] for a request of a foreign page.
// Nothing was sent then, and the session that the request came with lives on.
func (s *Service) CreateHTTP(w http.ResponseWriter, r *http.Request, userID string, opts ...CreateOption) (sess *Session, err error) {
	err = s.within(w, r, func(x *Exchange) error {
		if hasBegun(w) {
			return errResponseBegun
		}
		sess, err = x.create(userID, opts)
		return err
	})
	return sess, err
}

// Create starts a session and sends its tokens, as CreateHTTP does. Errors: as
// CreateHTTP.
func (x *Exchange) Create(userID string, opts ...CreateOption) (*Session, error) {
	var sess *Session
	err := x.svc.checkOpen()
	if err == nil {
		sess, err = x.root.create(userID, opts)
	}
	x.done(x.outer, err)
	return sess, err
}

// hasBegun reports whether the header is written, where the writer tells.
func hasBegun(w http.ResponseWriter) bool {
	written, ok := w.(interface{ Written() bool })
	return ok && written.Written()
}

var errResponseBegun = errors.WithReason(errors.ErrGeneral, errors.New("the response is on its way: create the session before writing the body"))

func (x *Exchange) create(userID string, opts []CreateOption) (*Session, error) {
	sess, err := x.createFor(userID, opts)
	x.svc.countResult(countSignedIn, err)
	return sess, err
}

func (x *Exchange) createFor(userID string, opts []CreateOption) (*Session, error) {
	s, r := x.svc, x.received
	c := creation{payload: Undefined{}, data: Undefined{}, userAgent: r.UserAgent(), ip: remoteIP(r)}
	for _, opt := range opts {
		opt(&c)
	}
	presented := x.presented()
	by := x.response.Request().CarrierForNew()
	switch {
	case x.response.Done():
		return nil, errResponseBegun
	case !c.anyOrigin && !isSafe(r.Method) && !s.wire.Origins.Allows(r):
		return nil, s.crossOrigin(r)
	case by == wire.ByHeader && !c.switchToHeader && x.livesByCookie():
		by = wire.ByCookie
	}
	if err := s.checkHost(r, by); err != nil {
		return nil, err
	}
	c.noAntiCSRF, c.replaced = by == wire.ByHeader, presented.handles
	device := x.device(by, c.flags)
	c.newDevice = device.isNewTo(userID)
	tokens, err := s.create(x.context(), userID, &c)
	if err != nil {
		return nil, err
	}
	if by == wire.ByCookie {
		s.warnOfLostCookies(r)
	}
	s.endPresented(x.context(), presented)
	sess := x.issue(tokens, by)
	device.remember(userID)
	return sess, nil
}

// issue sends a pair of tokens and makes its session the request's.
func (x *Exchange) issue(t *Tokens, by wire.Carrier) *Session {
	claims, _ := t.Session.snapshot()
	sess := x.adopt(t.Session)
	x.proven.Store(true)
	x.looked.Store(true)
	sess.warnUnsent(x.response.Issue(wire.Pair{
		Access:    wire.Token{Value: t.Access.Value, Ends: t.Access.ExpiresAt},
		Refresh:   wire.Token{Value: t.Refresh.Value, Ends: t.Refresh.ExpiresAt},
		IDRefresh: wire.Token{Value: t.IDRefresh.Value, Ends: t.IDRefresh.ExpiresAt},
		AntiCSRF:  t.AntiCSRF, Claims: &claims,
	}, by, x.svc.alive(&claims)))
	return sess
}

// endPresented revokes the sessions that a sign-in request came with. A failure
// leaves a session in the user's list and is none of the sign-in.
func (s *Service) endPresented(ctx context.Context, p presented) {
	untold := func(handle string, err error) {
		if err != nil {
			s.cfg.Logger.WarnContext(ctx, "sessionkit: the session before this sign-in could not be ended, or other processes not be told", "session", shortHash(handle))
		}
	}
	for _, handle := range p.heirs {
		// Another tab's may have the place by now, whose tokens did not come along.
		untold(handle, s.takePlaceOf(ctx, p.owners[handle], handle))
	}
	for _, handle := range p.handles {
		_, err := s.revoke(ctx, handle, p.owners[handle], models.RevokedByNewLogin)
		untold(handle, err)
	}
}

// livesByCookie reports whether the request's cookies have a session that lives,
// whatever its Authorization header says. In doubt they have.
func (x *Exchange) livesByCookie() bool {
	q := x.response.Request()
	authentic, undecided := x.svc.identify(x.ctx, q.AccessCookies())
	alive, err := x.svc.living(x.ctx, handlesOf(authentic))
	return undecided != nil || err != nil || len(alive) > 0 || q.Cut()
}

// checkHost refuses cookies without Secure on anything but the loopback interface.
func (s *Service) checkHost(r *http.Request, by wire.Carrier) error {
	if !s.cfg.Cookie.Insecure || by == wire.ByHeader || wire.IsLocal(r) {
		return nil
	}
	err := errors.WithReason(errors.ErrConfig, errors.New("Config.Cookie.Insecure is for loopback hosts only, and not behind a proxy"))
	// Once, because anybody can send any host.
	if s.warned.foreignHost.CompareAndSwap(false, true) {
		s.cfg.Logger.ErrorContext(r.Context(), "sessionkit: no session without HTTPS", "error", err, "host", boundedText(r.Host, 256))
	}
	return err
}

// warnOfLostCookies says once that a browser will not keep the cookies of a sign-in:
// the user is signed in, and out at the next request.
func (s *Service) warnOfLostCookies(r *http.Request) {
	cfg := s.cfg.Cookie
	if !wire.TakesDomain(r.Host, cfg.Domain) && s.warned.foreignDomain.CompareAndSwap(false, true) {
		s.cfg.Logger.WarnContext(r.Context(), "sessionkit: browsers refuse the cookies of this sign-in, as its host is not within Config.Cookie.Domain",
			"host", boundedText(r.Host, 256), "domain", cfg.Domain)
	}
	if !cfg.Insecure && !wire.SaysHTTPS(r) && !wire.IsLocal(r) && s.warned.plainHTTP.CompareAndSwap(false, true) {
		s.cfg.Logger.WarnContext(r.Context(), "sessionkit: if this sign-in came over plain HTTP, browsers refuse its cookies, which are Secure",
			"host", boundedText(r.Host, 256))
	}
}

// warnOfLostPath says once that browsers send no access token to the path of a request,
// which has none: a route that is verified there refuses everybody.
func (s *Service) warnOfLostPath(r *http.Request) {
	if s.Reaches(r.URL.Path) {
		return
	}
	if s.warned.foreignPath.CompareAndSwap(false, true) {
		s.cfg.Logger.WarnContext(r.Context(), "sessionkit: a verified route is not below Config.Cookie.AccessPath, and unless a proxy takes off a prefix, browsers send no access token there:"+
			" move the route, or choose another AccessPath",
			"path", boundedText(r.URL.Path, 256), "access_path", s.cfg.Cookie.AccessPath)
	}
}
