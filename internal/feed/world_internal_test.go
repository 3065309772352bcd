package feed

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-sessionkit/sessionkit/models"
)

// plan is one simulation.
type plan struct {
	seed      uint64
	within    time.Duration
	length    time.Duration
	processes int
	// asksOnLag is LagAsk.
	asksOnLag bool
	// faulty: single statements fail, and there are outages and failovers.
	faulty bool
	// late: whatever is revoked is in a transaction that takes minutes, and is told once.
	late bool
	// cluster: the processes use servers of the database whose clocks differ.
	cluster bool
	users   int
	// endings is how often somebody is revoked, changes shows how often a role is.
	endings, changes, noise int
	// maxEntries, pageSize and maxOfOwner are small in some.
	maxEntries, pageSize, maxOfOwner int
	// plant puts a deliberate bug into each process.
	plant func(*process)
}

// world is a simulation that runs.
type world struct {
	plan
	db    *database
	began time.Time

	mu       sync.Mutex
	sessions []*simSession
	procs    []*process
	ids      map[identity]bool
	faults   []string
	requests sync.WaitGroup

	served, refused, asked, excused atomic.Int64
}

// simSession is a session of the simulation.
type simSession struct {
	handle, user string
	tokens       []*simToken
	// deadline is from when on no request may be served, as its revocation returned a
	// while ago; zero while it lives.
	deadline time.Time
}

// simToken is an access token.
type simToken struct {
	of       *simSession
	issuedAt int64
	// uncached: the token cache has no room for it.
	uncached bool

	mu    sync.Mutex
	memos map[*process]*Memo
	// role is the claim, which was found out at fetchedAt.
	role      int
	fetchedAt int64
}

// process is one of those that serve.
type process struct {
	*world
	name   int
	feed   *Feed
	server time.Duration
	source Source
	run    func(context.Context)
	skew   atomic.Int64
	// tamper does what a bug would have done by now.
	tamper func()
	up     atomic.Bool
}

func (p *process) wall() time.Time { return time.Now().Add(time.Duration(p.skew.Load())) }

func (w *world) violation(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.faults) < 20 {
		w.faults = append(w.faults, fmt.Sprintf("%v: ", time.Since(w.began))+fmt.Sprintf(format, args...))
	}
}

// simulate runs a plan and returns what was wrong.
func simulate(t *testing.T, p plan) (w *world) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(p.seed, 0))
		w = &world{plan: p, began: time.Now(), ids: map[identity]bool{}}
		w.db = newDatabase(upTo(rng, 20*time.Minute) - 10*time.Minute)
		if p.faulty {
			w.breakDown(rng)
		}
		ctx, cancel := context.WithCancel(t.Context())
		for user := range p.users {
			for range 1 + rng.IntN(4) {
				w.signIn(fmt.Sprint("user", user))
			}
		}
		// Some were revoked before the processes began.
		for i := range 4 {
			go w.endSomebody(rand.New(rand.NewPCG(p.seed, uint64(1e6+i))))
		}
		time.Sleep(10 * time.Minute)
		for i := range p.processes {
			w.start(ctx, i, rand.New(rand.NewPCG(p.seed, uint64(1+i))))
		}
		w.live(rng)
		time.Sleep(p.length)
		synctest.Wait()
		w.requests.Wait()
		// Late, but never lost.
		w.db.calm.Store(true)
		time.Sleep(p.within*40 + time.Minute)
		w.atLast()
		cancel()
		synctest.Wait()
	})
	return w
}

// breakDown plans outages, some of which end with another server, whose clock is up to
// a minute away from that of the others.
func (w *world) breakDown(rng *rand.Rand) {
	for range 3 {
		from := time.Duration(rng.Int64N(int64(w.length*9/10))) + 10*time.Minute
		length := upTo(rng, 30*time.Second)
		w.db.outages = append(w.db.outages, outage{w.began.Add(from), w.began.Add(from + length), rng.IntN(2) == 0})
		if rng.IntN(2) == 0 && !w.cluster {
			skew := w.db.skew + time.Duration(rng.Int64N(int64(time.Minute)))
			time.AfterFunc(from+length/2, func() { w.db.jump(skew) })
		}
	}
}

