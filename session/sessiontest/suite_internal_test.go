package sessiontest

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// recorder stands in for *testing.T where failing is what is hoped for.
type recorder struct {
	ctx context.Context

	mu       sync.Mutex
	failures []string
}

func (r *recorder) Helper()                  {}
func (r *recorder) FailNow()                 { runtime.Goexit() }
func (r *recorder) Context() context.Context { return r.ctx }

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

// failsOn reports whether the check fails on a fresh store of that kind.
func (c check) failsOn(ctx context.Context, m mutant, o options) bool {
	rec := &recorder{ctx: ctx}
	var group sync.WaitGroup
	group.Go(func() { // FailNow ends the goroutine
		defer func() {
			if r := recover(); r != nil {
				rec.Errorf("panic: %v", r)
			}
		}()
		c.run(newTrial(rec, m.open(), o))
	})
	group.Wait()

	return len(rec.failures) > 0
}

// TestSuiteCatches: a suite that lets a wrong store pass is broken, and so is a
// check that no wrong store fails.
func TestSuiteCatches(t *testing.T) {
	t.Parallel()
	o := options{rounds: 40}
	caught := make(map[string][]string) // check: mutants

	sound := mutant{open: breaking(func(*Store, *broken) {})}
	for _, c := range checks() {
		require.False(t, c.failsOn(t.Context(), sound, o), "a sound store fails %q", c.name)
	}
	for _, m := range mutants() {
		t.Run(m.name, func(t *testing.T) {
			var by []string
			for _, c := range checks() {
				if c.failsOn(t.Context(), m, o) {
					by = append(by, c.name)
					caught[c.name] = append(caught[c.name], m.name)
				}
			}
			t.Logf("caught by %q", by)
			require.True(t, slices.Contains(by, m.caughtBy), "not caught by %q", m.caughtBy)
		})
	}
	for _, c := range checks() {
		require.NotEmpty(t, caught[c.name], "no wrong store fails %q", c.name)
	}
}
