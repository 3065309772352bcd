//go:build distributed

package distributed_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// layouts are those of docs/operations.md: by user with a table of handles, for a store
// that does not know of shards, and by home.
var layouts = []struct {
	name  string
	store gormstore.Config
}{
	{"user", gormstore.Config{}},
	{"home", gormstore.Config{Sharded: true}},
}

// The server behind all shards is killed, and comes back.
func TestF57_VitessServerKilled(t *testing.T) {
	for _, layout := range layouts {
		t.Run(layout.name, func(t *testing.T) {
			e := start(t, "vitess.sh", "--layout", layout.name)
			s := rig.SetUp(t, e.dsn, layout.store)
			crowd := s.Crowd()
			rig.Sleep(t.Context(), 5*time.Second)
			e.run("kill-mysqld")
			rig.Sleep(t.Context(), 5*time.Second)
			e.run("start-mysqld")
			rig.Sleep(t.Context(), 15*time.Second)
			r := s.Finish(crowd, "F-57", "Vitess by "+layout.name+", mysqld killed for 5 s")
			requireOutage(t, r, 5*time.Second)
		})
	}
}

// The server stands still: who asks it waits until the deadline.
func TestF58_VitessServerFrozen(t *testing.T) {
	for _, layout := range layouts {
		t.Run(layout.name, func(t *testing.T) {
			e := start(t, "vitess.sh", "--layout", layout.name)
			s := rig.SetUp(t, e.dsn, layout.store)
			crowd := s.Crowd()
			rig.Sleep(t.Context(), 5*time.Second)
			e.freeze(t, "mysqld.pid", 6*time.Second)
			rig.Sleep(t.Context(), 15*time.Second)
			r := s.Finish(crowd, "F-58", "Vitess by "+layout.name+", mysqld frozen for 6 s")
			requireOutage(t, r, 5*time.Second)
		})
	}
}

// freeze stops the process for a while.
func (e *engine) freeze(t *testing.T, file string, d time.Duration) {
	t.Helper()
	e.signal(file, syscall.SIGSTOP)
	rig.Sleep(t.Context(), d)
	e.signal(file, syscall.SIGCONT)
}

// requireOutage: the fault was felt, was answered with 503, and what needs no database
// went on.
func requireOutage(t *testing.T, r rig.Result, stall time.Duration) {
	t.Helper()
	assert.GreaterOrEqual(t, r.Stall, stall, "the fault happened")
	assert.Positive(t, r.Unavailable)
	assert.Zero(t, r.StatelessFailed)
}