func (w *world) signIn(user string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := &simSession{handle: fmt.Sprintf("session%d", len(w.sessions)), user: user}
	w.sessions = append(w.sessions, s)
}

// start begins a process.
func (w *world) start(ctx context.Context, name int, rng *rand.Rand) {
	p := &process{world: w, name: name, tamper: func() {}}
	if w.cluster {
		p.server = time.Duration(rng.Int64N(int64(time.Minute)))
	}
	p.source = &connection{w.db, p.server, rng, w.within, w.faulty}
	p.skew.Store(rng.Int64N(int64(time.Minute)) - int64(30*time.Second))
	switch name { // these two are a minute apart
	case 0:
		p.skew.Store(int64(30 * time.Second))
	case 1:
		p.skew.Store(-int64(30 * time.Second))
	default: // NTP steps this one
		stepped := rng.Int64N(int64(time.Minute)) - int64(30*time.Second)
		time.AfterFunc(w.length/2, func() { p.skew.Store(stepped) })
	}
	r := defaultRules()
	r.pageSize, r.maxOfOwner, r.lookback = w.pageSize, w.maxOfOwner, 6*time.Minute
	p.feed = newFeed(sourceOf{p}, Config{
		Within: w.within, MaxEntries: w.maxEntries,
		Now:    p.wall,
		OnPoll: func(context.Context, error, bool) {}, OnNews: func() {},
	}, r)
	p.run = p.feed.Run
	if w.plant != nil {
		w.plant(p)
	}
	w.mu.Lock()
	w.procs = append(w.procs, p)
	w.mu.Unlock()
	// Most begin now, the last one in the middle.
	delay := upTo(rng, w.within)
	if name == w.processes-1 && name > 0 {
		delay = upTo(rng, w.length/2)
	}
	go func() {
		time.Sleep(delay)
		for !p.begin(ctx) {
			time.Sleep(time.Second)
		}
		p.tamper()
		p.up.Store(true)
		p.run(ctx)
	}()
}

func (p *process) begin(ctx context.Context) (ok bool) {
	defer func() { _ = recover() }()
	ctx, cancel := context.WithTimeout(ctx, p.within)
	defer cancel()
	return p.feed.Start(ctx) == nil
}

// sourceOf is what a process reads, which a planted bug may replace.
type sourceOf struct{ *process }

func (s sourceOf) ReadFeed(ctx context.Context, q models.FeedQuery) (models.FeedPage, error) {
	s.tamper()
	return s.source.ReadFeed(ctx, q)
}

// live has everything happen that does, at random moments.
func (w *world) live(rng *rand.Rand) {
	some := func(n int, stream uint64, do func(*rand.Rand)) {
		for i := range n {
			own := rand.New(rand.NewPCG(w.seed, stream<<32+uint64(i)))
			after := upTo(rng, w.length*8/10)
			w.requests.Go(func() {
				time.Sleep(after)
				do(own)
			})
		}
	}
	some(w.endings, 1, w.endSomebody)
	some(w.changes, 2, w.changeRole)
	some(w.noise, 3, w.makeNoise)
	some(w.users, 4, func(rng *rand.Rand) { w.signIn(fmt.Sprint("user", rng.IntN(w.users))) })
}

// anyProcess is one that is up, or nil.
func (w *world) anyProcess(rng *rand.Rand) *process {
	w.mu.Lock()
	defer w.mu.Unlock()
	var up []*process
	for _, p := range w.procs {
		if p.up.Load() {
			up = append(up, p)
		}
	}
	if len(up) == 0 {
		return nil
	}
	return up[rng.IntN(len(up))]
}

