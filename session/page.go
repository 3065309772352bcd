package session

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/lineage"
	"github.com/gin-sessionkit/sessionkit/internal/page"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/internal/wire"
)

// Site says where pages from the server send people whom they cannot show to. Both are
// paths of this origin, as browsers know them.
type Site struct {
	// Login is the sign-in page. It finds in its parameter to where to send people
	// back to (ReturnTo), and in reason=theft that a stolen token ended the session.
	Login string
	// Reauth is where those are sent who are signed in and have to prove it again;
	// default Login.
	Reauth string
}

// CheckSite reports whether pages of this Service can work so, for whoever writes
// middleware: call it when routes are set up. It is an [errors.ErrConfig] that says what
// to do, or [errors.ErrClosed].
func (s *Service) CheckSite(p Site, opts ...VerifyOption) error {
	if err := s.CheckVerify(opts...); err != nil {
		return err
	}
	switch refresh := s.cfg.Cookie.RefreshPath; {
	case s.cfg.ConcurrentRefreshWindow == 0:
		return pageProblem("set Config.ConcurrentRefreshWindow, such as to 10 s: browsers load several pages at once, and without it that looks like theft")
	case s.cfg.FrontEnds.Carriers == CarriersHeader:
		return pageProblem("pages need cookies, which Config.FrontEnds.Carriers forbids")
	case !s.Reaches(refresh):
		return pageProblem(fmt.Sprintf("Config.Cookie.AccessPath %q does not cover the RefreshPath %q, which has to see the access token: choose a RefreshPath below it",
			s.cfg.Cookie.AccessPath, refresh))
	case p.Login == "":
		return pageProblem("set Login to the path of the sign-in page")
	case !isPagePath(p.Login):
		return pageProblem(fmt.Sprintf("Login is %q: give the path of a page of this origin, such as /login", p.Login))
	case p.Reauth != "" && !isPagePath(p.Reauth):
		return pageProblem(fmt.Sprintf("Reauth is %q: give the path of a page of this origin, such as /reauth", p.Reauth))
	case slices.Contains(append(s.RefreshPaths(), s.cfg.Cookie.SignOutPath), p.Login):
		return pageProblem(fmt.Sprintf("Login is %q, which is the refresh route or the sign-out route", p.Login))
	}
	return nil
}

func pageProblem(text string) error {
	return errors.WithReason(errors.ErrConfig, errors.New(text))
}

// isPagePath reports whether text is a path without a query.
func isPagePath(text string) bool {
	return page.Local(text) && pathSyntax.MatchString(text)
}

// VerifyPage is Verify for the routes of pages, which people open and which have no
// script to refresh for them. Where the access token has expired, the browser is sent
// to the refresh route and back; where there is no session, to p.Login. With Optional
// visitors pass, and so does who comes back from there without a session.
//
// Unsafe methods need the proof of AntiCSRFViaFetchMetadata, whatever the service's mode
// is and before anything else. Unless the handler says otherwise, answers are kept by no
// cache and no browser: what was signed out of does not come back by the "back" button.
//
// Errors: as Verify. WriteError answers them, with redirects and pages; scripts get what
// Verify answers.
func (x *Exchange) VerifyPage(p Site, opts ...VerifyOption) (*Session, error) {
	var sess *Session
	err := x.svc.checkOpen()
	if err == nil {
		x.keepPrivate()
		d := x.svc.demandsOf(opts)
		d.byOrigin = true
		sess, err = x.root.verifyPage(p, d)
	}
	err = shown(x.received, err)
	x.done(x.outer, err)
	return sess, err
}

// keepPrivate keeps the page out of caches, unless somebody has spoken to them.
func (x *Exchange) keepPrivate() {
	if h := x.outer.Header(); !x.root.response.Done() && len(h["Cache-Control"]) == 0 {
		h["Cache-Control"] = []string{"private, no-store"}
	}
}

