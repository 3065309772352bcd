package rig

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// person is an honest user with a browser: one jar, several tabs.
type person struct {
	crowd  *Crowd
	user   string
	tabs   int
	strict bool // its instances are
	lock   bool // its tabs take turns to refresh
	native bool
	// paper is a browser without scripts: it follows redirects, and that is all.
	paper     bool
	naive     bool // refreshes at any 401 without looking whether another request did
	instances []string
	randoms   []*rand.Rand // one for each tab; a naive client has two for one tab
	jar       *Jar

	// gate is held shared by messages and alone by sign-in and sign-out, because
	// answers of one session must not meet the tokens of the next.
	gate    sync.RWMutex
	current *account
	turn    sync.Mutex
	writes  int
	unknown []string // writes of data whose fate is unknown
}

// live is the life of a tab.
func (b *person) live(ctx context.Context, tab int) {
	random := b.randoms[tab]
	for pause(ctx, random, b.crowd.cfg.Pace) {
		b.act(ctx, tab, random)
	}
}

func pause(ctx context.Context, random *rand.Rand, mean time.Duration) bool {
	timer := time.NewTimer(mean/2 + time.Duration(random.Int64N(int64(mean))))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// act is one thing that the page does, with the refresh that it may take.
func (b *person) act(ctx context.Context, tab int, random *rand.Rand) {
	if b.jar.Refresh() == "" {
		b.signIn(ctx, random)
		return
	}
	if b.paper {
		b.walk(ctx, random)
		return
	}
	dice := random.IntN(1000)
	switch {
	case tab == 0 && dice < 150:
		b.write(ctx, random)
		return
	case tab == 0 && dice < 160 && !b.crowd.cfg.NoSignOut:
		b.signOut(ctx, random)
		return
	}
	if b.lock && random.Float64() < b.crowd.cfg.Eager {
		b.gate.RLock()
		defer b.gate.RUnlock()
		b.refresh(ctx, b.jar.Access(), random)
		return
	}
	if b.naive {
		b.page(ctx)
		return
	}
	path := "/me"
	if dice > 940 {
		path = "/strict"
	}
	b.call(ctx, http.MethodGet, path, random)
}

// page is what a naive client loads: two requests at once.
func (b *person) page(ctx context.Context) {
	b.gate.RLock()
	defer b.gate.RUnlock()
	var both sync.WaitGroup
	for _, random := range b.randoms {
		both.Go(func() { b.callHeld(ctx, http.MethodGet, "/me", random) })
	}
	both.Wait()
}

// call sends a request and, if the session must be refreshed first, does that.
// Whatever fails is tried again by the next call.
func (b *person) call(ctx context.Context, method, path string, random *rand.Rand) {
	b.gate.RLock()
	defer b.gate.RUnlock()
	b.callHeld(ctx, method, path, random)
}

// callHeld is call for who holds the gate.
func (b *person) callHeld(ctx context.Context, method, path string, random *rand.Rand) Answer {
	r := b.jar.Request(method, path)
	if r.Access == "" && r.Refresh == "" && b.jar.Refresh() == "" {
		return Lost
	}
	answer := b.send(ctx, r, random)
	if answer != TryRefresh && answer != Unauthorised {
		return answer
	}
	b.refresh(ctx, r.Access, random)
	return answer
}

// refresh asks for new tokens, unless another tab has them already and the
// client is one that looks.
func (b *person) refresh(ctx context.Context, refused string, random *rand.Rand) {
	if b.lock {
		b.turn.Lock()
		defer b.turn.Unlock()
	}
	if b.jar.Access() != refused {
		if !b.naive {
			return
		}
		b.crowd.tally.add(func(n *Numbers) { n.Blind++ })
	}
	b.refreshNow(ctx, random)
}

func (b *person) refreshNow(ctx context.Context, random *rand.Rand) {
	r := b.jar.Request(http.MethodPost, RefreshPath)
	if r.Refresh == "" {
		return
	}
	b.send(ctx, r, random)
}

// send carries a message over a lossy network and takes the answer in.
func (b *person) send(ctx context.Context, r Request, random *rand.Rand) Answer {
	reply, arrived := b.sendFor(ctx, r, random)
	if !arrived {
		return Lost
	}
	return reply.Answer()
}

// sendFor is send for who wants to see the reply, if there is one.
func (b *person) sendFor(ctx context.Context, r Request, random *rand.Rand) (reply Reply, arrived bool) {
	dice := random.Float64()
	if dice < b.crowd.cfg.Loss/2 {
		return Reply{}, false
	}
	if random.Float64() < b.crowd.cfg.Aborts {
		b.crowd.abort(ctx, b.instances[random.IntN(len(b.instances))], r, random)
		return Reply{}, false
	}
	reply = b.crowd.exchange(ctx, b.instances[random.IntN(len(b.instances))], r)
	if dice < b.crowd.cfg.Loss || reply.Answer() == Lost {
		return Reply{}, false
	}
	b.take(r, reply)
	return reply, true
}

// take stores what came and judges it.
func (b *person) take(r Request, reply Reply) {
	cleared := b.jar.Take(reply)
	answer, tally, account := reply.Answer(), b.crowd.tally, b.current
	account.received(reply)
	if reply.rotated(r) {
		account.locked(func() {
			if account.forked && !slices.Contains(account.refreshed, r.Refresh) {
				account.refreshed = append(account.refreshed, r.Refresh)
			}
		})
	}
	b.checkUser(r, reply)
	tally.attacked(r.plants()...)
	tally.attacked(r.withstood(answer)...)
	if answer == TryRefresh && !account.expectsEnd() {
		tally.add(func(n *Numbers) { n.Refused++ })
	}
	carried := r.Access != "" || r.Refresh != ""
	if cleared && !answer.Over() && r.Path != SignOutPath {
		tally.fail("INV6: %s %s answered %s and cleared the tokens of %s", r.Method, r.Path, answer, account)
	}
	if r.isAmbiguous(reply) {
		tally.add(func(n *Numbers) { n.Blocked++ })
	}
	if !answer.Over() || !carried {
		return
	}
	if !cleared && r.hasRival() && !b.crowd.cfg.Prefixed {
		tally.add(func(n *Numbers) { n.Blocked++ })
		return
	}
	account.locked(func() { account.flagged = true })
	if !account.expectsEnd() {
		tally.add(func(n *Numbers) { n.Logouts++ })
		tally.fail("INV1: %s %s answered %s to an honest user: %s", r.Method, r.Path, answer, account)
	}
}

// signIn starts a new session, alone.
func (b *person) signIn(ctx context.Context, random *rand.Rand) {
	b.gate.Lock()
	defer b.gate.Unlock()
	if b.jar.Refresh() != "" {
		return
	}
	b.visit(ctx, random)
	r := b.jar.Request(http.MethodPost, "/login?user="+b.user)
	reply := b.crowd.exchange(ctx, b.instances[random.IntN(len(b.instances))], r)
	if reply.Answer() != OK {
		return
	}
	b.jar.Take(reply)
	b.mustBeUser(r, reply)
	b.crowd.tally.attacked(r.plants()...)
	// Not the jar's: a machine that has too much to do may get a token of seconds when it
	// has expired.
	access, _ := reply.Tokens()
	b.current = &account{handle: ReadClaims(access).Handle, written: []string{""}}
	b.current.received(reply)
	b.unknown = nil
	b.crowd.tally.opened(b.current)
}

// visit is a front end that looks for a session where there is none of the user's. With names
// that keep other hosts out there is none of anybody's.
func (b *person) visit(ctx context.Context, random *rand.Rand) {
	if !b.crowd.cfg.Prefixed || b.native {
		return
	}
	r := b.jar.Request(http.MethodPost, RefreshPath)
	if len(r.Plants) == 0 {
		return
	}
	b.crowd.tally.attacked("visitor")
	reply := b.crowd.exchange(ctx, b.instances[random.IntN(len(b.instances))], r)
	b.jar.Take(reply)
	if access, refresh := reply.Tokens(); access != "" || refresh != "" {
		b.crowd.tally.reached("%s was signed in as %s", b.user, ReadClaims(access).User)
	}
}

// signOut ends the session, alone.
func (b *person) signOut(ctx context.Context, random *rand.Rand) {
	b.gate.Lock()
	defer b.gate.Unlock()
	if b.jar.Refresh() == "" {
		return
	}
	before := false // an earlier attempt, whose answer was lost, may have ended it
	b.current.locked(func() { before, b.current.ended = b.current.ended, true })
	switch b.send(ctx, b.jar.Request(http.MethodPost, SignOutPath), random) {
	case OK:
		b.current.locked(func() { b.current.revoked = true })
	case TryRefresh, Sent: // nothing was ended by this one
		b.current.locked(func() { b.current.ended = before })
	case Lost, Unauthorised, Theft, Unavailable, Other: // it may have been
	}
}

// write changes the session's data; only one tab does, so that the last
// acknowledged value is known.
func (b *person) write(ctx context.Context, random *rand.Rand) {
	b.gate.RLock()
	defer b.gate.RUnlock()
	account := b.current
	b.writes++
	value := fmt.Sprint("v", b.writes)
	account.tries(value)
	switch answer := b.callHeld(ctx, http.MethodPut, "/data?value="+value, random); answer {
	case OK:
		account.wrote(value, b.unknown)
	case Lost, Unavailable:
		b.unknown = append(b.unknown[max(0, len(b.unknown)-31):], value)
	case Unauthorised, Theft, TryRefresh, Sent, Other: // it was not written
	}
}

// abort sends a message and hangs up before or while the answer comes.
func (c *Crowd) abort(ctx context.Context, base string, r Request, random *rand.Rand) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Duration(random.Int64N(int64(c.cfg.Hurry)))+1)
	defer cancel()
	_, _ = c.client.Do(ctx, base, r)
}

// exchange sends one message and counts.
func (c *Crowd) exchange(ctx context.Context, base string, r Request) Reply {
	begin := time.Now()
	// The end of the crowd must not look like a fault: messages under way finish.
	reply, err := c.client.Do(context.WithoutCancel(ctx), base, r)
	if err != nil {
		reply = Reply{}
	}
	c.tally.exchanged(r, reply, err, begin)
	return reply
}

var thiefKinds = slices.Clip([]string{"instant", "lazy", "poller", "access only", "replay"})
