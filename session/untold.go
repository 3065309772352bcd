package session

import (
	"context"
	"sync"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/wait"
	"github.com/gin-sessionkit/sessionkit/models"
)

// untold are hints that could not be written although the row may have been. Not
// everybody who ends a session can repeat it: a theft is found once, a sign-in goes on
// without the session before it, and who signs out again is refused, as the session has
// ended. So this process itself tries on until they are written.
type untold struct {
	wake chan struct{}

	mu   sync.Mutex
	list map[about]models.Hint
}

// about is what a hint is about: one is enough.
type about struct {
	kind    models.HintKind
	subject string
}

// maxUntold is how many wait. One about everybody takes the place of more.
const maxUntold = 1000

const (
	untoldPause    = 100 * time.Millisecond
	maxUntoldPause = 5 * time.Second
)

func (u *untold) init() {
	u.wake = make(chan struct{}, 1)
	u.list = map[about]models.Hint{}
}

func (u *untold) add(h models.Hint) {
	u.mu.Lock()
	if len(u.list) >= maxUntold {
		h.Kind, h.Subject, h.Owner = models.HintAll, "", ""
		clear(u.list)
	}
	u.list[about{h.Kind, h.Subject}] = h
	u.mu.Unlock()
	select {
	case u.wake <- struct{}{}:
	default: // it is awake
	}
}

// next is one that waits; false when there is none.
func (u *untold) next() (h models.Hint, ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, h := range u.list {
		return h, true
	}
	return models.Hint{}, false
}

// told drops a hint, unless a newer one about the same waits.
func (u *untold) told(h models.Hint) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if key := (about{h.Kind, h.Subject}); u.list[key].ID == h.ID {
		delete(u.list, key)
	}
}

// tellUntil writes what could not be written, until ctx ends.
func (s *Service) tellUntil(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.hints.untold.wake:
		}
		for pause := untoldPause; wait.Sleep(ctx, pause) && !s.tell(ctx); {
			pause = min(2*pause, maxUntoldPause)
		}
	}
}

// tell writes what waits, and reports whether it could. A panic of a store must not end
// the loop.
func (s *Service) tell(ctx context.Context) (done bool) {
	defer s.survive(ctx, "sessionkit: telling of revocations panicked")
	for {
		h, ok := s.hints.untold.next()
		if !ok {
			return true
		}
		err := s.boundedly(ctx, func(ctx context.Context) error { return s.hints.store.WriteHint(ctx, h) })
		switch {
		case errors.Is(err, errors.ErrInvalidInput): // and will be
			s.cfg.Logger.ErrorContext(ctx, "sessionkit: the other processes cannot be told of a revocation", "error", err)
		case err != nil:
			return false
		}
		s.hints.untold.told(h)
	}
}
