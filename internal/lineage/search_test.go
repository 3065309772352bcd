package lineage

import (
	"hash/maphash"
	"slices"
)

// finding is what a search learned of one property.
type finding struct {
	// states that violate it, and the first of them; breadth first, so that no trace is shorter.
	states int
	first  int32
}

// graph is what a search walks through: a model of one kind of world.
type graph[W comparable] interface {
	begin() W
	successors(from *W, out func(next *W, by move))
	properties() []property[W]
	// explain tells a path in words.
	explain(path []W) string
}

// search is a breadth-first walk over all states of a model.
type search[W comparable] struct {
	model    graph[W]
	states   stateSet[W]
	findings []finding
	props    []property[W]
	// until stops the walk at the first violation of that property; empty walks all.
	until string
}

// run walks. It panics where memory would run out: a search that was cut short shows nothing.
func (s *search[W]) run() {
	s.props = s.model.properties()
	s.findings = make([]finding, len(s.props))
	start := s.model.begin()
	s.states.add(&start, -1)
	for at := int32(0); int(at) < s.states.len(); at++ {
		w := *s.states.at(at)
		if s.check(at, &w) {
			return
		}
		s.model.successors(&w, func(next *W, _ move) { s.states.add(next, at) })
	}
}

// check notes what w violates, and reports whether the walk is at its end.
func (s *search[W]) check(at int32, w *W) (done bool) {
	for i, p := range s.props {
		if !p.broken(w) {
			continue
		}
		f := &s.findings[i]
		if f.states == 0 {
			f.first = at
		}
		f.states++
		done = done || p.id == s.until
	}
	return done
}

// violations counts the states that break the property.
func (s *search[W]) violations(id string) int { return s.of(id).states }

// trace is a shortest way to a state that breaks the property.
func (s *search[W]) trace(id string) []W { return s.path(s.of(id).first) }

func (s *search[W]) of(id string) *finding {
	return &s.findings[slices.IndexFunc(s.props, func(p property[W]) bool { return p.id == id })]
}

// path is the way from the start to a state.
func (s *search[W]) path(to int32) []W {
	var path []W
	for at := to; at >= 0; at = s.states.from[at] {
		path = append(path, *s.states.at(at))
	}
	slices.Reverse(path)
	return path
}

const (
	chunkBits = 14
	maxStates = 20_000_000
)

// stateSet has each state once, numbered as they came. States lie in chunks, so that
// growing copies the index only; the index is an open-addressed table of numbers.
type stateSet[W comparable] struct {
	chunks [][]W
	from   []int32
	table  []int32 // number + 1; 0 is free
	seed   maphash.Seed
}

func (s *stateSet[W]) len() int { return len(s.from) }

func (s *stateSet[W]) at(n int32) *W { return &s.chunks[n>>chunkBits][n&(1<<chunkBits-1)] }

// add puts w in, unless it is known.
func (s *stateSet[W]) add(w *W, from int32) {
	if len(s.from)*2 >= len(s.table) {
		s.grow()
	}
	slot := s.slot(w)
	if s.table[slot] != 0 {
		return
	}
	n := len(s.from)
	if n == maxStates {
		panic("the scenario has more states than the search has room for")
	}
	if n>>chunkBits == len(s.chunks) {
		s.chunks = append(s.chunks, make([]W, 0, 1<<chunkBits))
	}
	last := &s.chunks[n>>chunkBits]
	*last = append(*last, *w)
	s.from = append(s.from, from)
	s.table[slot] = int32(n) + 1
}

// slot is where w is, or belongs.
func (s *stateSet[W]) slot(w *W) int {
	mask := len(s.table) - 1
	i := int(maphash.Comparable(s.seed, *w)) & mask
	for s.table[i] != 0 && *s.at(s.table[i] - 1) != *w {
		i = (i + 1) & mask
	}
	return i
}

func (s *stateSet[W]) grow() {
	if s.table == nil {
		s.seed = maphash.MakeSeed()
	}
	s.table = make([]int32, max(1<<12, 2*len(s.table)))
	mask := len(s.table) - 1
	for n := range int32(len(s.from)) {
		i := int(maphash.Comparable(s.seed, *s.at(n))) & mask
		for s.table[i] != 0 {
			i = (i + 1) & mask
		}
		s.table[i] = n + 1
	}
}
