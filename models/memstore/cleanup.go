package memstore

import (
	"context"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

// DeleteEnded implements session.Store. Which of the ended rows go first when
// there are more than limit is left open.
func (s *Store) DeleteEnded(ctx context.Context, e models.EndedSessions) (int, error) {
	if err := s.usable(ctx, e.Slice); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()

	deleted := 0
	for handle, row := range s.sessions {
		if deleted >= e.Limit {
			break
		}
		if endedBefore(row, e.Before) && s.slice(handle) == e.Slice {
			delete(s.sessions, handle)
			deleted++
		}
	}
	return deleted, nil
}

// ClaimCleanup implements session.Store.
func (s *Store) ClaimCleanup(ctx context.Context, c models.CleanupClaim) (bool, error) {
	if err := s.usable(ctx, c.Slice); err != nil {
		return false, err
	}
	return s.claim(ctx, &s.cleanupUntil[c.Slice], c.Now, c.Until)
}

// usable is alive, and refuses a slice that the store does not have.
func (s *Store) usable(ctx context.Context, slice int) error {
	if slice < 0 || slice > 0 && !s.sharded || slice >= models.HomeSlices {
		return errors.WithReason(errors.ErrInvalidInput, errors.New("there is no such slice"))
	}
	return alive(ctx)
}

// slice is the one that a row lies in.
func (s *Store) slice(handle string) int {
	if !s.sharded {
		return 0
	}
	home, _ := models.HomeOfHandle(handle) // Insert has seen to it
	return home.Slice()
}

// claim takes a claim that has run out.
func (s *Store) claim(ctx context.Context, claimed *int64, now, until int64) (bool, error) {
	if err := alive(ctx); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()

	if *claimed > now {
		return false, nil
	}
	*claimed = until

	return true, nil
}

// endedBefore reports whether one of the ends of row passed before t. Being
// revoked is not asked: a tombstone has to outlive the tokens it refuses.
func endedBefore(row *models.Session, t int64) bool {
	return row.ExpiresAt < t || row.AbsoluteExpiresAt != 0 && row.AbsoluteExpiresAt < t
}
