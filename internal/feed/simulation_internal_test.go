package feed

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/internal/testseed"
)

// seeds are the seeds of n simulations: SESSIONKIT_SEED repeats one.
func seeds(t *testing.T, n int) []uint64 {
	t.Helper()
	if seed, ok := testseed.Given(t); ok {
		return []uint64{seed}
	}
	first := rand.Uint64() >> 16
	list := make([]uint64, n)
	for i := range list {
		list[i] = first + uint64(i)
	}
	return list
}

// simulations is how many there are: SESSIONKIT_SIMULATIONS for a long search.
func simulations() int {
	if n, err := strconv.Atoi(os.Getenv("SESSIONKIT_SIMULATIONS")); err == nil {
		return n
	}
	return 12
}

// planOf is a plan of every kind.
func planOf(seed uint64) plan {
	rng := rand.New(rand.NewPCG(seed, 99))
	p := plan{
		seed: seed, within: []time.Duration{500 * time.Millisecond, 2 * time.Second, 10 * time.Second, time.Minute}[rng.IntN(4)],
		length: 25 * time.Minute, processes: 2 + rng.IntN(2), asksOnLag: rng.IntN(2) == 0, faulty: rng.IntN(3) > 0,
		users: 12, endings: 40, changes: 8, noise: 20, maxEntries: 100_000, pageSize: []int{3, 1000}[rng.IntN(2)],
		cluster: rng.IntN(3) == 0, maxOfOwner: []int{1, 16}[rng.IntN(2)],
	}
	if rng.IntN(3) == 0 {
		p.maxEntries = 10
	}
	p.late = rng.IntN(5) == 0
	if rng.IntN(3) == 0 { // few users with many sessions
		p.users, p.noise = 3, 120
	}
	return p
}

func TestSimulation(t *testing.T) {
	t.Parallel()
	var served, refused, asked, excused int64
	for _, seed := range seeds(t, simulations()) {
		w := simulate(t, planOf(seed))
		w.requireGood(t)
		served, refused, asked, excused = served+w.served.Load(), refused+w.refused.Load(), asked+w.asked.Load(), excused+w.excused.Load()
	}
	t.Logf("%d served, %d refused, %d asked, %d served late while the feed lagged", served, refused, asked, excused)
	require.Positive(t, served)
	require.Positive(t, refused)
}

// Longer than anything is kept.
func TestSimulation_ofTwoDays(t *testing.T) {
	t.Parallel()
	seed := seeds(t, 1)[0]
	p := planOf(seed)
	p.within, p.length, p.pageSize, p.endings, p.changes = time.Minute, 50*time.Hour, 1000, 150, 20
	simulate(t, p).requireGood(t)
}

func (w *world) requireGood(t *testing.T) {
	t.Helper()
	if len(w.faults) > 0 {
		t.Fatalf("SESSIONKIT_SEED=%d, %+v:\n%s", w.seed, w.plan, strings.Join(w.faults, "\n"))
	}
}
