package session

import (
	"net/http"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// sentBack is how long the refresh route's word counts: the time in which a browser
// follows a redirect.
const sentBack = 10 * time.Second

// mark is what the refresh route tells the page that it sends a browser back to. It is
// in a cookie, where no link can set it, and which no other host of the site can set.
type mark string

const (
	// markVisitor: there is no session.
	markVisitor mark = "visitor"
	// markSignedIn: there is nothing to refresh. A page that sees other cookies than the
	// refresh route does must not send the browser there again.
	markSignedIn mark = "signed-in"
	// markSignedOut says nothing: see signedOutPage.
	markSignedOut mark = "signed-out"
)

func (c Config) markCookie() string { return c.hostCookie("sPage") }

// cookie is nil without a mark.
func (m mark) cookie(s *Service) *http.Cookie {
	if m == "" {
		return nil
	}
	return s.wire.HostCookie(s.cfg.markCookie(), string(m), sentBack)
}

func (x *Exchange) wasSentBack(as mark) bool {
	c, err := x.received.Cookie(x.svc.cfg.markCookie())
	return err == nil && c.Value == string(as)
}

// asVisitor sends the browser back without a session. The dead tokens are taken away;
// but not all can be, such as a cookie of another path or domain: hence the mark.
func (x *Exchange) asVisitor(back turn, err error) turn {
	if errors.Is(err, errors.ErrTokenMissing) {
		x.response.RemoveCarried()
	}
	back.mark = markVisitor
	return back
}