func (x *Exchange) verifyPage(p Site, d demands) (*Session, error) {
	r, asked := x.received, page.AskedFor(x.received)
	if !d.optional && r.URL.Path == p.Login {
		return nil, &page.Answer{Err: pageProblem("the sign-in page " + p.Login + " is itself behind VerifyPage, so that nobody could sign in: take it out of that group")}
	}
	if err := x.checkOrigin(&d); err != nil {
		return nil, x.refusal(p, asked, err)
	}
	sess, err := x.verify(d)
	switch {
	case err == nil:
		return sess, nil
	case errors.Is(err, errors.ErrTryRefreshToken) && x.kind() != page.FrontEnd && slices.Contains(page.Dancing(), r.Method):
		if d.optional && x.wasSentBack() {
			return nil, nil //nolint:nilnil // a visitor, as of Optional
		}
		return nil, x.dance(asked, d.optional, err)
	case errors.Is(err, errors.ErrUnauthorised) && d.optional && x.kind() != page.FrontEnd:
		return nil, nil //nolint:nilnil // a visitor by now: the tokens are taken away
	default:
		return nil, x.refusal(p, asked, err)
	}
}

// kind is who asks.
func (x *Exchange) kind() page.Kind {
	if bearer, _ := x.response.Request().AccessToken(); bearer != "" {
		return page.FrontEnd // its refresh token is in no cookie
	}
	return page.KindOf(x.received)
}

// dance sends the browser to the refresh route, the only one that gets the refresh
// token, and back to what it has asked for. What cannot be come back to becomes "/".
func (x *Exchange) dance(asked string, optional bool, err error) error {
	route, keep := x.svc.cfg.Cookie.RefreshPath, page.Keeps(x.received)
	if !page.Local(asked) {
		return &page.Answer{Err: err, Location: route}
	}
	return &page.Answer{Err: err, Location: danceTo(route, asked, optional), Keep: keep}
}

// optionalParam says that the page to go back to is for visitors too.
const optionalParam = "optional"

func danceTo(route, to string, optional bool) string {
	if optional {
		return page.With(route, page.ToParam, to, optionalParam, "1")
	}
	return page.With(route, page.ToParam, to)
}

// refusal is err as the one who asks wants it answered.
func (x *Exchange) refusal(p Site, asked string, err error) error {
	kind, location := x.kind(), p.placeFor(err)
	switch {
	case kind == page.FrontEnd, kind == page.Fetch, kind == page.HTMX && location == "":
		return err
	case kind == page.HTMX:
		return &page.Answer{Err: err, Location: location, ByHTMX: true}
	case location != "" && !errors.Is(err, errors.ErrTokenTheft) && !page.Keeps(x.received) && page.Local(asked):
		location = page.With(location, page.ToParam, asked)
	}
	return &page.Answer{Err: err, Location: location}
}

// placeFor is where people are sent with that error, or empty: they are shown a page.
func (p Site) placeFor(err error) string {
	switch {
	case errors.Is(err, errors.ErrTokenTheft):
		return page.With(p.Login, "reason", "theft")
	case errors.Is(err, errors.ErrUnauthorised), errors.Is(err, errors.ErrTryRefreshToken):
		return p.Login
	case errors.Is(err, errors.ErrUserRequired):
		return p.Login
	case errors.Is(err, errors.ErrStepUp) && p.Reauth != "":
		return p.Reauth
	case errors.Is(err, errors.ErrStepUp):
		return p.Login
	default:
		return ""
	}
}

// RefreshPage is RefreshHTTP for a route that takes the browsers of pages too, which
// VerifyPage sends there and which go back by a redirect: then both results are nil, and
// the answer is written. Else it is as RefreshHTTP.
//
// Mount it for GET, HEAD, POST, PUT, PATCH and DELETE: a form's request comes along with
// its method and its body. A GET counts as meant if the browser shows its answer as a
// page of its own (Sec-Fetch-Dest: document), or as a page of the own origin asked for
// it. What foreign pages load as images, frames or scripts is an
// [errors.ErrCrossOrigin].
//
// Errors: as RefreshHTTP, and as of VerifyPage. Answer them with WriteError.
func (s *Service) RefreshPage(w http.ResponseWriter, r *http.Request, p Site) (sess *Session, err error) {
	if !page.Dances(r) {
		return s.RefreshHTTP(w, r)
	}
	var back turn
	err = s.within(w, r, func(x *Exchange) error {
		back, err = x.refreshPage(p)
		return err
	})
	if err == nil {
		if back.mark != nil {
			http.SetCookie(w, back.mark)
		}
		wire.NoStore(w.Header())
		page.Redirect(w, back.to, back.keep)
	}
	return nil, shown(r, err)
}

