//go:build faults

package faults_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
)

func TestF04_Unreachable(t *testing.T) {
	s := setUp(t, setting{})
	lasting := s.lastingly()
	crowd := s.mixedCrowd(lasting, 0)
	sleep(t.Context(), 5*time.Second)
	s.proxy.Set(rig.Weather{Down: true})
	s.goesOn(crowd, 10)
	s.proxy.Set(rig.Weather{})
	sleep(t.Context(), 5*time.Second)
	r := s.finish(crowd, "F-04", "database unreachable for 10 s", false, []*rig.App{lasting})
	assert.Zero(t, r.StatelessFailed)
	assert.Positive(t, r.Unavailable) // each with Retry-After: see the tally
	assert.Zero(t, r.Promoted503, "no 503 with Set-Cookie")
	assert.GreaterOrEqual(t, r.Stall, 9*time.Second, "nothing that needs the database succeeded")
	assert.Less(t, r.Slowest, oneCall)
}

// The statement is carried out, the answer never comes: an unknown outcome. No
// row gets ahead of what its clients hold, and what they hold is at most one
// generation ahead of the row, as without a fault: see Result.checkLineage.
func TestF05_CutAfterApplied(t *testing.T) {
	s := setUp(t, setting{})
	crowd := s.crowd()
	s.proxy.CutRandomly(0.2, rig.CutAfter)
	for deadline := time.Now().Add(90 * time.Second); s.proxy.Cuts() < 1000 && time.Now().Before(deadline); {
		sleep(t.Context(), 200*time.Millisecond)
	}
	cuts := s.proxy.Cuts()
	s.proxy.CutAt(0, rig.NoCut)
	sleep(t.Context(), 3*time.Second)
	s.finish(crowd, "F-05", "connection cut after the statement", false, nil, stat("cuts", cuts))
	assert.GreaterOrEqual(t, cuts, 1000)
}

// The same without a reset: the connection looks alive and says nothing.
func TestF06_BlackHole(t *testing.T) {
	s := setUp(t, setting{conns: 60})
	crowd := s.crowd()
	s.proxy.CutRandomly(0.12, rig.HangAfter)
	for deadline := time.Now().Add(2 * time.Minute); s.proxy.Cuts() < 1000 && time.Now().Before(deadline); {
		sleep(t.Context(), 200*time.Millisecond)
	}
	holes := s.proxy.Cuts()
	s.proxy.CutAt(0, rig.NoCut)
	sleep(t.Context(), 5*time.Second)
	r := s.finish(crowd, "F-06", "answers swallowed in silence", false, nil, stat("holes", holes))
	assert.Less(t, r.Slowest, twoCalls)
	assert.GreaterOrEqual(t, holes, 1000)
}

func TestF07_SlowNetwork(t *testing.T) {
	s := setUp(t, setting{})
	crowd := s.crowd()
	sleep(t.Context(), 3*time.Second)
	for _, weather := range []rig.Weather{
		{Latency: 100 * time.Millisecond, Jitter: 200 * time.Millisecond},
		{BytesPerSecond: 16 << 10},
		{Slice: 1},
	} {
		s.proxy.Set(weather)
		sleep(t.Context(), 6*time.Second)
	}
	s.proxy.Set(rig.Weather{})
	sleep(t.Context(), 3*time.Second)
	r := s.finish(crowd, "F-07", "latency, 16 KB/s, one byte at a time", false, nil)
	assert.Less(t, r.Slowest, threeCalls)
	assert.LessOrEqual(t, r.P99, operationTimeout+100*time.Millisecond)
}
