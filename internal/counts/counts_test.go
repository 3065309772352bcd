package counts_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/internal/counts"
)

// No count is lost, whoever counts: also where a stack moves meanwhile.
func TestAdd_losesNothing(t *testing.T) {
	t.Parallel()
	const counters, goroutines, rounds = 5, 16, 2000
	set := counts.New(counters)
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range rounds {
				set.Add((g+i)%counters, 1)
				set.Add(0, 2)
				if i%500 == 0 {
					deep(i%1000 + 1)
				}
			}
		})
	}
	wg.Wait()
	const each = goroutines * rounds / counters
	require.Equal(t, []uint64{each + 2*goroutines*rounds, each, each, each, each}, set.Sums())
}

// deep makes the stack of its goroutine grow.
//
//go:noinline
func deep(n int) byte {
	var frame [512]byte
	if n > 0 {
		frame[n%len(frame)] = deep(n - 1)
	}
	return frame[0]
}

// A scrape that reads meanwhile never sees a number fall.
func TestSums_neverFall(t *testing.T) {
	t.Parallel()
	set := counts.New(1)
	var wg sync.WaitGroup
	var done atomic.Bool
	for range 4 {
		wg.Go(func() {
			for !done.Load() {
				set.Add(0, 1)
			}
		})
	}
	last := uint64(0)
	for range 5000 {
		now := set.Sums()[0]
		if now < last {
			require.GreaterOrEqual(t, now, last)
		}
		last = now
	}
	done.Store(true)
	wg.Wait()
	require.GreaterOrEqual(t, set.Sums()[0], last)
}

// Goroutines that live at once do not all count in one place: else it is one counter
// again, and takes more room.
func TestAdd_spreads(t *testing.T) {
	t.Parallel()
	const goroutines = 64
	set := counts.New(1)
	var all, counted sync.WaitGroup
	counted.Add(goroutines)
	for range goroutines {
		all.Go(func() {
			set.Add(0, 1)
			counted.Done()
			counted.Wait()
		})
	}
	all.Wait()
	require.Equal(t, []uint64{goroutines}, set.Sums())
	require.Greater(t, set.Used(0), 2)
}

func TestAdd_allocatesNothing(t *testing.T) {
	set := counts.New(3)
	require.Zero(t, testing.AllocsPerRun(1000, func() { set.Add(2, 1) }))
}

func TestSet_nil(t *testing.T) {
	t.Parallel()
	var set *counts.Set
	set.Add(3, 1)
	require.Empty(t, set.Sums())
}

// BenchmarkAdd on one and on two processors: -cpu 1,2.
func BenchmarkAdd(b *testing.B) {
	set := counts.New(100)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			set.Add(7, 1)
		}
	})
}

// BenchmarkOneCounter is its twin: one number for all.
func BenchmarkOneCounter(b *testing.B) {
	var n atomic.Uint64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			n.Add(1)
		}
	})
}
