//go:build distributed

package distributed_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
)

// Each shard gets another primary, as planned: with vtgate handing the errors on, and
// with vtgate holding the statements back.
func TestF59_VitessPlannedReparent(t *testing.T) {
	for _, layout := range layouts {
		for _, buffer := range []string{"off", "on"} {
			t.Run(layout.name+" buffer "+buffer, func(t *testing.T) {
				e := start(t, "vitess-cluster.sh", "--layout", layout.name, "--buffer", buffer)
				s := rig.SetUp(t, e.dsn, layout.store)
				crowd := s.Crowd()
				rig.Sleep(t.Context(), 5*time.Second)
				e.run("planned")
				rig.Sleep(t.Context(), 10*time.Second)
				r := s.Finish(crowd, "F-59", "Vitess by "+layout.name+", planned reparent of two shards, buffer "+buffer)
				assert.Zero(t, r.StatelessFailed)
			})
		}
	}
}

// The primary of a shard is killed, server and tablet, and another tablet takes over
// after some seconds. Each commit waits for a replica, so nothing is lost.
func TestF60_VitessEmergencyReparent(t *testing.T) {
	for _, layout := range layouts {
		t.Run(layout.name, func(t *testing.T) {
			e := start(t, "vitess-cluster.sh", "--layout", layout.name, "--buffer", "on")
			s := rig.SetUp(t, e.dsn, layout.store)
			crowd := s.Crowd()
			rig.Sleep(t.Context(), 5*time.Second)
			e.run("kill-primary")
			rig.Sleep(t.Context(), 4*time.Second)
			e.run("emergency")
			rig.Sleep(t.Context(), 15*time.Second)
			r := s.Finish(crowd, "F-60", "Vitess by "+layout.name+", primary killed, emergency reparent after 4 s")
			assert.Positive(t, r.Unavailable)
			assert.Zero(t, r.StatelessFailed)
		})
	}
}
