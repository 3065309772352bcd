//go:build distributed

package distributed_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// kind is one way to start an engine and to use it.
type kind struct {
	name, script string
	args         []string
	params       string // of the DSN
	store        gormstore.Config
}

// vitess are the layouts of docs/operations.md: by user with a table of handles, for a
// store that does not know of shards, and by home.
func vitess(script, more string, args ...string) []kind {
	of := func(layout string, store gormstore.Config) kind {
		return kind{"Vitess by " + layout + more, script, append([]string{"--layout", layout}, args...), "", store}
	}
	return []kind{of("user", gormstore.Config{}), of("home", gormstore.Config{Sharded: true})}
}

// tidb: optimistic transactions without retries of the server's own leave each conflict
// to the store.
func tidb() []kind {
	return []kind{
		{"TiDB default", "tidb.sh", nil, "", gormstore.Config{}},
		{
			"TiDB optimistic by home", "tidb.sh", nil,
			"?tidb_txn_mode=%27optimistic%27&tidb_retry_limit=0",
			gormstore.Config{Sharded: true},
		},
	}
}

// outage is what happens to the servers while the crowd works.
type outage struct {
	id, what string
	kinds    []kind
	fault    func(*engine)
	after    time.Duration // how long the crowd goes on
	// refused says that there must have been 503s, and stall how long at least nobody
	// was answered who needed the database: else the fault did not happen.
	refused bool
	stall   time.Duration
}

func outages() []outage {
	const s = time.Second
	return []outage{
		{"F-57", "mysqld killed for 5 s", vitess("vitess.sh", ""), func(e *engine) {
			e.run("kill-mysqld")
			e.wait(5 * s)
			e.timed("restart", func() { e.run("start-mysqld") })
		}, 15 * s, true, 5 * s},
		{"F-58", "mysqld frozen for 6 s", vitess("vitess.sh", ""), func(e *engine) {
			e.freeze("mysqld.pid", 6*s)
		}, 15 * s, true, 5 * s},
		// vtgate hands the errors of the change on, or holds the statements back.
		{
			"F-59", "planned reparent of two shards", slices.Concat(
				vitess("vitess-cluster.sh", ", buffer off", "--buffer", "off"),
				vitess("vitess-cluster.sh", ", buffer on", "--buffer", "on")),
			func(e *engine) { e.timed("reparents", func() { e.run("planned") }) }, 10 * s, false, 0,
		},
		// Each commit waits for a replica, so nothing is lost. The other shard goes on.
		{
			"F-60", "primary killed, emergency reparent after 4 s", vitess("vitess-cluster.sh", "", "--buffer", "on"),
			func(e *engine) {
				e.run("kill-primary")
				e.wait(4 * s)
				e.timed("reparent", func() { e.run("emergency") })
			}, 15 * s, true, 0,
		},
		{"F-61", "killed for 3 s", tidb(), func(e *engine) {
			e.run("kill")
			e.wait(3 * s)
			e.timed("restart", func() { e.start() }) // goes on with its data
		}, 15 * s, true, 3 * s},
		{"F-62", "frozen for 6 s", tidb(), func(e *engine) {
			e.freeze("server.pid", 6*s)
		}, 15 * s, true, 5 * s},
	}
}

// Whatever becomes of the servers, nobody is signed out, nothing that was acknowledged is
// lost, who cannot be answered gets 503, and what needs no database goes on.
func TestOutages(t *testing.T) {
	for _, o := range outages() {
		for _, k := range o.kinds {
			what := k.name + ", " + o.what
			t.Run(o.id+" "+what, func(t *testing.T) {
				e := start(t, k.script, k.args...)
				s := rig.SetUp(t, e.dsn+k.params, k.store)
				crowd := s.Crowd()
				e.wait(5 * time.Second)
				o.fault(e)
				e.wait(o.after)
				r := s.Finish(crowd, o.id, what, e.stats...)
				assert.GreaterOrEqual(t, r.Stall, o.stall, "the fault happened")
				assert.True(t, r.Unavailable > 0 || !o.refused, "the fault was noticed")
				assert.Zero(t, r.StatelessFailed)
			})
		}
	}
}
