//go:build distributed

package distributed_test

import (
	"testing"
	"time"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// tidbModes: optimistic transactions without retries of the server's own leave each
// conflict to the store.
var tidbModes = []struct {
	name, params string
	store        gormstore.Config
}{
	{"default", "", gormstore.Config{}},
	{"optimistic by home", "?tidb_txn_mode=%27optimistic%27&tidb_retry_limit=0", gormstore.Config{Sharded: true}},
}

// The server is killed, and goes on with its data.
func TestF61_TiDBKilled(t *testing.T) {
	for _, mode := range tidbModes {
		t.Run(mode.name, func(t *testing.T) {
			e := start(t, "tidb.sh")
			s := rig.SetUp(t, e.dsn+mode.params, mode.store)
			crowd := s.Crowd()
			rig.Sleep(t.Context(), 5*time.Second)
			e.run("kill")
			rig.Sleep(t.Context(), 3*time.Second)
			e.start()
			rig.Sleep(t.Context(), 15*time.Second)
			r := s.Finish(crowd, "F-61", "TiDB "+mode.name+", killed for 3 s")
			requireOutage(t, r, 3*time.Second)
		})
	}
}

func TestF62_TiDBFrozen(t *testing.T) {
	for _, mode := range tidbModes {
		t.Run(mode.name, func(t *testing.T) {
			e := start(t, "tidb.sh")
			s := rig.SetUp(t, e.dsn+mode.params, mode.store)
			crowd := s.Crowd()
			rig.Sleep(t.Context(), 5*time.Second)
			e.freeze(t, "server.pid", 6*time.Second)
			rig.Sleep(t.Context(), 15*time.Second)
			r := s.Finish(crowd, "F-62", "TiDB "+mode.name+", frozen for 6 s")
			requireOutage(t, r, 5*time.Second)
		})
	}
}
