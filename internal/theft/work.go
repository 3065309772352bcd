package theft

import (
	"context"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// work calls the callback until nothing waits. Workers come and go with the
// thefts: there are none in a service that has seen none.
func (t *Teller) work() {
	defer t.leave()
	for theft := t.next(); theft != nil; theft = t.next() {
		t.call(theft)
	}
}

// next takes the theft that has waited longest, or nil.
func (t *Teller) next() *errors.TokenTheftError {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) == 0 {
		t.waiting = nil
		return nil
	}
	theft := t.waiting[0]
	t.waiting[0] = nil
	t.waiting = t.waiting[1:]
	t.running[theft] = struct{}{}
	return theft
}

// leave ends a worker, or puts another in its place: a theft may have come just
// now, and a callback may have ended its goroutine (runtime.Goexit, as the
// FailNow of a test does).
func (t *Teller) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) > 0 {
		go t.work()
		return
	}
	t.workers--
	t.settle()
}

func (t *Teller) call(theft *errors.TokenTheftError) {
	ctx, cancel := context.WithTimeout(t.base, CallTime)
	defer cancel()
	defer t.returned(theft)
	defer func() {
		if recover() != nil {
			t.fail(theft, Panicked) // without the value: it may hold anything
		}
	}()
	its := *theft // to be changed as it likes
	t.callback(ctx, &its)
}

func (t *Teller) returned(theft *errors.TokenTheftError) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.running, theft)
}
