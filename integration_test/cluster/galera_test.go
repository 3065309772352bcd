//go:build cluster

package cluster_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// evict is when a silent node is taken out; Galera's own default is 5 s.
const evict = 2 * time.Second

// causal makes every statement wait for the writes that other nodes have
// acknowledged. Whoever reads and writes on several nodes needs it.
const causal = "wsrep_sync_wait=7"

// Every connection goes to another node: certification fails some statements,
// which are repeated, and nobody notices.
func TestF16_GaleraAnyNode(t *testing.T) {
	g := rig.StartGalera(t, evict)
	s := rig.SetUp(t, g.DSNAnywhere(causal), gormstore.Config{})
	crowd := s.Crowd()
	rig.Sleep(t.Context(), 10*time.Second)
	winners := s.Race(200)
	rig.Sleep(t.Context(), 10*time.Second)
	conflicts := g.Conflicts()
	r := s.Finish(crowd, "F-16", "Galera, any node", rig.Stat("conflicts", conflicts), rig.Stat("races", 200), rig.Stat("promotions", winners))
	assert.LessOrEqual(t, r.Unavailable, r.Requests/200)
	assert.Positive(t, conflicts, "certification failed statements, and nobody noticed")
	assert.Equal(t, 200, winners, "exactly one promotion in each race")
}

// The node that everybody uses is killed, and comes back under load.
func TestF17_F19_GaleraNodeKilledAndBack(t *testing.T) {
	g := rig.StartGalera(t, evict)
	s := rig.SetUp(t, g.DSN(causal, "timeout=1s"), gormstore.Config{})
	crowd := s.Crowd()
	rig.Sleep(t.Context(), 5*time.Second)
	g.Nodes[0].Kill()
	rig.Sleep(t.Context(), 10*time.Second)
	stall := crowd.Tally().Numbers().Stall
	g.Join(0)
	rig.Sleep(t.Context(), 8*time.Second)
	r := s.Finish(crowd, "F-17", "Galera node killed, rejoins", rig.Stat("stall_at_kill", stall.Round(10*time.Millisecond)))
	assert.Zero(t, r.StatelessFailed)
	assert.Less(t, stall, evict+2*time.Second)
}

// The node that everybody uses stands still until it is evicted, and comes back.
// A statement that waits for its answer holds its connection until its deadline,
// after the others have evicted the node.
func TestF17_GaleraNodeFrozen(t *testing.T) {
	g := rig.StartGalera(t, evict)
	s := rig.SetUp(t, g.DSN(causal, "timeout=1s"), gormstore.Config{})
	crowd := s.Crowd()
	rig.Sleep(t.Context(), 5*time.Second)
	g.Nodes[0].Signal(syscall.SIGSTOP)
	rig.Sleep(t.Context(), 10*time.Second)
	stall := crowd.Tally().Numbers().Stall
	g.Nodes[0].Signal(syscall.SIGCONT)
	rig.Sleep(t.Context(), 10*time.Second)
	g.WaitSynced(0, 3)
	rig.Sleep(t.Context(), 2*time.Second)
	s.Finish(crowd, "F-17", "Galera node frozen 10 s", rig.Stat("stall_while_frozen", stall.Round(10*time.Millisecond)))
	assert.GreaterOrEqual(t, stall, evict/2, "the fault happened")
	assert.Less(t, stall, evict+2*time.Second)
}

// Two of three nodes are killed: without a quorum nothing is answered but 503,
// and nobody loses a cookie. The survivor goes on, the others rejoin.
func TestF18_GaleraQuorumLost(t *testing.T) {
	g := rig.StartGalera(t, evict)
	s := rig.SetUp(t, g.DSN(causal, "timeout=1s"), gormstore.Config{})
	crowd := s.Crowd()
	rig.Sleep(t.Context(), 5*time.Second)
	g.Nodes[1].Kill()
	g.Nodes[2].Kill()
	rig.Sleep(t.Context(), 10*time.Second)
	lost := crowd.Tally().Numbers().Unavailable
	g.MakePrimary(0)
	g.Join(1)
	g.Join(2)
	rig.Sleep(t.Context(), 6*time.Second)
	s.Finish(crowd, "F-18", "Galera quorum lost, rejoins")
	assert.Positive(t, lost, "503 while there was no quorum")
}
