package session

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/page"
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
// middleware: call it when routes are set up. It is an [errors.ErrConfig] that says
// what to do, or [errors.ErrClosed].
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
// Unsafe methods need the proof of AntiCSRFViaFetchMetadata, whatever the service's
// mode is and before anything else. Unless the handler says otherwise, answers are kept
// by no cache and no browser: what was signed out of does not come back by the "back"
// button.
//
// Errors: as Verify. WriteError answers them, with redirects and pages; scripts get
// what Verify answers.
func (x *Exchange) VerifyPage(p Site, opts ...VerifyOption) (*Session, error) {
	var sess *Session
	err := x.svc.checkOpen()
	if err == nil {
		x.keepPrivate()
		d := x.svc.demandsFor(x.received, opts)
		d.byOrigin = true
		sess, err = x.root.verifyPage(p, d)
	}
	if err != nil {
		err = shown(x.root.kind(), err)
	}
	x.done(x.outer, err)
	return sess, err
}

// keepPrivate keeps the page out of caches. Who has spoken to them before may have
// meant all answers, which a user's page is none of: that stands only if it is strict
// enough.
func (x *Exchange) keepPrivate() {
	h := x.outer.Header()
	said := strings.ToLower(strings.Join(h["Cache-Control"], ","))
	if x.root.response.Done() || strings.Contains(said, "private") || strings.Contains(said, "no-store") {
		return
	}
	wire.NoStore(h)
	h["Cache-Control"] = []string{"private, no-store"}
}

func (x *Exchange) verifyPage(p Site, d demands) (*Session, error) {
	r, asked := x.received, page.AskedFor(x.received)
	if !d.optional && r.URL.Path == p.Login {
		return nil, closedDoor(p.Login)
	}
	if !x.hasBearer() { // whose carrier verify sees first: it needs no proof
		if err := x.checkOrigin(&d); err != nil {
			x.svc.countResult(countVerified, err)
			return nil, x.refusal(p, asked, err)
		}
	}
	sess, err := x.verify(d)
	switch {
	case err == nil:
		return sess, nil
	case errors.Is(err, errors.ErrTryRefreshToken) && x.kind() != page.FrontEnd && slices.Contains(page.Dancing(), r.Method):
		switch {
		case d.optional && x.wasSentBack(markVisitor):
			return nil, nil //nolint:nilnil // a visitor, as of Optional
		case errors.Is(err, errors.ErrTokenDuplicated) && x.wasSentBack(markSignedIn):
			x.svc.warnOfForeignAccess(x.ctx)
			return nil, x.refusal(p, asked, errors.WithReason(errors.ErrGeneral, errors.ErrTokenDuplicated))
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
	if x.hasBearer() {
		return page.FrontEnd // its refresh token is in no cookie
	}
	return page.KindOf(x.received)
}

func (x *Exchange) hasBearer() bool {
	bearer, _ := x.response.Request().AccessToken()
	return bearer != ""
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
	if door, _, _ := strings.Cut(location, "?"); door != "" && x.isAt(door) {
		return closedDoor(door)
	}
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

// isAt reports whether the request is for that page, as the browser or the router has
// it.
func (x *Exchange) isAt(path string) bool {
	return slices.ContainsFunc([]string{page.AskedFor(x.received), x.received.URL.Path}, func(at string) bool {
		return page.Local(at) && page.IsAt(at, path)
	})
}

// closedDoor is the answer of a page to which people are sent, and that sends them
// there itself. What a router or a proxy does to paths shows only in requests.
func closedDoor(path string) error {
	return &page.Answer{Err: pageProblem("the page " + path + ", to which people are sent, is itself behind VerifyPage, and would send them to itself for ever:" +
		" take it out of that group, or ask for less there")}
}

// placeFor is where people are sent with that error, or empty: they are shown a page.
func (p Site) placeFor(err error) string {
	switch {
	case errors.Is(err, errors.ErrTokenTheft):
		return page.With(p.Login, "reason", "theft")
	case errors.Is(err, errors.ErrUnauthorised), errors.Is(err, errors.ErrTryRefreshToken), errors.Is(err, errors.ErrUserRequired):
		return p.Login
	case errors.Is(err, errors.ErrStepUp):
		return cmp.Or(p.Reauth, p.Login)
	default:
		return ""
	}
}

// shown is err as people get to see it, if it is not said yet how: a Service that is
// closed says nothing of pages.
func shown(to page.Kind, err error) error {
	if _, ok := errors.AsType[*page.Answer](err); err == nil || ok || to != page.Navigation {
		return err
	}
	return &page.Answer{Err: err}
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
