package session

import (
	"context"
	"slices"
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
	parts, now := make([]part, slices), s.now()
	for slice := range parts {
		parts[slice] = s.sliceOfSessions(slice, now)
	}
	if removed, mine := s.sweep(ctx, parts...); mine {
		removed += s.cleanThere(ctx)
		s.emit(ctx, Event{Kind: EventCleanup, Count: removed})
	}
}

func (s *Service) sliceOfSessions(slice int, now int64) part {
	return part{
		claim: func(ctx context.Context) (bool, error) {
			return s.store.ClaimCleanup(ctx, models.CleanupClaim{Slice: slice, Now: now, Until: now + millis(s.cfg.Cleanup.Every)})
		},
		remove: func(ctx context.Context) (int, error) {
			return s.store.DeleteEnded(ctx, models.EndedSessions{
				Slice: slice, Before: now - millis(cleanupGrace), Limit: s.cfg.Cleanup.Batch,
			})
		},
	}
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
	s.sweep(ctx, part{
		claim: func(ctx context.Context) (bool, error) {
			mine, err := s.hints.store.ClaimFeedCleanup(ctx, now, now+millis(time.Hour))
			if err != nil || !mine {
				return false, err
			}
			// The times of hints are the database's.
			page, err := s.hints.store.ReadFeed(ctx, models.FeedQuery{Limit: 1})
			before = page.Clock - millis(feed.Kept)
			return true, err
		},
		remove: func(ctx context.Context) (int, error) {
			return s.hints.store.DeleteHints(ctx, before, s.cfg.Cleanup.Batch)
		},
	})
}

// part is what is cleaned up by itself: a slice of the sessions, or the feed.
type part struct {
	// claim reports whether this instance gets the turn.
	claim func(context.Context) (bool, error)
	// remove removes a batch, and returns how many rows those were.
	remove func(context.Context) (int, error)
}

// sweep removes what is old from the parts of which this instance gets the turn, if it
// gets one, which mine says. A failure is logged and leaves its part to the next turn.
//
// Each part has a batch by turns. The slices that lie on one server share the index on
// the ends, which a batch reads from its begin: what was left there of others it would
// have to read past, more of it with each batch.
func (s *Service) sweep(ctx context.Context, parts ...part) (removed int, mine bool) {
	parts = slices.DeleteFunc(parts, func(p part) bool { return ctx.Err() != nil || !s.getsTurn(ctx, p) })
	mine = len(parts) > 0
	for len(parts) > 0 {
		parts = slices.DeleteFunc(parts, func(p part) bool {
			if ctx.Err() != nil {
				return true
			}
			n, more := s.removeBatch(ctx, p)
			removed += n
			return !more
		})
	}
	return removed, mine
}

func (s *Service) getsTurn(ctx context.Context, p part) bool {
	claiming, cancel := s.bounded(ctx)
	defer cancel()
	mine, err := p.claim(claiming)
	s.warnOfCleanup(ctx, err)
	return err == nil && mine
}

// removeBatch reports whether there may be more. A pause after a full batch keeps locks
// short and lets replicas keep up.
func (s *Service) removeBatch(ctx context.Context, p part) (removed int, more bool) {
	batch, cancel := s.bounded(ctx)
	removed, err := p.remove(batch)
	cancel()
	s.warnOfCleanup(ctx, err)
	return removed, err == nil && removed >= s.cfg.Cleanup.Batch && wait.Sleep(ctx, s.cfg.Cleanup.Pause)
}

func (s *Service) warnOfCleanup(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		s.cfg.Logger.WarnContext(ctx, "sessionkit: cleanup failed", "error", err)
	}
}
