package rig

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"
)

// thief copies a browser's jar and uses it.
type thief struct {
	victim  *person
	kind    string
	random  *rand.Rand
	jar     *Jar
	account *account
	copied  string    // the victim's refresh token when it was copied
	at      time.Time // when that was
	own     bool      // the jar has had a refresh token that the victim has not
}

// live copies the tokens at some time and works with them until the session is
// over; then it copies again.
func (th *thief) live(ctx context.Context) {
	pace := 2 * th.victim.crowd.cfg.Pace
	for pause(ctx, th.random, pace) {
		if th.jar == nil {
			if th.random.IntN(8) == 0 {
				th.steal()
			}
			continue
		}
		if th.kind == "poller" && time.Since(th.at) >= th.every() {
			th.steal()
		}
		if th.jar != nil && !th.victim.crowd.truce.Load() && th.ready() {
			th.use(ctx)
		}
	}
}

// every is how often a poller copies the jar: in window mode, twice in each window.
func (th *thief) every() time.Duration {
	if th.victim.strict {
		return 300 * time.Millisecond
	}
	return th.victim.crowd.cfg.Concurrent / 2
}

// steal copies the jar of a session, once more if it is the one that this thief
// lives on. Whoever has the victim's newest tokens is no branch of its own yet,
// so the victim's refreshes count anew.
func (th *thief) steal() {
	b := th.victim
	b.gate.RLock()
	defer b.gate.RUnlock()
	again := th.jar != nil && b.current == th.account
	if b.jar.Refresh() == "" || b.current == nil || !again && b.current.expectsEnd() {
		th.jar = nil
		return
	}
	th.jar, th.account, th.copied, th.at, th.own = b.jar.Copy(), b.current, b.jar.Refresh(), time.Now(), false
	if again {
		b.crowd.tally.add(func(n *Numbers) { n.Polls++ })
		th.account.locked(func() { th.account.refreshed = nil })
	}
}

// ready reports whether this kind of thief acts now.
func (th *thief) ready() bool {
	switch th.kind {
	case "lazy":
		return th.victim.jar.Refresh() != th.copied
	case "replay":
		return ReadClaims(th.victim.jar.Access()).Gen >= ReadClaims(th.jar.Access()).Gen+2 || th.account.expectsEnd()
	}
	return true
}

// use is one refresh, unless the thief never does that, and one request. Whoever has
// a token that was made for the thief alone is a branch of its own as soon as that
// request is served.
func (th *thief) use(ctx context.Context) {
	th.account.locked(func() { th.account.stolen = true })
	if th.kind != "access only" && !th.refresh(ctx) {
		return
	}
	answer := th.send(ctx, th.jar.Request(http.MethodGet, "/me"))
	if answer == OK && th.own {
		th.account.locked(func() { th.account.forked = true })
	}
	if answer.Over() || answer == TryRefresh && th.kind == "access only" {
		th.jar = nil
	}
}

func (th *thief) refresh(ctx context.Context) bool {
	r := th.jar.Request(http.MethodPost, RefreshPath)
	answer, rotated := th.exchange(ctx, r)
	th.own = th.own || rotated
	if answer.Over() || r.Refresh == "" {
		th.jar = nil
	}
	return answer == OK
}

func (th *thief) send(ctx context.Context, r Request) Answer {
	answer, _ := th.exchange(ctx, r)
	return answer
}

// exchange sends r, and reports whether the answer brought another refresh token.
func (th *thief) exchange(ctx context.Context, r Request) (answer Answer, rotated bool) {
	b := th.victim
	reply := b.crowd.exchange(ctx, b.instances[th.random.IntN(len(b.instances))], r)
	th.jar.Take(reply)
	th.account.received(reply)
	if reply.Answer() == Theft {
		th.account.locked(func() { th.account.forked, th.account.flagged = true, true })
	}
	return reply.Answer(), reply.rotated(r)
}

// settle goes on, with healthy databases, until every theft must have come to light:
// thieves and victims take turns, never two of them in one window.
func (c *Crowd) settle(ctx context.Context) {
	c.cfg.Loss = 0
	random := rand.New(rand.NewPCG(c.seed, 1<<32))
	for _, b := range c.people {
		if b.current != nil && !b.current.expectsEnd() {
			b.goesOn(ctx, random)
		}
	}
	for turns := 0; turns < 3 && slices.ContainsFunc(c.thieves, (*thief).isAtLarge); turns++ {
		c.outlastWindow()
		for _, th := range c.thieves {
			if th.isAtLarge() {
				th.use(ctx)
			}
		}
		c.outlastWindow()
		for _, th := range c.thieves {
			if b := th.victim; b.current != nil && b.current.expectsEnd() {
				b.goesOn(ctx, random)
			}
		}
	}
}

// isAtLarge: it has used what it copied, may refresh, and nobody was told of it yet.
func (th *thief) isAtLarge() bool {
	if th.jar == nil || th.kind == "access only" {
		return false
	}
	th.account.mu.Lock()
	defer th.account.mu.Unlock()
	return th.account.stolen && !th.account.flagged
}

// outlastWindow waits until no token is young and no two tokens are siblings any more.
// The issue times of two turns differ in strict mode too.
func (c *Crowd) outlastWindow() {
	pause := time.Millisecond
	if len(c.cfg.Window) > 0 {
		pause += c.cfg.Concurrent
	}
	time.Sleep(pause)
	c.tally.resume()
}

// goesOn is one refresh and one request.
func (b *person) goesOn(ctx context.Context, random *rand.Rand) {
	if b.jar.Refresh() == "" {
		return
	}
	b.refreshNow(ctx, random)
	b.call(ctx, http.MethodGet, "/me", random)
}
