package rig

import (
	"net/http"
	"strings"
)

// Answer is the meaning of a reply.
type Answer string

// The answers of docs/protocol.md. Lost is none at all.
const (
	Lost         Answer = "lost"
	OK           Answer = "ok"
	Unauthorised Answer = "unauthorised"
	Theft        Answer = "theft"
	TryRefresh   Answer = "try refresh"
	Unavailable  Answer = "unavailable"
	Other        Answer = "other"
	// Sent is a browser without scripts on its way, to the refresh route or back.
	Sent Answer = "sent on"
)

// PageLogin is the sign-in page of AppConfig.Pages: who is sent there is out.
const PageLogin = "/pages-login"

// pagePath is the page, and the form, of AppConfig.Pages.
const pagePath = "/pages/me"

// Answer reads the reply.
func (r Reply) Answer() Answer {
	switch {
	case r.Status == 0:
		return Lost
	case r.Status == http.StatusOK:
		return OK
	case r.Status == http.StatusServiceUnavailable:
		return Unavailable
	case r.Status == http.StatusSeeOther, r.Status == http.StatusTemporaryRedirect:
		return r.destination()
	case r.Status != http.StatusUnauthorized:
		return Other
	}
	switch r.Body {
	case `{"message":"unauthorised"}`:
		return Unauthorised
	case `{"message":"token theft detected"}`:
		return Theft
	case `{"message":"try refresh token"}`:
		return TryRefresh
	}
	return Other
}

// destination is what a redirect means to people.
func (r Reply) destination() Answer {
	switch to := r.Header.Get("Location"); {
	case to == PageLogin+"?reason=theft":
		return Theft
	case strings.HasPrefix(to, PageLogin):
		return Unauthorised
	case to == pagePath, strings.HasPrefix(to, RefreshPath+"?to="):
		return Sent
	default:
		return Other
	}
}

// Over reports whether the answer says that the session is over.
func (a Answer) Over() bool { return a == Unauthorised || a == Theft }
