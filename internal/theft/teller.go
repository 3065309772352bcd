package theft

import (
	"context"
	"sync"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
)

const (
	// Workers is how many callbacks run at a time.
	Workers = 4
	// MaxWaiting is how many thefts wait for a worker.
	MaxWaiting = 1024
	// MaxPerUser is how many of them may be one user's, so that nobody can shut
	// out the others with thefts of his own.
	MaxPerUser = MaxWaiting / 8
	// CallTime ends the context of a callback.
	CallTime = 10 * time.Second
	// Grace is what callbacks get to return in when Close has ended their
	// contexts.
	Grace = time.Second
)

// Callback is the application's function.
type Callback func(context.Context, *errors.TokenTheftError)

// Failure is a theft for which the callback was not called, or did not end
// well.
type Failure struct {
	Theft  *errors.TokenTheftError
	Reason Reason
	// Lost counts the thefts that the callback was not called for, so far.
	Lost int
}

// Reason says what became of a callback.
type Reason string

// The reasons.
const (
	QueueFull   Reason = "was not called: too many thefts are waiting"
	Closed      Reason = "was not called before Close gave up"
	Panicked    Reason = "panicked"
	NotReturned Reason = "had not returned when Close gave up"
)

// Teller runs a callback for each theft. It is safe for concurrent use. A nil
// Teller has nobody to tell.
type Teller struct {
	callback Callback
	failed   func(Failure)
	base     context.Context // of the callbacks' contexts
	end      context.CancelFunc

	mu      sync.Mutex
	waiting []*errors.TokenTheftError
	running map[*errors.TokenTheftError]struct{}
	workers int
	dealing int // between Begin and End
	lost    int
	over    bool          // nothing is accepted any more
	idle    chan struct{} // made by Close, closed when nothing is left to wait for
	settled bool          // idle is closed
}

// New makes a Teller, or nil without a callback. It starts no goroutine.
// failed is told of each failure; it may be called by several at once.
func New(callback Callback, failed func(Failure)) *Teller {
	if callback == nil {
		return nil
	}
	// No request's context: its values may be a framework's that uses them
	// again for the next request, and they would live as long as the queue.
	base, end := context.WithCancel(context.Background())
	return &Teller{
		callback: callback, failed: failed, base: base, end: end,
		running: make(map[*errors.TokenTheftError]struct{}),
	}
}

// Begin announces that a session is about to be revoked as stolen, so that
// Close waits for what is told of it. It reports false when nobody could be
// told any more: then the session must be left to another process, which can.
// After true, call End.
func (t *Teller) Begin() bool {
	if t == nil {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return false
	}
	t.dealing++
	return true
}

// End ends what Begin began.
func (t *Teller) End() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dealing--
	t.settle()
}

// Tell has the callback called, and does not wait for it.
func (t *Teller) Tell(theft *errors.TokenTheftError) {
	if t == nil {
		return
	}
	own := *theft // a copy: the caller's goes to the application as an error
	if reason, ok := t.accept(&own); !ok {
		t.fail(&own, reason)
	}
}

func (t *Teller) accept(theft *errors.TokenTheftError) (Reason, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.over:
		t.lost++
		return Closed, false
	case len(t.waiting) >= MaxWaiting || t.waitingOf(theft.UserID) >= MaxPerUser:
		t.lost++
		return QueueFull, false
	}
	t.waiting = append(t.waiting, theft)
	if t.workers < Workers {
		t.workers++
		go t.work()
	}
	return "", true
}

// Counts are how many thefts wait for a worker, for how many a callback runs, and how
// many were lost so far: the callback was not called for them.
func (t *Teller) Counts() (waiting, running, lost int) {
	if t == nil {
		return 0, 0, 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waiting), len(t.running), t.lost
}

// waitingOf looks at the whole queue: thefts are rare, and it is short.
func (t *Teller) waitingOf(userID string) (n int) {
	for _, theft := range t.waiting {
		if theft.UserID == userID {
			n++
		}
	}
	return n
}

// fail reports a failure. The application's logger may panic, and the
// goroutines here have nobody above them who would recover.
func (t *Teller) fail(theft *errors.TokenTheftError, reason Reason) {
	defer func() { _ = recover() }()
	t.mu.Lock()
	lost := t.lost
	t.mu.Unlock()
	t.failed(Failure{Theft: theft, Reason: reason, Lost: lost})
}
