package keyring

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// flight lets one operation run at a time, in a goroutine of its own: a caller
// who gives up neither ends it for the others nor has to wait for it.
//
// The order of operations matters, not only their number: of two loads at once
// the one that began first could end last, and put old keys into the place of
// new ones.
type flight struct {
	mu  sync.Mutex // guards cur, and is held for a moment only
	cur *call      // the operation under way, or nil
	// waitLimit is how long after its start requests wait for an operation.
	waitLimit time.Duration
}

// call is one operation under way.
type call struct {
	done chan struct{} // closed at its end
	err  error         // to be read after that
	// until is when requests give up on it, by the machine's clock rather than
	// the ring's: it is about waiting, and a clock that a test sets does not
	// move by it.
	until time.Time
}

// start begins op, unless another operation is under way: then it returns that
// one and false.
func (f *flight) start(op func() error) (c *call, mine bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cur != nil {
		return f.cur, false
	}
	c = &call{done: make(chan struct{}), until: time.Now().Add(f.waitLimit)}
	f.cur = c
	go func() {
		// In this order: whoever saw the end finds the flight free.
		defer func() {
			f.mu.Lock()
			f.cur = nil
			f.mu.Unlock()
			close(c.done)
		}()
		c.err = protect(op)
	}()
	return c, true
}

// run waits for its turn and then for op, both as long as ctx lives. The error
// is op's: that of an operation which was in the way is its own caller's
// business.
func (f *flight) run(ctx context.Context, op func() error) error {
	for {
		c, mine := f.start(op)
		if err := c.wait(ctx); mine || ctx.Err() != nil {
			return err
		}
	}
}

// current is the operation under way, or nil.
func (f *flight) current() *call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.cur
}

// await is wait for a request, which may have something better to do: it waits
// no longer than the limit, counted from the operation's start. So only those
// wait for an operation that hangs who were there when it began, and each of
// them once, however many tokens a request brings. ended is false when the wait
// was given up.
func (c *call) await(ctx context.Context) (ended bool, err error) {
	ctx, cancel := context.WithDeadline(ctx, c.until)
	defer cancel()
	err = c.wait(ctx)
	// When both are ready, wait chooses at random; the end of the operation
	// counts.
	select {
	case <-c.done:
		return true, c.err
	default:
		return false, err
	}
}

// wait returns the operation's error, or an [errors.ErrUnavailable] when ctx
// ends first.
func (c *call) wait(ctx context.Context) error {
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		return errors.WithReason(errors.ErrUnavailable, context.Cause(ctx))
	}
}

// protect turns a panic of op into an error. The goroutines here have nobody
// above them who would recover, so a panic in the application's store, provider
// or logger would end the process. The panic's value is left out, as nobody
// knows what is in it; where it happened is enough to find it.
func protect(op func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = errors.WithReason(errors.ErrGeneral, fmt.Errorf("panic of type %T at %s", v, panicSite()))
		}
	}()
	return op()
}

// panicSite names the function that panicked: the first outside of the runtime
// below the deferred function that calls this.
func panicSite() string {
	pcs := make([]uintptr, 16)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)]) // skips Callers, panicSite, the deferred function
	for {
		frame, more := frames.Next()
		if !more || !runtimeFunc(frame.Function) {
			return fmt.Sprintf("%s (line %d)", frame.Function, frame.Line)
		}
	}
}

// runtimeFunc reports whether name is of package runtime, through which a panic
// passes on its way: panics of a nil pointer and the like begin there.
func runtimeFunc(name string) bool {
	return len(name) > 8 && name[:8] == "runtime."
}
