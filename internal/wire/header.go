package wire

import (
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"
)

// apply writes the plan into the header, in place of what was written before.
// Headers are set and never added, so that the last word counts.
func (r *Response) apply(h http.Header) {
	r.withdraw(h)
	switch r.plan.what {
	case nothing:
		return
	case newPair:
		r.sendPair(h)
	case newAccess:
		r.sendAccess(h)
	case removal:
		r.sendRemoval(h)
	}
	r.set = r.plan.what
	NoStore(h)
}

// withdraw makes room for the plan, and takes back what an earlier one had put
// in. A new access token alone only replaces the access token: what else is
// there may be of a pair that an earlier call has put into the header.
func (r *Response) withdraw(h http.Header) {
	switch most := max(r.set, r.plan.what); most {
	case nothing:
	case newAccess:
		r.withdrawAccess(h)
	default:
		r.withdrawAll(h)
	}
}

// withdrawAll removes what a response may have of ours.
func (r *Response) withdrawAll(h http.Header) {
	for _, name := range ExposeHeaders() {
		h.Del(name)
	}
	set := r.request.set
	ours := func(line string) bool {
		name, _, _ := strings.Cut(line, "=")
		return name == CookieIDRefresh || name == set.Place.Access || name == set.Place.Refresh || name == set.Device ||
			slices.ContainsFunc(set.Older, func(p Place) bool { return name == p.Access || name == p.Refresh })
	}
	withdrawCookies(h, ours)
}

// withdrawCookies removes the lines that are ours. It makes a new slice: the
// handler may hold the one that is there.
func withdrawCookies(h http.Header, ours func(line string) bool) {
	kept := slices.DeleteFunc(slices.Clone(h["Set-Cookie"]), ours)
	if len(kept) == 0 {
		delete(h, "Set-Cookie")
	} else {
		h["Set-Cookie"] = kept
	}
}

// withdrawAccess leaves the rest of a pair that an earlier response has put
// into the header.
func (r *Response) withdrawAccess(h http.Header) {
	h.Del(HeaderSTAccess)
	h.Del(HeaderFront)
	set := r.request.set
	withdrawCookies(h, func(line string) bool {
		name, _, _ := strings.Cut(line, "=")
		return name == set.Place.Access || slices.ContainsFunc(set.Older, func(p Place) bool { return name == p.Access })
	})
}

func (r *Response) sendPair(h http.Header) {
	q, set, p := &r.request, r.request.set, &r.plan.pair
	if r.by == ByHeader {
		if q.carries(ByCookie) {
			r.expireAll(h)
		}
		r.say(h, HeaderSTAccess, p.Access.Value)
		r.say(h, HeaderSTRefresh, p.Refresh.Value)
	} else {
		if q.namesMode && q.carries(ByHeader) {
			r.sayNoTokens(h)
		}
		r.expire(h, set.olderAccess(), set.olderRefresh())
		if q.HasDuplicates() {
			r.expire(h, set.copies(set.Place.accessSlot(), q.http.Host), set.copies(set.Place.refreshSlot(), q.http.Host))
		}
		r.keep(h, set.Place.accessSlot(), p.Access.Value, r.plan.until(r.plan.ends))
		r.keep(h, set.Place.refreshSlot(), p.Refresh.Value, r.plan.until(p.Refresh.Ends))
		if device := r.plan.device; device.Value != "" {
			r.keep(h, set.deviceSlot(), device.Value, device.Ends)
		}
		if p.AntiCSRF != "" {
			r.say(h, HeaderAntiCSRF, p.AntiCSRF)
		}
	}
	r.sayFrontToken(h)
	r.sendIDRefresh(h, p.IDRefresh)
}

func (r *Response) sendAccess(h http.Header) {
	set, p := r.request.set, &r.plan.pair
	if r.by == ByHeader {
		r.say(h, HeaderSTAccess, p.Access.Value)
	} else {
		r.expire(h, set.olderAccess())
		r.keep(h, set.Place.accessSlot(), p.Access.Value, r.plan.until(r.plan.ends))
	}
	r.sayFrontToken(h)
}

func (r *Response) sendRemoval(h http.Header) {
	q, p := &r.request, &r.plan
	if p.cookies {
		r.expireAll(h)
	}
	if p.headers {
		r.sayNoTokens(h)
	}
	if q.namesMode && q.set.FrontToken {
		r.say(h, HeaderFront, RemoveMarker)
	}
	if r.saysIDRefresh() {
		r.say(h, HeaderIDRefresh, RemoveMarker)
	}
}

