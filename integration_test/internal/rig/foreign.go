package rig

import (
	"context"
	"math/rand/v2"
	"net/http"
)

// foreignPage is open in an honest user's browser and asks for requests in that user's
// name, as fast as it can and without waiting for anybody's turn.
type foreignPage struct {
	victim *person
	origin string
	site   Site
	random *rand.Rand
}

// foreignPages are one of another site and one of a sibling host, each with three requests
// under way.
func (b *person) foreignPages(random func() *rand.Rand) (pages []*foreignPage) {
	for range 3 {
		pages = append(pages,
			&foreignPage{b, "https://evil.example.net", CrossSite, random()},
			&foreignPage{b, "https://evil.example.com", SameSite, random()})
	}
	return pages
}

func (p *foreignPage) live(ctx context.Context) {
	for pause(ctx, p.random, p.victim.crowd.cfg.Pace/2) {
		p.act(ctx)
	}
}

// attempts are what a page can ask for without the application's consent.
var attempts = []struct{ name, method, path string }{
	{"refresh", http.MethodPost, RefreshPath},
	{"sign-out", http.MethodPost, SignOutPath},
	{"sign-in", http.MethodPost, "/login?user=mallory"},
	{"write", http.MethodPut, "/data?value=%22mallory%22"},
	{"handshake", http.MethodGet, "/me"},
	{"image", http.MethodGet, "/me"},
}

// act is one fetch with mode no-cors and credentials included. Its answer is not for the
// page, but what it sets is for the browser.
func (p *foreignPage) act(ctx context.Context) {
	b, tally := p.victim, p.victim.crowd.tally
	attempt := attempts[p.random.IntN(len(attempts))]
	b.gate.RLock()
	r, account := b.jar.RequestOf(p.page(attempt.name), attempt.method, attempt.path), b.current
	b.gate.RUnlock()
	reply := b.crowd.exchange(ctx, b.instances[p.random.IntN(len(b.instances))], r)
	b.gate.RLock()
	b.jar.TakeOf(p.site, reply)
	b.gate.RUnlock()
	if account != nil {
		account.received(reply)
	}
	event := string(p.site) + " " + attempt.name
	if r.Access != "" || r.Refresh != "" {
		event += " with cookies"
	}
	tally.attacked(event)
	_, tokens := reply.Tokens()
	switch {
	case attempt.name == "image": // a GET changes nothing, whoever asks
		b.checkUser(r, reply)
	case reply.Answer() == OK || tokens != "" || len(reply.Header["Set-Cookie"]) > 0:
		tally.reached("a %s page had an answer %d to its %s %s in the name of %s", p.site, reply.Status, r.Method, r.Path, account)
	}
}

// page is what the browser adds for such a request. Older ones know no Fetch metadata, and
// a page that hides itself has the origin null.
func (p *foreignPage) page(attempt string) Page {
	h := http.Header{}
	get := attempt == "image" || attempt == "handshake"
	if attempt == "handshake" {
		h.Set("Connection", "Upgrade")
		h.Set("Upgrade", "websocket")
		h.Set("Sec-Websocket-Version", "13")
	}
	if attempt != "image" {
		h.Set("Origin", p.origin)
	}
	switch p.random.IntN(3) {
	case 0: // Origin alone
	case 1:
		if attempt != "image" {
			h.Set("Origin", "null")
		}
		fallthrough
	default:
		if attempt != "handshake" { // which not all browsers send it with
			h.Set("Sec-Fetch-Site", string(p.site))
			h.Set("Sec-Fetch-Mode", "no-cors")
		}
	}
	if types := []string{"", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"}; !get {
		if t := types[p.random.IntN(len(types))]; t != "" {
			h.Set("Content-Type", t)
		}
	}
	return Page{Site: p.site, Header: h}
}

// checkUser: whoever is answered is the browser's own user. One whose sign-out may have
// worked though its answer was lost is a visitor to the application, whom planted tokens
// sign in, unless the cookies' names have prefixes: that is not asserted.
func (b *person) checkUser(r Request, reply Reply) {
	if b.crowd.cfg.Prefixed || !b.mayBeOut() {
		b.mustBeUser(r, reply)
	}
}

func (b *person) mustBeUser(r Request, reply Reply) {
	if reply.Answer() != OK {
		return
	}
	access, _ := reply.Tokens()
	for _, user := range []string{ReadClaims(access).User, reply.User()} {
		if user != "" && user != b.user {
			b.crowd.tally.add(func(n *Numbers) { n.Strangers++ })
			b.crowd.tally.fail("%s %s of %s acted as %s", r.Method, r.Path, b.user, user)
		}
	}
}

// mayBeOut reports whether the user has tried to sign out, with an unknown outcome.
func (b *person) mayBeOut() (out bool) {
	if b.current != nil {
		b.current.locked(func() { out = b.current.ended })
	}
	return out
}
