package feed

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/gin-sessionkit/sessionkit/models"
)

func (t *simToken) memo(p *process) *Memo {
	if t.uncached {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.memos[p] == nil {
		t.memos[p] = &Memo{}
	}
	return t.memos[p]
}

// serve is a request: the rule of session/feed.go, with the feed's part real.
func (p *process) serve(tok *simToken, latency time.Duration) {
	if p.wall().Sub(time.UnixMilli(tok.issuedAt)) > 24*time.Hour {
		return // it has expired
	}
	p.tamper()
	p.mu.Lock()
	deadline := tok.of.deadline
	p.mu.Unlock()
	late := !deadline.IsZero() && !time.Now().Before(deadline)
	lag := p.feed.Lag()
	blind := lag > p.within
	memo := tok.memo(p)
	q, asks := Question{}, p.asksOnLag && blind
	remembers := false
	if !asks {
		q, asks = p.feed.Asks(memo, tok.of.handle, tok.of.user, tok.issuedAt)
		remembers = asks
	}
	if asks {
		p.asked.Add(1)
		lives, ok := p.look(tok.of.handle, latency)
		switch {
		case !ok:
			return
		case !lives && p.db.lives(tok.of.handle):
			p.violation("%s is refused and lives", tok.of.handle)
			return
		case !lives:
			p.refused.Add(1)
			return
		case remembers:
			p.feed.Answered(memo, q)
		}
	}
	switch {
	case !late:
		p.served.Add(1)
	case blind && !p.asksOnLag:
		p.excused.Add(1)
	default:
		p.violation("process %d served %s of %s %v after the deadline, lag %v, asked %v, token of %v",
			p.name, tok.of.handle, tok.of.user, time.Since(deadline), lag, asks, time.UnixMilli(tok.issuedAt).Sub(p.began))
	}
}

// look is the SELECT of a request.
func (p *process) look(handle string, latency time.Duration) (lives, ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if p.db.travel(ctx, latency/2) != nil {
		return false, false
	}
	lives = p.db.lives(handle)
	return lives, p.db.travel(ctx, latency/2) == nil
}

// changeRole changes a user's role, and looks whether it shows.
func (w *world) changeRole(rng *rand.Rand) {
	w.mu.Lock()
	s := w.sessions[rng.IntN(len(w.sessions))]
	w.mu.Unlock()
	if w.issue(rng, s) == nil {
		return
	}
	w.mu.Lock()
	tokens := append([]*simToken(nil), s.tokens...)
	w.mu.Unlock()
	idle := w.issue(rng, s) // nobody comes with it before the end
	stream := rand.New(rand.NewPCG(rng.Uint64(), 0))
	w.requests.Go(func() {
		for range 30 {
			time.Sleep(time.Duration(stream.ExpFloat64() * float64(8*time.Second)))
			if p := w.anyProcess(stream); p != nil {
				p.authorize(tokens[stream.IntN(len(tokens))], 0, time.Millisecond)
			}
		}
	})
	time.Sleep(time.Duration(rng.Int64N(int64(time.Minute))))
	wanted := w.db.promote(s.user)
	hint := models.Hint{Kind: models.HintClaims, Subject: s.user}
	w.write(rng, w.anyProcess(rng), hint, time.Duration(rng.Int64N(int64(25*time.Second))))
	judged := slices.Clone(tokens) // the others use their own list
	for _, pause := range []time.Duration{w.within, time.Minute, 2 * time.Minute, w.length} {
		time.Sleep(pause)
		if pause == w.length && idle != nil {
			judged = append(judged, idle)
		}
		w.mu.Lock()
		procs := append([]*process(nil), w.procs...)
		w.mu.Unlock()
		for _, p := range procs {
			for _, tok := range judged {
				if p.up.Load() {
					p.authorize(tok, wanted, 0)
				}
			}
		}
	}
}

// authorize is a request on a route with a claim that is fetched.
func (p *process) authorize(tok *simToken, wanted int, latency time.Duration) {
	p.tamper()
	blind := p.feed.Lag() > p.within
	now := p.wall().UnixMilli()
	before, q, ok := p.feed.Claims(tok.memo(p), tok.of.user, "role")
	tok.mu.Lock()
	role, fetchedAt := tok.role, tok.fetchedAt
	tok.mu.Unlock()
	if ok && fetchedAt < before.Latest().UnixMilli() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if p.db.travel(ctx, latency) != nil {
			return
		}
		role = p.db.role(tok.of.user)
		tok.mu.Lock()
		if fetchedAt >= tok.fetchedAt { // the client has the token that came last
			tok.role, tok.fetchedAt = role, now
			tok.memos = map[*process]*Memo{}
		}
		tok.mu.Unlock()
	}
	if ok {
		p.feed.Refetched(tok.memo(p), "role", q)
	}
	if role < wanted && !blind {
		p.violation("process %d shows role %d of %s, and it is %d", p.name, role, tok.of.user, wanted)
	}
}