// issue makes a token of a session that lives.
func (w *world) issue(rng *rand.Rand, s *simSession) *simToken {
	now := time.Now().Add(time.Duration(rng.Int64N(int64(time.Minute))) - 30*time.Second)
	if p := w.anyProcess(rng); p != nil {
		now = p.wall()
	}
	if w.db.locked(s.handle) {
		return nil
	}
	tok := &simToken{
		of: s, issuedAt: now.Unix() * 1000, uncached: rng.IntN(5) == 0, memos: map[*process]*Memo{},
		role: w.db.role(s.user), fetchedAt: now.UnixMilli(),
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	s.tokens = append(s.tokens, tok)
	return tok
}

// write tells the others, and is back when that is committed.
func (w *world) write(rng *rand.Rand, p *process, h models.Hint, commit time.Duration) {
	h = w.named(rng, h)
	server := time.Duration(0)
	if p != nil {
		p.feed.Apply(h)
		server = p.server
	}
	w.db.write(h, server, commit)
}

// named gives a hint its id. Ids are few, so that subjects share them; but two hints
// about one do not.
func (w *world) named(rng *rand.Rand, h models.Hint) models.Hint {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		binary.BigEndian.PutUint64(h.ID[:], rng.Uint64N(100))
		if id := (identity{h.ID, h.Kind, h.Subject}); !w.ids[id] {
			w.ids[id] = true
			return h
		}
	}
}

// those picks victims and the hint about them.
func (w *world) those(rng *rand.Rand) (models.Hint, []*simSession) {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := w.sessions[rng.IntN(len(w.sessions))]
	switch dice := rng.Float64(); {
	case dice < 0.6:
		h := models.Hint{Kind: models.HintSession, Subject: one.handle}
		if rng.IntN(4) > 0 {
			h.Owner = one.user
		}
		return h, []*simSession{one}
	case dice < 0.98 || time.Since(w.began) < w.length/2:
		return models.Hint{Kind: models.HintUser, Subject: one.user}, w.of(one.user)
	default:
		return models.Hint{Kind: models.HintAll}, append([]*simSession(nil), w.sessions...)
	}
}

func (w *world) of(user string) (list []*simSession) {
	for _, s := range w.sessions {
		if s.user == user {
			list = append(list, s)
		}
	}
	return list
}

// endSomebody revokes, in one of the ways that there are, and looks who is served.
func (w *world) endSomebody(rng *rand.Rand) {
	hint, victims := w.those(rng)
	writer := w.anyProcess(rng)
	for _, s := range victims[:min(len(victims), 6)] {
		for range 1 + rng.IntN(2) {
			w.issue(rng, s)
		}
		w.use(rng, s)
	}
	time.Sleep(upTo(rng, time.Second))
	back := w.within
	switch dice := rng.IntN(10); {
	case dice < 7 && !w.late:
		victims = w.revoke(rng, writer, hint, victims)
	case dice < 9:
		var told bool
		if victims, told = w.revokeInTransaction(rng, writer, hint, victims); !told {
			back += time.Hour // it is found late
		}
	default: // nobody ends: an attempt that failed
		w.write(rng, writer, hint, 0)
		return
	}
	w.mu.Lock()
	for _, s := range victims {
		if due := time.Now().Add(back); s.deadline.IsZero() || due.Before(s.deadline) {
			s.deadline = due
		}
	}
	w.mu.Unlock()
	time.Sleep(w.within)
	victims = victims[:min(len(victims), 8)]
	w.useEverywhere(victims...)
	for _, later := range []time.Duration{4 * time.Minute, w.length / 2} {
		time.Sleep(upTo(rng, later))
		w.useEverywhere(victims...)
	}
}

