package session

import (
	"cmp"
	"net"
	"net/http"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/internal/wire"
)

// Protect lets requests with a session pass to next and answers all others itself, from
// the table in package errors. FromContext finds the session in the request's context.
// Without a Service, or with options that this one cannot take, it panics at once.
func (s *Service) Protect(next http.Handler, opts ...VerifyOption) http.Handler {
	if s == nil {
		panic("session: Protect needs a Service: use what New returned without an error")
	}
	if err := s.CheckVerify(opts...); errors.Is(err, errors.ErrConfig) {
		panic("session: Protect: " + err.Error())
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := s.Exchange(w, r) //nolint:contextcheck // the context is r's
		defer x.Close()
		if _, err := x.Verify(opts...); err != nil {
			s.WriteError(x.Writer(), r, err)
			return
		}
		next.ServeHTTP(x.Writer(), x.Request()) //nolint:contextcheck // the context is r's
	})
}

// within runs fn on the Exchange of a request. Where there is none, what is to be sent
// is in the header of w afterwards, and the Session can send nothing more.
func (s *Service) within(w http.ResponseWriter, r *http.Request, fn func(*Exchange) error) error {
	if err := s.checkOpen(); err != nil {
		return err
	}
	x := s.exchangeOf(w, r)
	if x == nil {
		x = s.newExchange(r)
		x.lookAt(w)
		defer x.settleAlone(w)
	}
	err := fn(x)
	x.done(w, err)
	return err
}

// done ends a call whose writer is w.
func (x *Exchange) done(w http.ResponseWriter, err error) {
	if err != nil {
		x.svc.refused(x.received, err)
	}
	if errors.Is(err, errors.ErrUnauthorised) || errors.Is(err, errors.ErrTryRefreshToken) {
		x.root.response.Refuse(challenge(err))
	}
	x.root.preview(w)
}

// VerifyHTTP is Verify for a handler: it finds the tokens in the request, sends
// a replaced access token, and clears the client's tokens when the session is
// definitely over. It never does so because a token is missing or the
// database is out of reach.
//
// Without Protect or package middleware around the handler, what is known by then is
// put into the header at once. It is not asked about again when the handler took long,
// the handler's Cache-Control stands, and what the Session's methods change later is
// not sent: Session.Sent tells.
//
// Errors: as Verify, and [errors.ErrCrossOrigin]; answer them with WriteError and do
// nothing else.
func (s *Service) VerifyHTTP(w http.ResponseWriter, r *http.Request, opts ...VerifyOption) (sess *Session, err error) {
	err = s.within(w, r, func(x *Exchange) error {
		sess, err = x.verify(s.demandsFor(r, opts))
		return err
	})
	return sess, err
}

// Verify finds the session of the request, as VerifyHTTP does. A second call goes by
// the session that is there, and checks only what it demands beyond. Errors: as
// VerifyHTTP.
func (x *Exchange) Verify(opts ...VerifyOption) (*Session, error) {
	var sess *Session
	err := x.svc.checkOpen()
	if err == nil {
		sess, err = x.root.verify(x.svc.demandsFor(x.received, opts))
	}
	x.done(x.outer, err)
	return sess, err
}

// demandsFor is demandsOf for a request as it is by now: a router that starts over may
// have given it another method than it came with.
func (s *Service) demandsFor(r *http.Request, opts []VerifyOption) demands {
	d := s.demandsOf(opts)
	if d.antiCSRF == csrfByMethod && !isSafe(r.Method) {
		d.antiCSRF = csrfAlways
	}
	return d
}

// verify finds the session and counts how that went.
func (x *Exchange) verify(d demands) (*Session, error) {
	d.asked = x.asked()
	if sess := x.session.Load(); sess != nil {
		if err := x.verifyAgain(sess, d); err != nil {
			x.svc.countResult(countVerified, err)
			return nil, err
		}
		return sess, nil
	}
	sess, err := x.verifyFirst(d)
	if sess == nil && err == nil {
		x.svc.counts.Add(countVisitors, 1)
	} else {
		x.svc.countResult(countVerified, err)
	}
	return sess, err
}

