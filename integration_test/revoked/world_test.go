package revoked_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
)

// world is a database and the processes on it.
type world struct {
	db        *gorm.DB // of whoever looks after the accounts
	processes []*process
	// sessions is how many each user has; 0 = three.
	sessions int
	// hold is how long a transaction waits at most before it commits.
	hold time.Duration
	// breaks: connections to the database break all the time.
	breaks bool

	// quiet: nothing is broken on purpose.
	quiet bool

	took   time.Duration
	mu     sync.Mutex
	sum    verdict
	trials int
	kinds  map[string]int
}

// trial is the story of one user: signs in a few times, and one of the ways to end
// sessions is taken.
type trial struct {
	*world
	rng   *rand.Rand
	user  string
	lives []*life
	kind  string
}

// ending is a way to end sessions of a user. It returns those that it ends, whether it
// surely does, and does it.
type ending struct {
	name string
	// ends are the sessions that it ends, of the user's: the first, the others, all, none.
	ends func(*trial) []*life
	// act does it once.
	act func(*trial, *process) reply
	// silent: when the others cannot be told, the caller does not learn of that, or
	// cannot repeat it. They are told later.
	silent bool
}

func first(x *trial) []*life  { return x.lives[:1] }
func others(x *trial) []*life { return x.lives[1:] }
func all(x *trial) []*life    { return x.lives }
func none(*trial) []*life     { return nil }

// ordered is an ending by an order about the first session.
func ordered(name string, ends func(*trial) []*life, o order) ending {
	return ending{name: name, ends: ends, act: func(x *trial, p *process) reply {
		o := o
		o.User, o.Handle = x.user, x.lives[0].handle
		if o.Hold > 0 {
			o.Hold = x.upTo(x.hold)
		}
		return p.do(o)
	}}
}

// some is a hold that is to be drawn.
const some = 1

const (
	theft = "theft"
	// tooMany is a sign-in beyond the limit, where there is one: the oldest session ends.
	tooMany = "sign-in beyond the limit"
	// signedInBeside ends the session before if it can: the sign-in does not fail for that.
	signedInBeside = "sign-in beside it"
)

// endings are all ways, as often as they stand there.
var endings = []ending{
	ordered("Revoke", first, order{Do: "revoke"}),
	ordered("RevokeOf", first, order{Do: "revokeOf"}),
	ordered("RevokeAll", all, order{Do: "revokeAll"}),
	ordered("RevokeOthers", others, order{Do: "revokeOthers"}),
	ordered("RevokeWhere", others, order{Do: "revokeWhere"}),
	ordered(tooMany, first, order{Do: "create"}),
	{name: "sign-out", ends: first, act: (*trial).signOut, silent: true},
	{name: signedInBeside, ends: first, act: (*trial).signInAgain, silent: true},
	{name: theft, ends: first, act: (*trial).steal, silent: true},
	ordered("Batch.Revoke", first, order{Do: "batchRevoke", Hold: some}),
	ordered("Batch.RevokeOf", first, order{Do: "batchRevokeOf", Hold: some}),
	ordered("Batch.RevokeAll", all, order{Do: "batchAll", Hold: some}),
	ordered("Batch.RevokeOthers", others, order{Do: "batchOthers", Hold: some}),
	ordered("Batch.RevokeAll without Done", all, order{Do: "batchAll", Hold: some, Lose: true}),
	ordered("Batch.Revoke without Done", first, order{Do: "batchRevoke", Hold: some, Lose: true}),
	ordered("Batch.RevokeAll rolled back", none, order{Do: "batchAll", Hold: some, Rollback: true}),
	ordered("Batch.Revoke rolled back", none, order{Do: "batchRevoke", Hold: some, Rollback: true}),
	{name: "RevokeOf by somebody else", ends: none, act: (*trial).meddle},
}

func (x *trial) signOut(p *process) reply { return p.post("/signout", x.lives[0].token()) }

func (x *trial) signInAgain(p *process) reply {
	return p.post("/login?user="+x.user, x.lives[0].token())
}

func (x *trial) meddle(p *process) reply {
	return p.do(order{Do: "revokeOf", User: "mallory", Handle: x.lives[0].handle})
}

// steal uses a refresh token that was replaced. It works but once.
func (x *trial) steal(p *process) reply {
	l := x.lives[0]
	r := p.do(order{Do: "refresh", Token: l.refresh})
	if r.Status == http.StatusConflict || r.Status == http.StatusUnauthorized {
		r.Status = http.StatusOK // it is over
	}
	return r
}

// limits is the process that has a limit, or nil.
func (w *world) limits() *process {
	for _, p := range w.processes {
		if p.Limit > 0 {
			return p
		}
	}
	return nil
}

func (x *trial) upTo(d time.Duration) time.Duration { return time.Duration(x.rng.Int64N(int64(d))) }

func (x *trial) somewhere() *process { return x.processes[x.rng.IntN(len(x.processes))] }

// patience is how long somebody tries again who gets a 503 or no answer.
const patience = time.Minute

