package session

import (
	"net/http"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/page"
	"github.com/gin-sessionkit/sessionkit/internal/wire"
)

// SignOutPage is SignOutHTTP for a route that takes forms too, which need no anti-CSRF
// token: the proof is that of AntiCSRFViaFetchMetadata. It answers them by a redirect
// to p.Login, also when nobody was signed in any more, and reports that; a script's
// request the caller answers, as after SignOutHTTP. An expired access token takes the
// way of VerifyPage.
//
// Errors: as SignOutHTTP. Answer them with WriteError.
func (s *Service) SignOutPage(w http.ResponseWriter, r *http.Request, p Site) (answered bool, err error) {
	kind := page.KindOf(r)
	err = s.within(w, r, func(x *Exchange) error {
		if kind = x.kind(); kind == page.FrontEnd || kind == page.Fetch {
			return x.signOut()
		}
		return x.signOutPage(p)
	})
	switch {
	case err != nil:
		return false, shown(kind, err)
	case kind == page.FrontEnd, kind == page.Fetch:
		return false, nil
	case kind == page.HTMX:
		wire.NoStore(w.Header())
		w.Header().Set("Hx-Redirect", p.Login)
		w.WriteHeader(http.StatusNoContent)
	default:
		s.signedOutPage(w, p)
	}
	return true, nil
}

// signedOutPage sends the browser to the sign-in page.
//
// Chromium keeps pages for the "back" button that said no-store, and drops them when
// cookies of theirs have changed. It counts changes, less those by the navigation that
// loaded the page, of which a sign-in has two: so the removal of the access token
// counts for nothing, and it takes one cookie more. (Chromium 156; TestPlainBack of
// integration_test/browser.)
func (s *Service) signedOutPage(w http.ResponseWriter, p Site) {
	http.SetCookie(w, markSignedOut.cookie(s))
	wire.NoStore(w.Header())
	page.Redirect(w, p.Login, false)
}

func (x *Exchange) signOutPage(p Site) error {
	d := x.svc.demandsOf(nil)
	d.byOrigin, d.antiCSRF = true, csrfAlways
	err := x.checkOrigin(&d)
	var sess *Session
	if err != nil {
		x.svc.countResult(countVerified, err)
	} else {
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
