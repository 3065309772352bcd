package session

import (
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gin-sessionkit/sessionkit/internal/wire"

	"github.com/gin-sessionkit/sessionkit/internal/token"
)

// answer writes tokens into one response, by the carrier that the request's
// token came by. Headers are set and never added, so that the last word counts.
type answer struct {
	svc *Service
	r   *http.Request
	by  carrier
	// namesMode: the client is a front end of 16 or later. Those read
	// front-token: remove, which makes some earlier ones fail.
	namesMode bool

	mu sync.Mutex
	w  http.ResponseWriter
}

func (s *Service) answerTo(w http.ResponseWriter, r *http.Request, by carrier) *answer {
	return &answer{svc: s, w: w, r: r, by: by, namesMode: r.Header.Get(wire.HeaderAuthMode) != ""}
}

// issue sends a pair of tokens, at creation and refresh.
func (a *answer) issue(t *Tokens) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.clearOtherCarrier()
	if a.by == byHeader {
		a.set(wire.HeaderSTAccess, t.Access.Value)
		a.set(wire.HeaderSTRefresh, t.Refresh.Value)
	} else {
		a.setCookie(a.accessCookie(t.Access.Value, t.Refresh.ExpiresAt))
		a.setCookie(a.refreshCookie(t.Refresh.Value, t.Refresh.ExpiresAt))
		if t.AntiCSRF != "" {
			a.set(wire.HeaderAntiCSRF, t.AntiCSRF)
		}
	}
	claims, _ := t.Session.snapshot()
	a.setFrontToken(&claims)
	a.issueIDRefresh(t.IDRefresh)
	a.noStore()
}

// replace sends a new access token in place of the one that the request carried.
func (a *answer) replace(access *AccessToken, claims *token.Access, ends int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.by == byHeader {
		a.set(wire.HeaderSTAccess, access.Value)
	} else {
		// The cookie outlives the token, so that an expired token still shows that
		// there is a session to refresh.
		expires := access.ExpiresAt
		if ends > 0 {
			expires = time.UnixMilli(ends)
		}
		a.setCookie(a.accessCookie(access.Value, expires))
	}
	a.setFrontToken(claims)
	a.noStore()
}

// clear takes every token away from the client: the session is definitely over.
func (a *answer) clear() {
	a.remove(a.by == byCookie || a.carries(byCookie), a.by == byHeader || a.namesMode && a.carries(byHeader))
}

// clearCarried takes away what the request carried, where it carried no token
// that could say more. Other tokens may belong to a sign-in that is on its way.
func (a *answer) clearCarried() {
	a.remove(a.carries(byCookie), a.namesMode && a.carries(byHeader))
}

func (a *answer) remove(cookies, headers bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if cookies {
		a.clearCookies()
	}
	if headers {
		a.clearHeaders()
	}
	a.w.Header().Del(wire.HeaderAntiCSRF)
	a.w.Header().Del(wire.HeaderFront)
	if a.namesMode && a.svc.cfg.FrontEnds.FrontToken == FrontTokenOn {
		a.set(wire.HeaderFront, wire.RemoveMarker)
	}
	if a.sendsIDRefreshHeader() {
		a.set(wire.HeaderIDRefresh, wire.RemoveMarker)
	}
	a.noStore()
}

// carries reports whether the request came with a token of ours by this carrier.
func (a *answer) carries(by carrier) bool {
	if by == byHeader {
		bearer := a.svc.bearer(a.r)
		return token.LooksLikeAccess(bearer) || token.LooksLikeRefresh(bearer)
	}
	names := a.svc.cfg.Cookie
	return wire.HasCookie(a.r, names.accessCookie()) ||
		wire.HasCookie(a.r, names.refreshCookie()) ||
		a.svc.cfg.FrontEnds.IDRefreshCookie != IDRefreshCookieOff && a.svc.hasIDRefreshCookie(a.r)
}

// clearOtherCarrier removes what an earlier session left in the other carrier.
func (a *answer) clearOtherCarrier() {
	switch {
	case a.by == byHeader && a.carries(byCookie):
		a.clearCookies()
	case a.by == byCookie && a.namesMode && a.carries(byHeader):
		a.clearHeaders()
	}
}

func (a *answer) clearHeaders() {
	// The empty value means "delete" to front ends from 16 on.
	a.set(wire.HeaderSTAccess, "")
	a.set(wire.HeaderSTRefresh, "")
}

// issueIDRefresh sends the random id that front ends 4 to 15 (header) and
// before 4 (cookie) take for their sign of a session.
func (a *answer) issueIDRefresh(id Token) {
	if a.sendsIDRefreshHeader() {
		a.set(wire.HeaderIDRefresh, id.Value+";"+strconv.FormatInt(id.ExpiresAt.UnixMilli(), 10))
	}
	if a.by != byCookie {
		return
	}
	switch a.svc.cfg.FrontEnds.IDRefreshCookie {
	case IDRefreshCookieAlways:
		a.setCookie(a.idRefreshCookie(id.Value, id.ExpiresAt))
	case IDRefreshCookieAuto:
		if !a.namesMode || a.svc.hasIDRefreshCookie(a.r) {
			a.setCookie(a.idRefreshCookie(id.Value, id.ExpiresAt))
		}
	case IDRefreshCookieLegacyMigrate:
		if a.svc.hasIDRefreshCookie(a.r) {
			a.setCookie(expired(a.idRefreshCookie("", time.Time{})))
		}
	case IDRefreshCookieOff, IDRefreshCookieByPreset:
	}
}

func (a *answer) sendsIDRefreshHeader() bool {
	switch a.svc.cfg.FrontEnds.IDRefreshHeader {
	case IDRefreshHeaderAlways:
		return true
	case IDRefreshHeaderAuto:
		return !a.namesMode
	default:
		return false
	}
}

// set sets a header that pages of another origin must be able to read.
func (a *answer) set(name, value string) {
	h := a.w.Header()
	h.Set(name, value)
	if a.r.Header.Get("Origin") != "" {
		appendToken(h, "Access-Control-Expose-Headers", name)
	}
}

// noStore keeps caches from handing the response to somebody else (RFC 9111, section 5.2.2.5).
func (a *answer) noStore() { appendToken(a.w.Header(), "Cache-Control", "no-store") }

// appendToken adds token to a comma-separated header unless it is there. What
// the application set stays.
func appendToken(h http.Header, name, token string) {
	name = textproto.CanonicalMIMEHeaderKey(name)
	list := strings.Join(h[name], ", ")
	for have := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(strings.TrimSpace(have), token) {
			return
		}
	}
	if list != "" {
		token = list + ", " + token
	}
	h.Set(name, token)
}

// setFrontToken sends the front token, if it is on.
func (a *answer) setFrontToken(claims *token.Access) {
	if a.svc.cfg.FrontEnds.FrontToken == FrontTokenOn {
		a.set(wire.HeaderFront, wire.FrontToken(claims, a.svc.now()/1000, a.namesMode))
	}
}
