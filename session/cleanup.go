package session

import (
	"context"
	"time"

	"github.com/gin-sessionkit/sessionkit/internal/feed"
	"github.com/gin-sessionkit/sessionkit/internal/wait"
	"github.com/gin-sessionkit/sessionkit/models"
)

// cleanupGrace keeps rows a little longer than they live, for clocks that disagree.
const cleanupGrace = time.Minute

// lookUntil calls once now and then, to see whether a cleanup is due, until ctx ends.
// The store remembers when, so that restarts neither skip it nor repeat it.
func lookUntil(ctx context.Context, look time.Duration, once func(context.Context)) {
	for wait.Sleep(ctx, wait.Below(look/4)+time.Second) {
		once(ctx)
		if !wait.Sleep(ctx, look*3/4) {
			return
		}
	}
}

// cleanUpUntil removes ended rows once in each Cleanup.Every, until ctx ends.
func (s *Service) cleanUpUntil(ctx context.Context) {
	lookUntil(ctx, min(s.cfg.Cleanup.Every, time.Hour), s.cleanUpOnce)
}

// cleanUpOnce removes ended rows of the slices of which this instance gets the turn.
// Instances that look at the same time share them.
func (s *Service) cleanUpOnce(ctx context.Context) {
	defer s.survive(ctx, "sessionkit: cleanup panicked")
	slices := 1
	if s.store.Sharded() {
		slices = models.HomeSlices
	}
	removed, worked := 0, false
	for slice := range slices {
		if ctx.Err() != nil {
			break
		}
		n, mine := s.cleanUpSlice(ctx, slice)
		removed, worked = removed+n, worked || mine
	}
	if worked {
		s.emit(ctx, Event{Kind: EventCleanup, Count: removed})
	}
}

func (s *Service) cleanUpSlice(ctx context.Context, slice int) (removed int, mine bool) {
	now := s.now()
	return s.sweep(ctx,
		func(ctx context.Context) (bool, error) {
			return s.store.ClaimCleanup(ctx, models.CleanupClaim{Slice: slice, Now: now, Until: now + millis(s.cfg.Cleanup.Every)})
		},
		func(ctx context.Context) (int, error) {
			return s.store.DeleteEnded(ctx, models.EndedSessions{
				Slice: slice, Before: now - millis(cleanupGrace), Limit: s.cfg.Cleanup.Batch,
			})
		})
}

// cleanFeedUntil removes hints that no token can be older than, until ctx ends. One
// instance works in each hour, whatever Cleanup.Every is: an application that turns
// that off has a cleanup of its own for sessions, not for hints.
func (s *Service) cleanFeedUntil(ctx context.Context) {
	lookUntil(ctx, time.Hour, s.cleanFeedOnce)
}

// cleanFeedOnce removes old hints if this instance gets the turn.
func (s *Service) cleanFeedOnce(ctx context.Context) {
	defer s.survive(ctx, "sessionkit: cleanup of the feed panicked")
	now, before := s.now(), int64(0)
	s.sweep(ctx,
		func(ctx context.Context) (bool, error) {
			mine, err := s.hints.store.ClaimFeedCleanup(ctx, now, now+millis(time.Hour))
			if err != nil || !mine {
				return false, err
			}
			// The times of hints are the database's.
			page, err := s.hints.store.ReadFeed(ctx, models.FeedQuery{Limit: 1})
			before = page.Clock - millis(feed.Kept)
			return true, err
		},
		func(ctx context.Context) (int, error) {
			return s.hints.store.DeleteHints(ctx, before, s.cfg.Cleanup.Batch)
		})
}

// sweep removes what is old if this instance gets the turn, which mine says. A failure
// is logged and left to the next turn.
func (s *Service) sweep(ctx context.Context, claim func(context.Context) (bool, error), remove func(context.Context) (int, error)) (removed int, mine bool) {
	claiming, cancel := s.bounded(ctx)
	mine, err := claim(claiming)
	cancel()
	if err == nil && mine {
		removed, err = s.removeInBatches(ctx, remove)
	} else {
		mine = false
	}
	if err != nil && ctx.Err() == nil {
		s.cfg.Logger.WarnContext(ctx, "sessionkit: cleanup failed", "error", err)
	}
	return removed, mine
}

// removeInBatches works in small batches with pauses, so that no lock is held long and
// replicas keep up.
func (s *Service) removeInBatches(ctx context.Context, remove func(context.Context) (int, error)) (removed int, err error) {
	for {
		batch, cancel := s.bounded(ctx)
		n, err := remove(batch)
		cancel()
		removed += n
		if err != nil || n < s.cfg.Cleanup.Batch || !wait.Sleep(ctx, s.cfg.Cleanup.Pause) {
			return removed, err
		}
	}
}
