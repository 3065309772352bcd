package session

import (
	"net/http"
	"slices"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/lineage"
	"github.com/gin-sessionkit/sessionkit/internal/page"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/internal/wire"
)

// RefreshPage is RefreshHTTP for a route that takes the browsers of pages too, which
// VerifyPage sends there and which go back by a redirect: then both results are nil,
// and the answer is written. Else it is as RefreshHTTP.
//
// Mount it for GET, HEAD, POST, PUT, PATCH and DELETE: a form's request comes along
// with its method and its body. A GET counts as meant if the browser shows its answer
// as a page of its own (Sec-Fetch-Dest: document), or as a page of the own origin asked
// for it. What foreign pages load as images, frames or scripts is an
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
		if c := back.mark.cookie(s); c != nil {
			http.SetCookie(w, c)
		}
		wire.NoStore(w.Header())
		page.Redirect(w, back.to, back.keep)
	}
	return nil, shown(page.KindOf(r), err)
}

// turn is where a browser goes from the refresh route.
type turn struct {
	to       string
	keep     bool
	optional bool
	mark     mark
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
		err := x.svc.crossOrigin(x.received)
		x.countRefresh(err)
		return back, x.refusal(p, back.to, err)
	}
	if x.hasRefreshed() {
		back.mark = markSignedIn
		return back, nil
	}
	c, err := x.refreshToken(meant)
	if err == nil && x.keepsNoAccess(c) {
		err = errNotKept
	}
	if err == nil {
		_, err = x.renew(c)
	}
	x.countRefresh(err)
	if older, ok := errors.AsType[*elsewhere](err); ok {
		if !back.keep && page.Keeps(x.received) {
			back.to = "" // which is refused there too
		}
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
// that came along does. It is asked about as strictly as any route may, else a page
// that is stricter would send the browser here again, for ever. So the clock grants
// nothing here: to a server whose clock is a little ahead, the token has expired.
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
