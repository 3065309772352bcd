//go:build faults

package faults_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
)

// recovery is how soon something must succeed once the server answers again.
const recovery = 2 * time.Second

// The server is killed and comes back, again and again.
func TestF01_KillAndRestart(t *testing.T) {
	s := setUp(t, setting{})
	lasting := s.lastingly()
	crowd := s.mixedCrowd(lasting, 120*time.Millisecond)
	down := s.crashes(3, 2*time.Second)
	r := s.finish(crowd, "F-01", "kill -9, down for 2 s, 3 times", false, []*rig.App{lasting}, stat("down", down.Round(10*time.Millisecond)))
	assert.Zero(t, r.StatelessFailed, "verification of promoted tokens needs no database")
	assert.GreaterOrEqual(t, r.Stateless, 10_000)
	assert.Positive(t, r.Unavailable)
	assert.GreaterOrEqual(t, r.Stall, time.Second, "the fault happened")
	assert.Less(t, r.Stall, down+recovery)
}

// crashes lets the crowd work between kills, and returns the longest time
// that the server was down.
func (s *stage) crashes(times int, down time.Duration) (longest time.Duration) {
	s.t.Helper()
	for range times {
		sleep(s.t.Context(), 6*time.Second)
		longest = max(longest, s.outage(down))
	}
	sleep(s.t.Context(), 5*time.Second)
	return longest
}

// Commits reach the kernel only: a killed server loses none.
func TestF02_RelaxedDurability(t *testing.T) {
	s := setUp(t, setting{options: []string{"--innodb-flush-log-at-trx-commit=2"}})
	crowd := s.crowd()
	down := s.crashes(2, time.Second)
	r := s.finish(crowd, "F-02", "kill -9, flush at commit = 2", false, nil, stat("down", down.Round(10*time.Millisecond)))
	assert.Zero(t, r.Behind)
	assert.Positive(t, r.Unavailable)
	assert.Less(t, r.Stall, down+recovery)
}

// Commits of the last second are lost: what was acknowledged may be gone, yet
// nobody whose sign-in survived is logged out.
func TestF02_LostCommits(t *testing.T) {
	s := setUp(t, setting{options: []string{"--innodb-flush-log-at-trx-commit=0"}})
	crowd := rig.StartCrowd(t, rig.CrowdConfig{
		Browsers: 40, Tabs: 3, Loss: 0.16, NoSignOut: true, Eager: 0.5, // no thief: a lost revocation is a thief who stays
		Strict: []string{s.strict.URL},
	})
	down := s.crashes(3, time.Second)
	crowd.Stop() // so that no later write hides what the last kill loses
	s.db.Kill()
	s.db.Start()
	r := s.finish(crowd, "F-02", "kill -9, flush at commit = 0 (lossy)", true, nil, stat("down", down.Round(10*time.Millisecond)))
	assert.Zero(t, r.Logouts, "only sessions whose sign-in was lost may end")
	assert.Positive(t, r.Behind, "the server has lost commits")
	assert.Positive(t, r.Unavailable)
	assert.Less(t, r.Stall, down+recovery)
}

// The server stands still for five seconds: deadlines hold.
func TestF03_Frozen(t *testing.T) {
	s := setUp(t, setting{})
	crowd := s.crowd()
	for range 2 {
		sleep(t.Context(), 4*time.Second)
		s.db.Signal(syscall.SIGSTOP)
		sleep(t.Context(), 5*time.Second)
		s.db.Signal(syscall.SIGCONT)
	}
	sleep(t.Context(), 5*time.Second)
	r := s.finish(crowd, "F-03", "SIGSTOP 5 s, twice", false, nil)
	assert.Zero(t, r.StatelessFailed)
	assert.Less(t, r.Slowest, twoCalls)
	assert.GreaterOrEqual(t, r.Stall, 4*time.Second, "the fault happened")
}
