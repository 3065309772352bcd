// Package counts has counters that every processor counts up on its own.
//
// One number that all requests count up is one cache line that the processors take from
// each other with each of them. So there are several copies of each number, for each
// processor four, and whoever reads adds them up.
package counts

import (
	"math/bits"
	"runtime"
	"sync/atomic"
	"unsafe"
)

// perProcessor is how many stripes there are for each processor: with one each, two
// goroutines that run at once would often share one.
const perProcessor = 4

// line is how far two stripes are kept apart, in counters: two cache lines, as
// processors fetch them by twos.
const line = 128 / 8

// Set is a fixed number of counters. It is safe for concurrent use. A nil Set counts
// nothing.
type Set struct {
	size int
	// stripes are copies of the counters. Their number is a power of two.
	stripes [][]atomic.Uint64
	// shift leaves as many bits of a hash as number a stripe.
	shift int
}

// New returns a Set of size counters, all 0.
func New(size int) *Set {
	// The number of processors that are used may change later; that there are is what
	// it never exceeds by itself.
	width := bits.Len(uint(perProcessor*max(runtime.NumCPU(), runtime.GOMAXPROCS(0)) - 1))
	s := &Set{size: size, stripes: make([][]atomic.Uint64, 1<<width), shift: 64 - width}
	padded := (size+line-1)/line*line + line
	for i := range s.stripes {
		s.stripes[i] = make([]atomic.Uint64, padded)[:size:size]
	}
	return s
}

// Add counts the counter i up by n.
func (s *Set) Add(i int, n uint64) {
	if s == nil {
		return
	}
	s.stripes[stackHash()>>s.shift][i].Add(n)
}

// stackHash differs between goroutines, by where their stacks are, and costs a tenth of
// a sync.Pool's turn. Two goroutines may get the same stripe by it, and one may get
// another later, as its stack moves: that costs time and loses no count.
func stackHash() uint64 {
	var here byte
	at := uint64(uintptr(unsafe.Pointer(&here))) //nolint:gosec // a number only: nobody follows it
	const smallest = 11                          // a stack has 2 KiB at least
	return (at >> smallest) * 0x9E3779B97F4A7C15 // 2^64 by the golden ratio (Knuth, TAOCP 3, section 6.4)
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
			sums[j] += s.stripes[i][j].Load()
		}
	}
	return sums
}