func (x *Exchange) verifyFirst(d demands) (*Session, error) {
	found, err := x.findAccess()
	if err != nil {
		x.svc.warnOfLostPath(x.received)
	}
	if d.optional && (isVisitor(err) || errors.Is(err, errors.ErrTokenMalformed)) {
		return nil, nil //nolint:nilnil // a visitor is no session and no error, as Optional says
	}
	if err != nil {
		return nil, err
	}
	x.response.Carries(found.by, "")
	if found.by == wire.ByCookie && wire.IsUpgrade(x.received) && !x.svc.wire.Origins.AllowsUpgrade(x.received) {
		return nil, x.svc.crossOrigin(x.received)
	}
	if err := x.checkOrigin(&d); err != nil {
		return nil, err
	}
	sess, replacement, err := x.svc.verify(x.ctx, found.text, x, d)
	if d.optional && found.by == wire.ByCookie && errors.Is(err, errors.ErrTokenMalformed) {
		return nil, nil //nolint:nilnil // whatever set that cookie, it was not us
	}
	return x.settled(sess, replacement, d, err)
}

// settled answers the client. A session comes beside an error when only its claims are
// at fault: the client needs the replaced token all the same.
func (x *Exchange) settled(sess *Session, replacement *Token, d demands, err error) (*Session, error) {
	if sess != nil {
		x.response.Carries(x.response.Carrier(), sess.Handle())
		x.adopt(sess)
		// Whoever promotes a token reads no row, which may have another level.
		x.looked.Store(d.revocation == RevokeImmediately || replacement != nil && sess.Level() == 0)
		if replacement != nil {
			claims, ends := sess.snapshot()
			sess.replace(replacement, &claims, ends)
		}
	}
	switch {
	case err == nil:
		return sess, nil
	case errors.Is(err, errors.ErrSessionReplaced):
		// The browser may have the new session's tokens already, or get them before
		// this answer: the refresh decides with the cookie that it has then.
		return nil, tryRefresh(errors.ErrSessionReplaced)
	case errors.Is(err, errors.ErrUnauthorised):
		x.response.Remove("", false)
	}
	return nil, err
}

// verifyAgain checks what d demands of the session that is there.
func (x *Exchange) verifyAgain(sess *Session, d demands) error {
	if err := x.svc.possible(d); err != nil {
		return err
	}
	if sess.over.Load() {
		return errors.WithReason(errors.ErrUnauthorised, errors.ErrSessionRevoked)
	}
	if err := x.checkOrigin(&d); err != nil {
		return err
	}
	claims, _ := sess.snapshot()
	if !x.satisfies(&claims, d.antiCSRF) {
		return tryRefresh(errors.ErrAntiCSRF)
	}
	if !x.looked.Load() {
		if _, ask := x.svc.mustAsk(d.revocation, &claims, sess.memo.Load()); ask {
			lowered, err := sess.takeLevel(x.ctx)
			if err != nil {
				return sess.clearIfEnded(err)
			}
			if lowered != nil {
				claims, ends := sess.snapshot()
				sess.replace(lowered, &claims, ends)
			}
			x.looked.Store(true)
		}
	}
	// What it replaces, MergePayload has sent.
	_, err := x.svc.check(x.ctx, sess, &d)
	return err
}

// oneRequest is how long a request counts as one moment.
const oneRequest = time.Minute

// asked is the time at which claims are asked for: what was fetched for a request is
// good for all of it, also where a claim must be found out in this very request. A
// stream that verifies again and again is not that one moment.
//
// oneRequest is no longer than package claim lets a claim come from the future: what
// another request has fetched meanwhile is good for this one.
func (x *Exchange) asked() int64 {
	if now := x.svc.now(); now-x.began > millis(oneRequest) || now < x.began {
		return now
	}
	return x.began
}