// again does something until there is an answer, and says how often it was tried.
func again(do func() reply) (r reply, attempts int) {
	for begin := time.Now(); ; {
		r = do()
		attempts++
		if r.Status != 0 && r.Status != http.StatusServiceUnavailable || time.Since(begin) > patience {
			return r, attempts
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// signIn makes sessions and uses each everywhere.
func (x *trial) signIn(t testing.TB) {
	t.Helper()
	for range cmp.Or(x.sessions, 3) {
		r, _ := again(func() reply { return x.somewhere().do(order{Do: "create", User: x.user}) })
		require.Equal(t, http.StatusOK, r.Status, r.Error)
		l := &life{user: x.user, handle: r.Handle, access: r.Access, refresh: r.Refresh}
		if x.rng.IntN(3) == 0 || len(x.lives) == 0 && x.kind == theft {
			x.refresh(t, l)
		}
		x.lives = append(x.lives, l)
		time.Sleep(2 * time.Millisecond) // the first is the oldest
	}
	for _, l := range x.lives {
		for _, p := range x.processes {
			l.ask(p)
		}
	}
}

// refresh replaces the tokens. The first refresh token stays with whoever steals it.
func (x *trial) refresh(t testing.TB, l *life) {
	t.Helper()
	r, _ := again(func() reply { return x.somewhere().do(order{Do: "refresh", Token: l.refresh}) })
	require.Equal(t, http.StatusOK, r.Status, r.Error)
	l.access = r.Access
	again(func() reply { return l.ask(x.somewhere()) }) // promoted
}

// end ends sessions, and notes when.
func (x *trial) end(t testing.TB, how ending) (returned time.Time) {
	t.Helper()
	ends, p := how.ends(x), x.somewhere()
	if how.name == tooMany {
		p = x.limits()
	}
	begin := time.Now()
	for _, l := range ends {
		l.mu.Lock()
		l.told = begin
		l.mu.Unlock()
	}
	r, attempts := again(func() reply { return how.act(x, p) })
	require.Contains(t, []int{http.StatusOK, http.StatusUnauthorized}, r.Status, "%s: %s", how.name, r.Error)
	if how.silent && (attempts > 1 || p.flaky) {
		return r.end
	}
	for _, l := range ends {
		l.mu.Lock()
		l.returned, l.endedBy = r.end, p
		l.mu.Unlock()
	}
	return r.end
}

// open makes the user's account.
func (w *world) open(user string) reply {
	var known int
	err := w.db.Raw("SELECT COUNT(*) FROM accounts WHERE user_id = ?", user).Scan(&known).Error
	if err == nil && known == 0 {
		err = w.db.Exec("INSERT INTO accounts (user_id, password) VALUES (?, 'old')", user).Error
	}
	if err != nil {
		return reply{}
	}
	return reply{Status: http.StatusOK}
}

// run tells the story of one user.
func (w *world) run(t testing.TB, rng *rand.Rand, user string) {
	t.Helper()
	how := endings[rng.IntN(len(endings))]
	for how.name == tooMany && w.limits() == nil || how.name == signedInBeside && w.breaks {
		how = endings[rng.IntN(len(endings))]
	}
	x := &trial{world: w, rng: rng, user: user, kind: how.name}
	r, _ := again(func() reply { return w.open(user) })
	require.Equal(t, http.StatusOK, r.Status)
	x.signIn(t)

	var requests sync.WaitGroup
	stop := make(chan struct{})
	for _, l := range x.lives {
		pause := rand.New(rand.NewPCG(rng.Uint64(), 0))
		requests.Go(func() { x.keepAsking(l, pause, stop) })
	}
	time.Sleep(x.upTo(x.processes[0].Within))
	returned := x.end(t, how)
	for _, l := range x.lives {
		for _, p := range x.processes {
			requests.Go(func() {
				time.Sleep(time.Until(returned.Add(p.Within)))
				l.ask(p)
			})
		}
	}
	longest := time.Duration(0)
	for _, p := range x.processes {
		longest = max(longest, p.Within)
	}
	time.Sleep(time.Until(returned.Add(longest)))
	close(stop)
	requests.Wait()
	x.settle(t, how)
}

// keepAsking sends requests at random moments.
func (x *trial) keepAsking(l *life, rng *rand.Rand, stop <-chan struct{}) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-stop:
			return
		case <-timer.C:
			p := x.processes[rng.IntN(len(x.processes))]
			l.ask(p)
			timer.Reset(time.Duration(rng.Int64N(int64(p.Within))))
		}
	}
}

// settle judges, and compares with what the database says.
func (x *trial) settle(t testing.TB, how ending) {
	t.Helper()
	var sum verdict
	for _, l := range x.lives {
		want := http.StatusOK
		if !l.returned.IsZero() {
			want = http.StatusUnauthorized
		}
		r, _ := again(func() reply { return x.somewhere().get("/now", l.token()) })
		if r.Status != want && (l.told.IsZero() || !l.returned.IsZero()) {
			sum.problems = append(sum.problems, fmt.Sprintf("%s of %s: %d at the database, not %d", how.name, l.handle, r.Status, want))
		}
		if want == http.StatusOK && !l.told.IsZero() && !x.refusedSoon(l) {
			sum.problems = append(sum.problems, fmt.Sprintf("%s of %s: the others were never told", how.name, l.handle))
		}
		sum.add(l.judge(how.name))
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.sum.add(sum)
	x.trials++
	x.kinds[how.name]++
}

// refusedSoon waits until no process serves the session.
func (x *trial) refusedSoon(l *life) bool {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		refused := 0
		for _, p := range x.processes {
			if r, _ := again(func() reply { return p.get("/me", l.token()) }); r.Status == http.StatusUnauthorized {
				refused++
			}
		}
		if refused == len(x.processes) {
			return true
		}
	}
	return false
}

// found are the problems so far.
func (w *world) found() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sum.problems
}
