package rig

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"
)

// thief copies a browser's jar and uses it.
type thief struct {
	browser *browser
	kind    string
	random  *rand.Rand
	jar     *Jar
	account *account
	copied  string    // the victim's refresh token when it was copied
	at      time.Time // when that was
}

// live copies the tokens at some time and works with them until the session is
// over; then it copies again.
func (th *thief) live(ctx context.Context) {
	pace := 2 * th.browser.crowd.cfg.Pace
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
		if th.jar != nil && th.ready() {
			th.use(ctx)
		}
	}
}

// every is how often a poller copies the jar.
func (th *thief) every() time.Duration {
	if th.browser.strict {
		return 300 * time.Millisecond
	}
	return th.browser.crowd.cfg.Poll
}

// steal copies the jar of a session, once more if it is the one that this thief
// lives on. Whoever has the victim's newest tokens is no branch of its own yet,
// so the victim's refreshes count anew.
func (th *thief) steal() {
	b := th.browser
	b.gate.RLock()
	defer b.gate.RUnlock()
	again := th.jar != nil && b.current == th.account
	if b.jar.Refresh() == "" || b.current == nil || !again && b.current.expectsEnd() {
		th.jar = nil
		return
	}
	th.jar, th.account, th.copied, th.at = b.jar.Copy(), b.current, b.jar.Refresh(), time.Now()
	if again {
		b.crowd.tally.add(func(n *Numbers) { n.Polls++ })
		th.account.locked(func() { th.account.victimRefreshes = 0 })
	}
}

// ready reports whether this kind of thief acts now.
func (th *thief) ready() bool {
	switch th.kind {
	case "lazy":
		return th.browser.jar.Refresh() != th.copied
	case "replay":
		return ReadClaims(th.browser.jar.Access()).Gen >= ReadClaims(th.jar.Access()).Gen+2 || th.account.expectsEnd()
	}
	return true
}

// use is one refresh, unless the thief never does that, and one request.
func (th *thief) use(ctx context.Context) {
	th.account.locked(func() { th.account.stolen = true })
	if th.kind != "access only" && !th.refresh(ctx) {
		return
	}
	answer := th.send(ctx, th.jar.Request(http.MethodGet, "/me"))
	if answer == OK && th.kind != "access only" {
		th.account.locked(func() { th.account.forked = true })
	}
	if answer.Over() || answer == TryRefresh && th.kind == "access only" {
		th.jar = nil
	}
}

func (th *thief) refresh(ctx context.Context) bool {
	r := th.jar.Request(http.MethodPost, RefreshPath)
	answer := th.send(ctx, r)
	if answer.Over() || r.Refresh == "" {
		th.jar = nil
	}
	return answer == OK
}

func (th *thief) send(ctx context.Context, r Request) Answer {
	b := th.browser
	reply := b.crowd.exchange(ctx, b.instances[th.random.IntN(len(b.instances))], r)
	th.jar.Take(reply)
	th.account.received(reply)
	if reply.Answer() == Theft {
		th.account.locked(func() { th.account.forked, th.account.flagged = true, true })
	}
	return reply.Answer()
}

// settle goes on, with healthy databases, until a theft must have come to light:
// victim and thief take turns, a few refreshes each.
func (c *Crowd) settle(ctx context.Context) {
	c.cfg.Loss = 0
	random := rand.New(rand.NewPCG(c.seed, 1<<32))
	for range 3 {
		for _, b := range c.browsers {
			if b.current == nil || b.current.expectsEnd() || b.jar.Refresh() == "" {
				continue
			}
			b.refreshNow(ctx, random)
			b.call(ctx, http.MethodGet, "/me", random)
		}
		for _, th := range c.thieves {
			th.settle(ctx, random)
		}
	}
}

func (th *thief) settle(ctx context.Context, random *rand.Rand) {
	b := th.browser
	if b.current != nil && b.current.expectsEnd() && b.jar.Refresh() != "" {
		b.refreshNow(ctx, random)
		b.call(ctx, http.MethodGet, "/me", random)
	}
	if th.jar != nil && th.account.expectsEnd() && th.kind != "access only" {
		th.use(ctx)
	}
	time.Sleep(time.Millisecond) // issue times of the two differ
}