// sendIDRefresh sends the random id that front ends 4 to 15 (header) and
// before 4 (cookie) take for their sign of a session.
func (r *Response) sendIDRefresh(h http.Header, id Token) {
	q, set := &r.request, r.request.set
	if r.saysIDRefresh() {
		r.say(h, HeaderIDRefresh, id.Value+";"+strconv.FormatInt(id.Ends.UnixMilli(), 10))
	}
	if r.by != ByCookie {
		return
	}
	switch {
	case set.IDRefreshMigrates:
		if q.HasIDRefresh() {
			r.expireIDRefresh(h)
		}
	case set.IDRefreshCookie == Always, set.IDRefreshCookie == Auto && (!q.namesMode || q.HasIDRefresh()):
		r.expire(h, q.idRefreshCopies())
		r.keep(h, set.idRefreshSlot(), id.Value, r.plan.until(id.Ends))
	}
}

func (r *Response) saysIDRefresh() bool {
	mode := r.request.set.IDRefreshHeader
	return mode == Always || mode == Auto && !r.request.namesMode
}

// until is when a cookie ends that holds a token: with the token, or with the
// browser. All of a session's are alike, also where an access token is sent alone:
// it says so itself. A browser that restores its tabs may bring them back; the
// session's own end holds then.
func (p *plan) until(ends time.Time) time.Time {
	if p.pair.Claims.ForBrowserOnly() {
		return time.Time{}
	}
	return ends
}

// keep sends a cookie, unless it would go over plain HTTP to another machine.
func (r *Response) keep(h http.Header, at slot, value string, ends time.Time) {
	set := r.request.set
	if set.Insecure && !IsLocal(r.request.http) {
		return
	}
	h["Set-Cookie"] = append(slices.Clip(h["Set-Cookie"]), set.cookie(at, value, ends).String())
}

func (r *Response) expire(h http.Header, lists ...[]slot) {
	lines := slices.Clip(h["Set-Cookie"])
	for _, slots := range lists {
		for _, at := range slots {
			lines = append(lines, r.request.set.expiry(at).String())
		}
	}
	if len(lines) > 0 {
		h["Set-Cookie"] = lines
	}
}

// expireAll removes every cookie of ours, wherever it may be kept.
func (r *Response) expireAll(h http.Header) {
	q, set := &r.request, r.request.set
	r.expire(h, set.olderAccess(), set.olderRefresh())
	if q.HasDuplicates() {
		r.expire(h, set.copies(set.Place.accessSlot(), q.http.Host), set.copies(set.Place.refreshSlot(), q.http.Host))
	}
	r.expire(h, []slot{set.Place.accessSlot(), set.Place.refreshSlot()})
	if q.sendsIDCookies() {
		r.expireIDRefresh(h)
	}
}

func (r *Response) expireIDRefresh(h http.Header) {
	q := &r.request
	r.expire(h, q.idRefreshCopies(), []slot{q.set.idRefreshSlot()})
}

// sayNoTokens sends empty values, which mean "delete" to front ends from 16 on.
func (r *Response) sayNoTokens(h http.Header) {
	r.say(h, HeaderSTAccess, "")
	r.say(h, HeaderSTRefresh, "")
}

func (r *Response) sayFrontToken(h http.Header) {
	if set := r.request.set; set.FrontToken {
		r.say(h, HeaderFront, FrontToken(r.plan.pair.Claims, set.Now().Unix(), r.request.namesMode))
	}
}

// say sets a header that pages of another origin must be able to read.
func (r *Response) say(h http.Header, name, value string) {
	h.Set(name, value)
	if r.request.http.Header.Get("Origin") != "" {
		appendToken(h, "Access-Control-Expose-Headers", name)
	}
}

// NoStore keeps caches from handing the response to somebody else (RFC 9111,
// section 5.2.2.5), whatever a handler has said. Some caches have headers of
// their own, which they put first (RFC 9213); these go. A handler may have
// written any of them in another spelling, which net/http sends as it is.
func NoStore(h http.Header) {
	for name := range h {
		if speaksToCaches(name) {
			delete(h, name)
		}
	}
	h["Cache-Control"] = []string{"no-store"}
}

func speaksToCaches(name string) bool {
	const suffix = "cache-control"
	if at := len(name) - len(suffix); at >= 0 && strings.EqualFold(name[at:], suffix) {
		return true
	}
	for _, other := range [...]string{"surrogate-control", "edge-control", "x-accel-expires", "expires"} {
		if strings.EqualFold(name, other) {
			return true
		}
	}
	return false
}

// Challenge sets the field WWW-Authenticate, unless the application has its
// own.
func Challenge(h http.Header, text string) {
	for name := range h {
		if strings.EqualFold(name, "www-authenticate") {
			return
		}
	}
	h["Www-Authenticate"] = []string{text}
}

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
