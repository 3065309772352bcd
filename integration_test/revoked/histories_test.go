package revoked_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/internal/testseed"
	"github.com/gin-sessionkit/sessionkit/session"
)

// brief is the shortest Within that is allowed.
const brief = 500 * time.Millisecond

// load is how many users there are at a time, and for how long or how many.
type load struct {
	users    int
	duration time.Duration
	exact    int // if set, at least so many requests at exactly +Within
	// until, if set, ends it early.
	until func() bool
}

// play tells stories of users side by side.
func (w *world) play(t testing.TB, l load) {
	t.Helper()
	w.kinds = map[string]int{}
	seed, begin := testseed.New(t), time.Now()
	over := func() bool {
		w.mu.Lock()
		exact := w.sum.exact
		w.mu.Unlock()
		return t.Failed() || time.Since(begin) >= l.duration && exact >= l.exact || l.until != nil && l.until()
	}
	var users sync.WaitGroup
	for i := range l.users {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		users.Go(func() {
			for n := 0; !over(); n++ {
				w.run(t, rng, fmt.Sprintf("user-%d-%d", i, n))
			}
		})
	}
	users.Wait()
	w.took = time.Since(begin)
	t.Logf("%d trials in %v: %d requests later than Within, %d of them at exactly that, %d served, %d more while it lagged; "+
		"%d requests of live sessions, %d of them refused; %d without an answer; %v",
		w.trials, w.took.Round(time.Millisecond), w.sum.late, w.sum.exact, w.sum.served, w.sum.excused,
		w.sum.asked, w.sum.refused, w.sum.unavailable, w.kinds)
}

// check asserts that nothing was found, and that there was something to find.
func (w *world) check(t testing.TB) {
	t.Helper()
	for _, problem := range w.sum.problems[:min(10, len(w.sum.problems))] {
		assert.Fail(t, problem)
	}
	assert.Empty(t, len(w.sum.problems))
	assert.Greater(t, w.sum.late, w.trials)
	assert.Greater(t, w.sum.asked, 4*w.trials)
	if w.quiet {
		assert.LessOrEqual(t, w.sum.excused, w.sum.late/4, "the machine is too slow to say anything")
		assert.LessOrEqual(t, w.sum.unavailable, w.sum.asked/20)
	}
}

// usersOn is how many users an engine bears, and how long its transactions may take:
// SQLite has one writer.
func usersOn(engine string) (users int, hold time.Duration) {
	if engine == onSQLite {
		return 10, 30 * time.Millisecond
	}
	return 60, time.Second
}

// Three processes, one of them apart, with different settings: who is revoked by one is
// served by none, and nobody else is refused.
func TestHistories(t *testing.T) {
	for _, engine := range []string{onMySQL, onPostgres, onSQLite} {
		t.Run(engine, func(t *testing.T) {
			d := fresh(t, engine)
			w := &world{db: d.pool(t, 4), quiet: true}
			users, hold := usersOn(engine)
			w.hold = hold
			set := setting{Within: brief, flaky: true}
			flaky := func(inner session.FeedStore) session.FeedStore { return &flakyHints{FeedStore: inner} }
			w.processes = append(w.processes, start(t, d, set.config(), flaky).serve(t, set))
			set.OnLag, set.flaky = session.LagAsk, false
			w.processes = append(w.processes, spawn(t, d, set, ""))
			set.Within, set.Limit = 2*time.Second, 3
			w.processes = append(w.processes, start(t, d, set.config(), nil).serve(t, set))
			w.play(t, load{users: users, duration: 5 * time.Second})
			w.check(t)
			require.GreaterOrEqual(t, w.trials, users/2)
		})
	}
}
