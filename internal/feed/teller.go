package feed

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/wait"
	"github.com/gin-sessionkit/sessionkit/models"
)

// Sink is where hints are written.
type Sink interface {
	WriteHint(ctx context.Context, h models.Hint) error
}

// Teller tells the other processes what to ask the database about. It is safe for
// concurrent use. Make one with NewTeller.
//
// What could not be told it tells later. Not everybody who ends a session can repeat
// it: a theft is found once, a sign-in goes on without the session before it, and who
// signs out again is refused, as the session has ended.
type Teller struct {
	sink    Sink
	timeout time.Duration
	known   *Feed
	lost    func(context.Context, error)
	recent  recent

	wake chan struct{}
	mu   sync.Mutex
	// untold are hints that could not be written.
	untold map[subject]models.Hint
}

// maxUntold is how many wait. One about everybody takes the place of more.
const maxUntold = 1000

const (
	untoldPause    = 100 * time.Millisecond
	maxUntoldPause = 5 * time.Second
)

// NewTeller returns a Teller whose statements take up to timeout. known, unless nil, is
// what this process knows, and lost is told why a hint cannot be written: it will never
// be, or the store panicked.
func NewTeller(sink Sink, timeout time.Duration, known *Feed, lost func(context.Context, error)) *Teller {
	return &Teller{
		sink: sink, timeout: timeout, known: known, lost: lost,
		wake: make(chan struct{}, 1), untold: map[subject]models.Hint{},
	}
}

// Named is h under an id of its own.
func Named(h models.Hint) models.Hint {
	_, _ = rand.Read(h.ID[:])
	return h
}

// Tell writes hints, each under an id of its own; this process knows them at once. It
// comes before the row is written: so there is no moment in which the session has ended
// and nobody can know. A hint about what does not happen does no harm. An error is an
// [errors.ErrUnavailable]; the caller goes on all the same and returns it at the end.
//
// What could not be written is tried again in the background, and so is what comes
// after it in the list: a database that hangs takes the time of one hint only.
func (t *Teller) Tell(ctx context.Context, list ...models.Hint) (untold error) {
	for _, h := range list {
		h = Named(h)
		if t.known != nil {
			t.known.Apply(h)
		}
		if untold == nil {
			untold = t.write(ctx, h)
		}
		if untold != nil && h.Kind != models.HintClaims { // whose caller can repeat it
			t.later(h)
		}
	}
	return untold
}

// write takes half of the time of a call at most: the other half is the row's, which
// must be written whatever becomes of the hint.
func (t *Teller) write(ctx context.Context, h models.Hint) error {
	if t.recent.has(h) {
		return nil
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, t.timeout/2)
	defer cancel()
	if err := t.sink.WriteHint(ctx, h); err != nil {
		return errors.WithReason(errors.ErrUnavailable, err)
	}
	t.recent.note(h, began)
	return nil
}

// later keeps a hint for Run. One about the same is enough.
func (t *Teller) later(h models.Hint) {
	t.mu.Lock()
	if len(t.untold) >= maxUntold {
		h.Kind, h.Subject, h.Owner = models.HintAll, "", ""
		clear(t.untold)
	}
	t.untold[subject{h.Kind, h.Subject}] = h
	t.mu.Unlock()
	select {
	case t.wake <- struct{}{}:
	default: // it is awake
	}
}

// next is one that waits; false when there is none.
func (t *Teller) next() (h models.Hint, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, h := range t.untold {
		return h, true
	}
	return models.Hint{}, false
}

// Waiting is how many hints wait for Run.
func (t *Teller) Waiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.untold)
}

// told drops a hint, unless a newer one about the same waits.
func (t *Teller) told(h models.Hint) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if about := (subject{h.Kind, h.Subject}); t.untold[about].ID == h.ID {
		delete(t.untold, about)
	}
}

// Run writes what could not be written, until ctx ends.
func (t *Teller) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.wake:
		}
		for pause := untoldPause; wait.Sleep(ctx, pause) && !t.catchUp(ctx); {
			pause = min(2*pause, maxUntoldPause)
		}
	}
}

// catchUp writes what waits, and reports whether it could.
func (t *Teller) catchUp(ctx context.Context) (done bool) {
	for {
		h, ok := t.next()
		if !ok {
			return true
		}
		err := safely(func() error {
			ctx, cancel := context.WithTimeout(ctx, t.timeout)
			defer cancel()
			return t.sink.WriteHint(ctx, h)
		})
		never := errors.Is(err, errors.ErrInvalidInput)
		if never || errors.Is(err, errPanicked) {
			t.lost(ctx, err)
		}
		if err != nil && !never {
			return false
		}
		t.told(h)
	}
}
