//go:build cluster

package revoked_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/session"
)

// evict is when Galera takes a silent node out.
const evict = 2 * time.Second

// causal makes every statement wait for what other nodes have acknowledged. Without it
// a node that stood still answers for seconds from before, as if nothing had happened.
const causal = "wsrep_sync_wait=7"

// aboard starts a process on a DSN.
func (w *world) aboard(t *testing.T, dsn string, set setting) {
	t.Helper()
	cfg := set.config()
	cfg.OperationTimeout = 2 * time.Second
	w.processes = append(w.processes, start(t, database{engine: onMySQL, dsn: dsn}, cfg, nil).serve(t, set))
}

// onGalera is three processes, each on a node of its own.
func onGalera(t *testing.T) (*rig.Galera, *world) {
	t.Helper()
	g := rig.StartGalera(t, evict)
	either := database{engine: onMySQL, dsn: g.DSNAnywhere(causal, "timeout=1s")}
	either.prepare(t)
	w := &world{db: either.pool(t, 4), hold: 200 * time.Millisecond}
	for i, set := range []setting{{Within: brief}, {Within: brief, OnLag: session.LagAsk}, {Within: 2 * time.Second}} {
		w.aboard(t, g.Nodes[i].DSN(g.Nodes[i].Addr(), causal, "timeout=1s"), set)
	}
	return g, w
}

// What was written at one node is seen at the others.
func TestF53_Galera(t *testing.T) {
	g, w := onGalera(t)
	w.play(t, load{users: 20, duration: 20 * time.Second})
	w.row(t, "F-53", "Galera, a node for each process", "conflicts", g.Conflicts())
}

// A node stands still and comes back. The processes on it lag, and say so: what they do
// not know yet is never taken for a good look.
func TestF54_GaleraNodeFrozen(t *testing.T) {
	g, w := onGalera(t)
	freezes := w.beside(t, func(stop <-chan struct{}) (freezes int) {
		for {
			select {
			case <-stop:
				return freezes
			case <-time.After(4 * time.Second):
				node := g.Nodes[freezes%2]
				node.Signal(syscall.SIGSTOP)
				time.Sleep(8 * time.Second)
				node.Signal(syscall.SIGCONT)
				g.WaitSynced(freezes%2, 3)
				freezes++
			}
		}
	}, load{users: 12, duration: 40 * time.Second})
	require.Greater(t, freezes, 1)
	w.row(t, "F-54", "Galera nodes frozen for 8 s", "freezes", freezes)
}

// onGroup is three processes that follow the primary.
func onGroup(t *testing.T) (*rig.Group, *world) {
	t.Helper()
	g := rig.StartGroup(t)
	dsn := g.DSN("rejectReadOnly=true", "timeout=1s")
	primary := database{engine: onMySQL, dsn: dsn}
	primary.prepare(t)
	w := &world{db: primary.pool(t, 4), hold: 200 * time.Millisecond}
	for _, set := range []setting{{Within: brief}, {Within: brief, OnLag: session.LagAsk}, {Within: 2 * time.Second}} {
		w.aboard(t, dsn, set)
	}
	return g, w
}

// MySQL 9, of which the primary is killed and comes back.
func TestF55_GroupPrimaryKilled(t *testing.T) {
	g, w := onGroup(t)
	w.beside(t, func(stop <-chan struct{}) int {
		time.Sleep(10 * time.Second)
		killed := g.Primary()
		if killed == nil {
			return 0
		}
		killed.Kill()
		time.Sleep(15 * time.Second)
		killed.Restart(false)
		<-stop
		return 1
	}, load{users: 20, duration: 40 * time.Second})
	w.row(t, "F-55", "MySQL 9, the primary killed")
}
