//go:build faults

package faults_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
)

// The server is killed and comes back, again and again.
func TestF01_KillAndRestart(t *testing.T) {
	s := setUp(t, setting{})
	crowd := s.crowd()
	for range 3 {
		sleep(t.Context(), 6*time.Second)
		s.db.Kill()
		s.db.Start()
	}
	sleep(t.Context(), 5*time.Second)
	r := s.finish(crowd, "F-01", "kill -9 and restart, 3 times", false)
	assert.Zero(t, r.StatelessFailed, "verification of promoted tokens needs no database")
}

// Commits reach the kernel only: a killed server loses none.
func TestF02_RelaxedDurability(t *testing.T) {
	s := setUp(t, setting{options: []string{"--innodb-flush-log-at-trx-commit=2"}})
	crowd := s.crowd()
	for range 2 {
		sleep(t.Context(), 6*time.Second)
		s.db.Kill()
		s.db.Start()
	}
	sleep(t.Context(), 5*time.Second)
	r := s.finish(crowd, "F-02", "kill -9, flush at commit = 2", false)
	assert.Zero(t, r.Behind)
}

// Commits of the last second are lost: what was acknowledged may be gone, yet
// nobody whose sign-in survived is logged out.
func TestF02_LostCommits(t *testing.T) {
	s := setUp(t, setting{options: []string{"--innodb-flush-log-at-trx-commit=0"}})
	crowd := rig.StartCrowd(t, rig.CrowdConfig{
		Browsers: 40, Tabs: 3, Loss: 0.16, NoSignOut: true, Eager: 0.5, // no thief: a lost revocation is a thief who stays
		Strict: []string{s.strict.URL},
	})
	for range 3 {
		sleep(t.Context(), 6*time.Second)
		s.db.Kill()
		s.db.Start()
	}
	sleep(t.Context(), 5*time.Second)
	crowd.Stop() // so that no later write hides what the last kill loses
	s.db.Kill()
	s.db.Start()
	r := s.finish(crowd, "F-02", "kill -9, flush at commit = 0 (lossy)", true)
	assert.Zero(t, r.Logouts, "only sessions whose sign-in was lost may end")
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
	r := s.finish(crowd, "F-03", "SIGSTOP 5 s, twice", false)
	assert.Zero(t, r.StatelessFailed)
	// A sign-out is two calls, each with its deadline.
	assert.Less(t, r.Slowest, 2*operationTimeout+500*time.Millisecond)
}
