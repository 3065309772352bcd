package rig

import (
	"context"
	"math/rand/v2"
	"net/http"
)

// mostHops is when a browser says that a page redirects for ever.
const mostHops = 20

// walk opens a page or sends a form, and goes where it is sent. What gets lost on the
// way people ask for again, by the next walk.
func (b *person) walk(ctx context.Context, random *rand.Rand) {
	b.gate.RLock()
	defer b.gate.RUnlock()
	method, at := http.MethodGet, pagePath
	if random.IntN(4) == 0 {
		method = http.MethodPost
	}
	for range mostHops {
		r := b.pageRequest(method, at)
		if b.jar.Refresh() == "" {
			return // another tab was told that the session is over
		}
		reply, arrived := b.sendFor(ctx, r, random)
		if !arrived || reply.Answer() != Sent {
			return
		}
		if at = reply.Header.Get("Location"); reply.Status == http.StatusSeeOther {
			method = http.MethodGet
		}
	}
	b.crowd.tally.fail("%s redirects for ever: %s", at, b.current)
}

// pageRequest is what a browser says of itself when people ask for a page.
func (b *person) pageRequest(method, at string) Request {
	header := http.Header{
		"Sec-Fetch-Site": {string(SameOrigin)}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "Accept": {"text/html"},
	}
	if method == http.MethodPost {
		header.Set("Origin", "https://"+Host)
		header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return b.jar.RequestOf(Page{Site: SameOrigin, Header: header}, method, at)
}
