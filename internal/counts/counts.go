// Package counts has counters that every processor counts up on its own.
//
// One number that all requests count up is one cache line that the processors take from
// each other with each of them. So there are as many copies of each number as there are
// processors, and whoever reads adds them up.
package counts

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// line is how far two processors' counters are kept apart, in bytes: two cache lines,
// as processors fetch them by twos.
const line = 128

// Set is a fixed number of counters. It is safe for concurrent use. A nil Set counts
// nothing.
type Set struct {
	size    int
	stripes []stripe
	next    atomic.Uint32
	// own finds the stripe of the processor at hand: what is put into a sync.Pool is
	// what the same processor gets from it next. Nobody waits there, and a stripe that
	// the collector takes out is only handed out again: the pool holds pointers to
	// what stripes has.
	own sync.Pool
}

// stripe is one processor's copy of the counters. Two processors may come to share one
// for a while, which costs time and loses no count.
type stripe struct {
	n []atomic.Uint64
	_ [line - 24]byte
}

// New returns a Set of size counters, all 0.
func New(size int) *Set {
	s := &Set{size: size}
	// The number of processors that are used may change later; that there are is what
	// it never exceeds by itself.
	s.stripes = make([]stripe, max(runtime.NumCPU(), runtime.GOMAXPROCS(0)))
	const perLine = line / 8
	padded := (size+perLine-1)/perLine*perLine + perLine
	for i := range s.stripes {
		s.stripes[i].n = make([]atomic.Uint64, padded)[:size:size]
	}
	s.own.New = func() any {
		return &s.stripes[int(s.next.Add(1)-1)%len(s.stripes)]
	}
	return s
}

// Add counts the counter i up by n.
func (s *Set) Add(i int, n uint64) {
	if s == nil {
		return
	}
	own := s.own.Get().(*stripe) //nolint:forcetypeassert // New puts nothing else there
	own.n[i].Add(n)
	s.own.Put(own)
}

// Sums are the values of all counters. Each is at least what it was at the last call,
// and at most what it is when this one returns; of two that are counted up one after
// the other, either may be ahead.
func (s *Set) Sums() []uint64 {
	if s == nil {
		return nil
	}
	sums := make([]uint64, s.size)
	for i := range s.stripes {
		for j := range sums {
			sums[j] += s.stripes[i].n[j].Load()
		}
	}
	return sums
}