// satisfies is the proof of a request. A token in a header needs none: no foreign page
// can make a browser send it. Nor do tokens that were made in this request.
func (x *Exchange) satisfies(claims *token.Access, demand csrfDemand) bool {
	r := x.received
	if !x.needsProof(demand) {
		return true
	}
	switch x.svc.cfg.AntiCSRF.Mode {
	case AntiCSRFViaToken:
		return token.AntiCSRFMatches(r.Header.Get(wire.HeaderAntiCSRF), claims.AntiCSRF)
	case AntiCSRFViaCustomHeader:
		return r.Header.Get(wire.HeaderRid) != ""
	default:
		return true
	}
}

func (x *Exchange) needsProof(demand csrfDemand) bool {
	return x.response.Carrier() != wire.ByHeader && !x.proven.Load() &&
		(demand == csrfAlways || demand == csrfByMethod && !isSafe(x.received.Method))
}

// checkOrigin is the proof of AntiCSRFViaFetchMetadata, where d goes by that: then no
// other is asked for. It comes before the token is looked at, as nothing that is done
// about a token changes where the request came from.
func (x *Exchange) checkOrigin(d *demands) error {
	if !d.byOrigin {
		return nil
	}
	if x.needsProof(d.antiCSRF) && !x.svc.wire.Origins.IsOwn(x.received) {
		return x.svc.crossOrigin(x.received)
	}
	d.antiCSRF = csrfNever
	return nil
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

// isVisitor: the request carries no token at all.
func isVisitor(err error) bool {
	return errors.Is(err, errors.ErrUnauthorised) && errors.Is(err, errors.ErrTokenMissing)
}

// SignOutHTTP ends the session of the request and clears the client's tokens. The
// anti-CSRF proof is demanded whatever the method, and that no foreign page asks for
// it. Signing out twice, or as a visitor, is an [errors.ErrUnauthorised].
//
// Errors: as VerifyHTTP. On [errors.ErrUnavailable] the client keeps its tokens and
// can try again.
func (s *Service) SignOutHTTP(w http.ResponseWriter, r *http.Request) error {
	return s.within(w, r, (*Exchange).signOut)
}

func (x *Exchange) signOut() error {
	if !x.hasBearer() && !x.svc.wire.Origins.Allows(x.received) {
		err := x.svc.crossOrigin(x.received)
		x.svc.countResult(countVerified, err)
		return err
	}
	d := x.svc.demandsOf(nil)
	d.antiCSRF = csrfAlways
	sess, err := x.verify(d)
	if err != nil {
		return err
	}
	return sess.signOut(x.ctx)
}

// client is who sent the request.
func (x *Exchange) client() Client {
	return Client{
		UserAgent: boundedText(x.received.UserAgent(), maxUserAgentLen),
		IP:        x.svc.cfg.IPAddresses.apply(remoteIP(x.received)),
	}
}

// remoteIP is the address of the peer. Behind a proxy that is the proxy: use
// WithDevice, as middleware.Create does with Gin's trusted proxies. Package refresh
// says by the context what those know.
func remoteIP(r *http.Request) string {
	if ip := wire.ClientIP(r.Context()); ip != "" {
		return ip
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return host
}

func timeOf(millis int64) time.Time {
	if millis <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(millis)
}

// crossOrigin is the refusal of a request that a foreign page asked for. Which origin
// and which host, the log says once for each Service: behind a proxy that sends another
// Host they differ for everybody.
func (s *Service) crossOrigin(r *http.Request) error {
	err := errors.WithReason(errors.ErrCrossOrigin, errors.New("neither the request's own origin nor one of Config.TrustedOrigins"))
	if s.warned.foreignOrigin.CompareAndSwap(false, true) {
		s.cfg.Logger.WarnContext(r.Context(), "sessionkit: a page of a foreign origin was refused; if it is yours, name it in Config.TrustedOrigins,"+
			" and have proxies pass the Host (nginx: proxy_set_header Host $host)",
			"origin", boundedText(cmp.Or(r.Header.Get("Origin"), "none, Sec-Fetch-Site: "+r.Header.Get("Sec-Fetch-Site")), 256),
			"host", boundedText(r.Host, 256))
	}
	return err
}