// shown is err as people get to see it, if it is not said yet how: a Service that is
// closed says nothing of pages.
func shown(r *http.Request, err error) error {
	if _, ok := errors.AsType[*page.Answer](err); err == nil || ok || page.KindOf(r) != page.Navigation {
		return err
	}
	return &page.Answer{Err: err}
}

// turn is where a browser goes from the refresh route.
type turn struct {
	to       string
	keep     bool
	optional bool
	// mark has the page take the browser for a visitor's.
	mark *http.Cookie
}

// turnOf reads where a browser wants to go. What it may not becomes "/", which is asked
// for by GET: a form's body must go nowhere else.
func (x *Exchange) turnOf() turn {
	r := x.received
	query := r.URL.Query()
	to, refused := query.Get(page.ToParam), x.svc.RefreshPaths()
	if r.Method != http.MethodPost || !x.svc.wire.Origins.IsOwn(r) {
		refused = append(refused, x.svc.cfg.Cookie.SignOutPath) // which takes nothing else
	}
	back := turn{to: to, keep: page.Keeps(r), optional: query.Get(optionalParam) == "1"}
	if !page.Local(to) || page.IsAt(to, refused...) {
		back.to, back.keep = "/", false
	}
	return back
}

func (x *Exchange) refreshPage(p Site) (turn, error) {
	back := x.turnOf()
	meant := x.svc.wire.Origins.Allows
	if !page.Keeps(x.received) {
		meant = x.svc.wire.Origins.AllowsVisit
	}
	if !meant(x.received) {
		return back, x.refusal(p, back.to, x.svc.crossOrigin(x.received))
	}
	if x.hasRefreshed() {
		return back, nil
	}
	c, err := x.refreshToken(meant)
	if err == nil && x.keepsNoAccess(c) {
		err = errNotKept
	}
	if err == nil {
		_, err = x.renew(c)
	}
	if older, ok := errors.AsType[*elsewhere](err); ok {
		return back, tryRefresh(&elsewhere{danceTo(older.to, back.to, back.optional)})
	}
	if back.optional && errors.Is(err, errors.ErrUnauthorised) && !errors.Is(err, errors.ErrTokenTheft) {
		return x.asVisitor(back, err), nil
	}
	if err != nil {
		return back, x.refusal(p, back.to, err)
	}
	return back, nil
}

// hasRefreshed reports whether another tab has refreshed meanwhile: the access token
// that came along does. It is asked about as strictly as any route may, else a page that
// is stricter would send the browser here again, for ever. So the clock grants nothing
// here: to a server whose clock is a little ahead, the token has expired.
func (x *Exchange) hasRefreshed() bool {
	found, err := x.chooseAccess()
	if err != nil {
		return false
	}
	d := demands{antiCSRF: csrfNever, revocation: RevokeImmediately}
	sess, replacement, err := x.svc.verify(x.ctx, found.text, x, d)
	if err != nil {
		return false // which the refresh finds out by itself
	}
	if claims, _ := sess.snapshot(); claims.ExpiresAt*1000 <= x.svc.now() {
		return false
	}
	x.response.Carries(found.by, "")
	_, err = x.settled(sess, replacement, d, nil)
	return err == nil
}

// errNotKept: a browser that keeps the refresh token and no access token would be sent
// here by every page, for ever.
var errNotKept = errors.WithReason(errors.ErrUnauthorised, errors.New("the browser does not keep the access token's cookie"))

// keepsNoAccess reports whether the refresh token was made just now, and none of the
// access tokens that came along is as new.
func (x *Exchange) keepsNoAccess(c carried) bool {
	if c.by != wire.ByCookie || !lineage.Young(c.tok.lineage(), x.svc.now(), x.svc.window()) {
		return false
	}
	return !slices.ContainsFunc(x.response.Request().AccessCookies(), func(a wire.Candidate) bool {
		id, ok := token.Claimed(a.Text)
		return ok && id.Handle == c.tok.Handle() && id.Gen >= c.tok.Gen
	})
}

