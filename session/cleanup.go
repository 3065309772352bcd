package session

import (
	"context"
	"time"

	"github.com/gin-sessionkit/sessionkit/internal/wait"
)

// cleanupGrace keeps rows a little longer than they live, for clocks that disagree.
const cleanupGrace = time.Minute

// cleanUpUntil looks now and then whether a cleanup is due, until ctx ends. The
// store remembers when, so that restarts neither skip it nor repeat it.
func (s *Service) cleanUpUntil(ctx context.Context) {
	look := min(s.cfg.Cleanup.Every, time.Hour)
	for wait.Sleep(ctx, wait.Below(look/4)+time.Second) {
		s.cleanUpOnce(ctx)
		if !wait.Sleep(ctx, look*3/4) {
			return
		}
	}
}

// cleanUpOnce removes ended rows if this instance gets the turn. A failure is
// logged and left to the next turn; a panic of a store must not end the loop.
func (s *Service) cleanUpOnce(ctx context.Context) {
	defer func() {
		if recover() != nil {
			s.logPanic(ctx, "sessionkit: cleanup panicked")
		}
	}()
	now := s.now()
	claim, cancel := s.bounded(ctx)
	mine, err := s.store.ClaimCleanup(claim, now, now+millis(s.cfg.Cleanup.Every))
	cancel()
	if err != nil || !mine {
		s.warnCleanup(ctx, err)
		return
	}
	removed, err := s.deleteEnded(ctx)
	s.warnCleanup(ctx, err)
	s.emit(ctx, Event{Kind: EventCleanup, Count: removed})
}

// deleteEnded works in small batches with pauses, so that no lock is held
// long and replicas keep up.
func (s *Service) deleteEnded(ctx context.Context) (removed int, err error) {
	before := s.now() - millis(cleanupGrace)
	for {
		batch, cancel := s.bounded(ctx)
		n, err := s.store.DeleteEnded(batch, before, s.cfg.Cleanup.Batch)
		cancel()
		removed += n
		if err != nil || n < s.cfg.Cleanup.Batch || !wait.Sleep(ctx, s.cfg.Cleanup.Pause) {
			return removed, err
		}
	}
}

func (s *Service) warnCleanup(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		s.cfg.Logger.WarnContext(ctx, "sessionkit: cleanup failed", "error", err)
	}
}
