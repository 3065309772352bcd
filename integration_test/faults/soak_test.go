//go:build faults

package faults_test

import (
	"os"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/session"
)

// faultEvery is the time between two faults of a soak.
const faultEvery = 5 * time.Minute

// TestSoak is hours of load with one fault after the other. `make soak` runs it.
func TestSoak(t *testing.T) {
	hours, err := strconv.ParseFloat(os.Getenv("SESSIONKIT_SOAK_HOURS"), 64)
	if err != nil {
		t.Skip("SESSIONKIT_SOAK_HOURS says how long")
	}
	s := setUp(t, setting{session: func(c *session.Config) { c.SigningKey.Rotation = 5 * time.Minute }})
	crowd := s.crowd()
	faults := []func(){
		func() { s.db.Kill(); s.db.Start() },
		func() {
			s.db.Signal(syscall.SIGSTOP)
			sleep(t.Context(), 5*time.Second)
			s.db.Signal(syscall.SIGCONT)
		},
		func() {
			s.proxy.Set(rig.Weather{Down: true})
			sleep(t.Context(), 10*time.Second)
			s.proxy.Set(rig.Weather{})
		},
		func() {
			s.proxy.CutRandomly(0.1, rig.CutAfter)
			sleep(t.Context(), 10*time.Second)
			s.proxy.CutAt(0, rig.NoCut)
		},
		func() {
			s.db.Admin("SET GLOBAL read_only = 1")
			sleep(t.Context(), 10*time.Second)
			s.db.Admin("SET GLOBAL read_only = 0")
		},
		s.proxy.BreakAll,
	}
	total := time.Duration(hours * float64(time.Hour))
	pause := min(faultEvery, total/time.Duration(len(faults)+1))
	begin, warm := time.Now(), usage{}
	for n := 0; time.Since(begin) < total; n++ {
		sleep(t.Context(), pause)
		faults[n%len(faults)]()
		if n == len(faults)-1 {
			warm = use()
		}
	}
	sleep(t.Context(), 5*time.Second)
	last := use()
	r := s.finish(crowd, "SOAK", "load and faults for "+total.String(), false, nil,
		stat("heap_MiB", last.heap>>20), stat("heap_warm_MiB", warm.heap>>20), stat("goroutines", last.goroutines))
	require.Positive(t, r.Refreshes)
	assert.LessOrEqual(t, last.goroutines, warm.goroutines+warm.goroutines/2+50)
	// The crowd's own books grow with each session; 64 MiB an hour is far above that.
	assert.LessOrEqual(t, float64(last.heap), float64(warm.heap)*1.5+hours*64*(1<<20))
}

type usage struct {
	heap       uint64
	goroutines int
}

func use() usage {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{m.HeapAlloc, runtime.NumGoroutine()}
}
