package storetest

import (
	"context"
	"maps"
	"sync"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/session"
)

var _ session.Store = (*FaultyStore)(nil)

// ErrInjected is the inner reason of the failures that a [FaultyStore] makes.
var ErrInjected = errors.New("storetest: injected failure")

// FaultMode says how a call fails.
type FaultMode int

const (
	// ErrorBefore fails a call that never reached the store.
	ErrorBefore FaultMode = iota
	// ErrorAfter fails a call that the store has carried out: the answer was
	// lost.
	ErrorAfter
	// Hang keeps the call away from the store until its context ends.
	Hang
)

// Fault chooses calls and how they fail. The zero Fault fails every call before
// it reaches the store: the database is gone.
type Fault struct {
	// Call is the number of the one call to fail, counted from 1; 0 = all.
	Call int
	// Method restricts the fault to one method of session.Store, such as
	// "Advance": then only its calls are counted. Empty = any method.
	Method string
	// Mode is how the call fails.
	Mode FaultMode
	// Err is what it returns; nil = an errors.ErrUnavailable with the reason
	// ErrInjected. A hanging call returns the end of its context instead.
	Err error
}

// FaultyStore is a session.Store that fails as told and counts its calls. It is
// safe for concurrent use.
type FaultyStore struct {
	store session.Store

	mu     sync.Mutex
	faults []Fault
	counts map[string]int
	calls  int
	fired  int
}

// Faulty wraps store so that it fails as the faults say. Without any it only
// counts, which is what a test of a statement budget needs.
//
// A loop over N finds what the caller makes of a failure at any point:
//
//	for n := 1; ; n++ {
//		store := storetest.Faulty(memstore.New(),
//			storetest.Fault{Call: n, Mode: storetest.ErrorAfter})
//		// … run the story, check that no promise is broken …
//		if store.Fired() == 0 {
//			break // the story has fewer than n calls
//		}
//	}
func Faulty(store session.Store, faults ...Fault) *FaultyStore {
	f := &FaultyStore{store: store}
	f.Arm(faults...)

	return f
}

// Arm replaces the faults and begins to count anew: set up first, arm then.
// With no faults the store is healthy again.
func (f *FaultyStore) Arm(faults ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults, f.counts, f.calls, f.fired = faults, make(map[string]int), 0, 0
}

// Calls returns how many calls there were, failed ones included.
func (f *FaultyStore) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()

	return f.calls
}

// Counts returns the number of calls of each method that was called.
func (f *FaultyStore) Counts() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()

	return maps.Clone(f.counts)
}

// Fired returns how many calls were made to fail.
func (f *FaultyStore) Fired() int {
	f.mu.Lock()
	defer f.mu.Unlock()

	return f.fired
}

// next counts a call and returns the first fault that hits it, if any.
func (f *FaultyStore) next(method string) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	f.counts[method]++

	for _, fault := range f.faults {
		if fault.hits(method, f.calls, f.counts[method]) {
			f.fired++
			return fault, true
		}
	}
	return Fault{}, false
}

func (fault Fault) hits(method string, calls, ofMethod int) bool {
	if fault.Method == "" {
		return fault.Call == 0 || fault.Call == calls
	}
	return fault.Method == method && (fault.Call == 0 || fault.Call == ofMethod)
}

// faulty carries out one call, or what is left of it.
func faulty[T any](ctx context.Context, f *FaultyStore, method string, call func() (T, error)) (T, error) {
	fault, hit := f.next(method)
	if !hit {
		return call()
	}
	var none T
	switch fault.Mode {
	case Hang:
		<-ctx.Done()
		return none, errors.WithReason(errors.ErrUnavailable, ctx.Err())
	case ErrorAfter:
		_, _ = call() // the answer is what gets lost
	case ErrorBefore:
	}
	if fault.Err != nil {
		return none, fault.Err
	}
	return none, errors.WithReason(errors.ErrUnavailable, ErrInjected)
}

// faultyErr is faulty for methods that return nothing but an error.
func faultyErr(ctx context.Context, f *FaultyStore, method string, call func() error) error {
	_, err := faulty(ctx, f, method, func() (struct{}, error) { return struct{}{}, call() })
	return err
}
