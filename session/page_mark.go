package session

import (
	"net/http"

	"github.com/gin-sessionkit/sessionkit/errors"
)

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
	back.mark = &http.Cookie{
		Name: visitorMark + cfg.Suffix, Value: "1", Path: cfg.AccessPath, MaxAge: sentBack,
		HttpOnly: true, Secure: !cfg.Insecure, SameSite: cfg.SameSite,
	}
	return back
}

const visitorMark = "sVisitor"

func (x *Exchange) wasSentBack() bool {
	_, err := x.received.Cookie(visitorMark + x.svc.cfg.Cookie.Suffix)
	return err == nil
}
