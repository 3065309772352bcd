//go:build cluster

package cluster_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// follow is what the DSN needs so that pooled connections leave a server that
// became read-only.
const follow = "rejectReadOnly=true"

// The primary is killed under load; connections follow to the next one, and the
// killed server comes back as a secondary.
func TestF20_GroupPrimaryKilled(t *testing.T) {
	g := rig.StartGroup(t)
	s := rig.SetUp(t, g.DSN(follow, "timeout=1s"), gormstore.Config{})
	crowd := s.Crowd()
	rig.Sleep(t.Context(), 5*time.Second)
	killed := g.Primary()
	require.NotNil(t, killed)
	killed.Kill()
	rig.Sleep(t.Context(), 20*time.Second)
	stall := crowd.Tally().Numbers().Stall
	killed.Restart(false)
	rig.Sleep(t.Context(), 5*time.Second)
	r := s.Finish(crowd, "F-20", "Group Replication primary killed", "stall_at_kill="+stall.Round(10*time.Millisecond).String())
	assert.Zero(t, r.StatelessFailed)
	assert.Less(t, stall, 15*time.Second)
}

// The primary changes as planned, twice.
func TestF20_GroupSwitchOver(t *testing.T) {
	g := rig.StartGroup(t)
	s := rig.SetUp(t, g.DSN(follow, "timeout=1s"), gormstore.Config{})
	crowd := s.Crowd()
	for range 2 {
		rig.Sleep(t.Context(), 6*time.Second)
		primary := g.Primary()
		require.NotNil(t, primary)
		for _, node := range g.Nodes {
			if node != primary {
				require.NoError(t, node.MakePrimary())
				break
			}
		}
	}
	rig.Sleep(t.Context(), 6*time.Second)
	s.Finish(crowd, "F-20", "Group Replication planned switch-over")
}

// Both secondaries are killed: the primary has no majority and carries nothing
// out. Then the survivor is ended too and forms the group anew.
func TestF20_GroupQuorumLost(t *testing.T) {
	g := rig.StartGroup(t)
	s := rig.SetUp(t, g.DSN(follow, "timeout=1s"), gormstore.Config{})
	crowd := s.Crowd()
	rig.Sleep(t.Context(), 5*time.Second)
	survivor := g.Primary()
	require.NotNil(t, survivor)
	for _, node := range g.Nodes {
		if node != survivor {
			node.Kill()
		}
	}
	rig.Sleep(t.Context(), 12*time.Second)
	lost := crowd.Tally().Numbers().Unavailable
	survivor.Kill()
	survivor.Restart(true)
	for _, node := range g.Nodes {
		if node != survivor {
			node.Restart(false)
		}
	}
	rig.Sleep(t.Context(), 6*time.Second)
	s.Finish(crowd, "F-20", "Group Replication quorum lost")
	assert.Positive(t, lost, "503 while there was no majority")
}
