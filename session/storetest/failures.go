package storetest

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/gin-sessionkit/sessionkit/session"
)

// Checks returns the names of the suite's checks: each is a sentence of the
// contract.
func Checks() (names []string) {
	for _, p := range parts() {
		for _, c := range p.checks {
			names = append(names, c.name)
		}
	}
	return names
}

// Failures runs the suite of [Run] and returns the names of the checks that the
// store fails, in the order of the suite; none for a store that keeps the
// contract. Each check calls open once, for an empty store.
//
// It is for trying stores that are wrong on purpose. A panic in the call of a
// check is a failure of it; one in a call that races with others is not caught.
func Failures(ctx context.Context, open func() session.Store, opts ...Option) (names []string) {
	o := optionsOf(opts)
	for _, p := range parts() { //nolint:contextcheck // failsOn hands each check its own
		for _, c := range p.checks {
			if p.failsOn(ctx, c, open, o) {
				names = append(names, c.name)
			}
		}
	}
	return names
}

// failsOn reports whether the check fails on a fresh store. One that lacks the part
// does not fail.
func (p part) failsOn(ctx context.Context, c check, open func() session.Store, o options) bool {
	rec := &recorder{ctx: ctx}
	var group sync.WaitGroup
	group.Go(func() { // FailNow ends the goroutine
		defer func() {
			if r := recover(); r != nil {
				rec.Errorf("panic: %v", r)
			}
		}()
		if store := open(); p.isOf(store, o) {
			c.run(newTrial(rec, store, o))
		}
	})
	group.Wait()

	return len(rec.failures) > 0
}

// recorder stands in for *testing.T where failing is no failure of the test.
type recorder struct {
	ctx context.Context

	mu       sync.Mutex
	failures []string
}

// Helper implements testing.TB, and has nothing to do.
func (r *recorder) Helper() {}

// FailNow ends the check.
func (r *recorder) FailNow() { runtime.Goexit() }

// Context is the caller's.
func (r *recorder) Context() context.Context { return r.ctx }

// Errorf notes a failure.
func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}