// sentBack is how long a browser counts as a visitor's that came back from the refresh
// route without a session: the time in which it follows a redirect.
const sentBack = 10

// asVisitor sends the browser back without a session. The dead tokens are taken away;
// but not all can be, such as a cookie of another path or domain. So that the page does
// not send the browser here again, a mark says for a moment that it has been here. It
// is in a cookie, where no link can set it.
func (x *Exchange) asVisitor(back turn, err error) turn {
	if errors.Is(err, errors.ErrTokenMissing) {
		x.response.RemoveCarried()
	}
	cfg := x.svc.cfg.Cookie
	back.mark = cfg.mark(visitorMark)
	return back
}

const (
	visitorMark   = "sVisitor"
	signedOutMark = "sSignedOut"
)

// mark is a cookie that says something for a moment, where access tokens are.
func (c CookieConfig) mark(name string) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure is off for loopback hosts only, SameSite is validated
		Name: name + c.Suffix, Value: "1", Path: c.AccessPath, MaxAge: sentBack,
		HttpOnly: true, Secure: !c.Insecure, SameSite: c.SameSite,
	}
}

func (x *Exchange) wasSentBack() bool {
	_, err := x.received.Cookie(visitorMark + x.svc.cfg.Cookie.Suffix)
	return err == nil
}

// SignOutPage is SignOutHTTP for a route that takes forms too, which need no anti-CSRF
// token: the proof is that of AntiCSRFViaFetchMetadata. It answers them by a redirect to
// p.Login, also when nobody was signed in any more, and reports that; a script's request
// the caller answers, as after SignOutHTTP. An expired access token takes the way of
// VerifyPage.
//
// Errors: as SignOutHTTP. Answer them with WriteError.
func (s *Service) SignOutPage(w http.ResponseWriter, r *http.Request, p Site) (answered bool, err error) {
	kind := page.KindOf(r)
	if kind == page.FrontEnd || kind == page.Fetch {
		return false, s.SignOutHTTP(w, r)
	}
	err = s.within(w, r, func(x *Exchange) error { return x.signOutPage(p) })
	switch {
	case err != nil:
		return false, shown(r, err)
	case kind == page.HTMX:
		wire.NoStore(w.Header())
		w.Header().Set("Hx-Redirect", p.Login)
		w.WriteHeader(http.StatusNoContent)
	default:
		// Chromium keeps pages for the "back" button that said no-store, and drops them
		// when cookies of theirs have changed. It counts changes, less those by the
		// navigation that loaded the page, of which a sign-in has two: so the removal of
		// the access token counts for nothing, and it takes one cookie more. (Chromium
		// 156; TestPlainBack of integration_test/browser.)
		http.SetCookie(w, s.cfg.Cookie.mark(signedOutMark))
		wire.NoStore(w.Header())
		page.Redirect(w, p.Login, false)
	}
	return true, nil
}

func (x *Exchange) signOutPage(p Site) error {
	d := x.svc.demandsOf(nil)
	d.byOrigin, d.antiCSRF = true, csrfAlways
	err := x.checkOrigin(&d)
	var sess *Session
	if err == nil {
		if sess, err = x.verify(d); err == nil {
			err = sess.signOut(x.ctx)
		}
	}
	asked := page.AskedFor(x.received)
	switch {
	case err == nil, errors.Is(err, errors.ErrUnauthorised):
		return nil
	case errors.Is(err, errors.ErrTryRefreshToken):
		return x.dance(asked, false, err)
	default:
		return x.refusal(p, asked, err)
	}
}

// writePage answers with what a is. It reports whether that was all.
func (s *Service) writePage(w http.ResponseWriter, r *http.Request, a *page.Answer) bool {
	switch {
	case a.ByHTMX:
		w.Header().Set("Hx-Redirect", a.Location)
		return false // the status, and the body for who reads it, are those of the error
	case a.Location != "":
		wire.NoStore(w.Header())
		page.Redirect(w, a.Location, a.Keep)
		return true
	}
	status, _ := s.answerFor(r, a.Err)
	s.writeAnswer(w, r, status, "text/html; charset=utf-8", page.HTML(status), a.Err)
	return true
}
