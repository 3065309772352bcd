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
	crowd := s.crowd()
	sleep(t.Context(), 5*time.Second)
	s.proxy.Set(rig.Weather{Down: true})
	sleep(t.Context(), 10*time.Second)
	s.proxy.Set(rig.Weather{})
	sleep(t.Context(), 5*time.Second)
	r := s.finish(crowd, "F-04", "database unreachable for 10 s", false)
	assert.Zero(t, r.StatelessFailed)
	assert.Positive(t, r.Unavailable)
}

// The statement is carried out, the answer never comes: an unknown outcome.
func TestF05_CutAfterApplied(t *testing.T) {
	s := setUp(t, setting{})
	crowd := s.crowd()
	s.proxy.CutRandomly(0.2, rig.CutAfter)
	for deadline := time.Now().Add(40 * time.Second); s.proxy.Cuts() < 1000 && time.Now().Before(deadline); {
		sleep(t.Context(), 200*time.Millisecond)
	}
	cuts := s.proxy.Cuts()
	s.proxy.CutAt(0, rig.NoCut)
	sleep(t.Context(), 3*time.Second)
	s.finish(crowd, "F-05", "connection cut after the statement", false, stat("cuts", cuts))
	assert.GreaterOrEqual(t, cuts, 1000)
}

// The same without a reset: the connection looks alive and says nothing.
func TestF06_BlackHole(t *testing.T) {
	s := setUp(t, setting{conns: 60})
	crowd := s.crowd()
	s.proxy.CutRandomly(0.12, rig.HangAfter)
	for deadline := time.Now().Add(60 * time.Second); s.proxy.Cuts() < 1000 && time.Now().Before(deadline); {
		sleep(t.Context(), 200*time.Millisecond)
	}
	holes := s.proxy.Cuts()
	s.proxy.CutAt(0, rig.NoCut)
	sleep(t.Context(), 5*time.Second)
	r := s.finish(crowd, "F-06", "answers swallowed in silence", false, stat("holes", holes))
	assert.Less(t, r.Slowest, 2*operationTimeout+500*time.Millisecond)
	assert.GreaterOrEqual(t, holes, 500)
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
	r := s.finish(crowd, "F-07", "latency, 16 KB/s, one byte at a time", false)
	assert.Less(t, r.Slowest, 2*operationTimeout+500*time.Millisecond)
}