// revoke writes the hint and, up to a minute after it began, the rows. Tokens are made
// until then.
func (w *world) revoke(rng *rand.Rand, by *process, hint models.Hint, victims []*simSession) []*simSession {
	commit, row := upTo(rng, 50*time.Millisecond), upTo(rng, 50*time.Millisecond)
	if rng.IntN(5) == 0 {
		commit = upTo(rng, 25*time.Second)
	}
	if rng.IntN(2) == 0 {
		row = upTo(rng, 59*time.Second-commit)
	}
	w.write(rng, by, hint, commit)
	for range 3 {
		w.issueSome(rng, victims)
		time.Sleep(row / 3)
	}
	w.issueSome(rng, victims)
	return w.endAll(victims, 0)
}

// revokeInTransaction locks the rows and writes the hint; both are visible when the
// application commits. told is false when that was late and the process is gone by then,
// so that nobody tells it again.
func (w *world) revokeInTransaction(rng *rand.Rand, by *process, hint models.Hint, victims []*simSession) (done []*simSession, told bool) {
	told = true
	commit := upTo(rng, 25*time.Second)
	if w.late || rng.IntN(3) == 0 {
		commit, told = upTo(rng, 14*time.Minute), false
	}
	done = w.endAll(victims, commit)
	w.write(rng, nil, hint, commit)
	if !w.late && rng.IntN(2) == 0 {
		w.write(rng, by, hint, upTo(rng, 50*time.Millisecond))
		told = true
	}
	return done, told
}

// upTo is a random time below limit.
func upTo(rng *rand.Rand, limit time.Duration) time.Duration {
	return time.Duration(rng.Int64N(int64(limit)))
}

// endAll ends those that nobody else is ending more slowly.
func (w *world) endAll(victims []*simSession, after time.Duration) (done []*simSession) {
	for _, s := range victims {
		if w.db.end(s.handle, after) {
			done = append(done, s)
		}
	}
	return done
}

func (w *world) issueSome(rng *rand.Rand, list []*simSession) {
	for _, s := range list[:min(len(list), 6)] {
		if rng.IntN(2) == 0 {
			w.issue(rng, s)
		}
	}
}

// makeNoise writes hints about sessions that live on.
func (w *world) makeNoise(rng *rand.Rand) {
	w.mu.Lock()
	s := w.sessions[rng.IntN(len(w.sessions))]
	w.mu.Unlock()
	w.issue(rng, s)
	w.use(rng, s)
	hint := models.Hint{Kind: models.HintSession, Subject: s.handle, Owner: s.user}
	w.write(rng, w.anyProcess(rng), hint, 0)
}

// use has requests come for some minutes.
func (w *world) use(rng *rand.Rand, s *simSession) {
	for range 2 {
		stream := rand.New(rand.NewPCG(rng.Uint64(), 0))
		w.requests.Go(func() {
			for range 12 {
				time.Sleep(time.Duration(stream.ExpFloat64() * float64(12*time.Second)))
				w.mu.Lock()
				tokens := append([]*simToken(nil), s.tokens...)
				w.mu.Unlock()
				p := w.anyProcess(stream)
				if p == nil || len(tokens) == 0 {
					continue
				}
				p.serve(tokens[stream.IntN(len(tokens))], time.Duration(stream.Int64N(int64(30*time.Millisecond))))
			}
		})
	}
}

// useEverywhere shows all tokens of sessions to all processes, now.
func (w *world) useEverywhere(sessions ...*simSession) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range sessions {
		for _, tok := range s.tokens {
			for _, p := range w.procs {
				if p.up.Load() {
					w.requests.Go(func() { p.serve(tok, time.Millisecond) })
				}
			}
		}
	}
}

// atLast checks what holds when everything is quiet.
func (w *world) atLast() {
	for _, p := range w.procs {
		if lag := p.feed.Lag(); lag > w.within {
			w.violation("process %d lags %v although the database answers", p.name, lag)
		}
	}
	for _, s := range w.sessions {
		if s.deadline.IsZero() {
			continue
		}
		w.mu.Lock()
		s.deadline = time.Now()
		w.mu.Unlock()
		w.useEverywhere(s)
	}
	w.requests.Wait()
}
