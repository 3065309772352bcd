package memstore

import (
	"context"

	"github.com/gin-sessionkit/sessionkit/models"
)

// DeleteEnded implements session.Store. Which of the ended rows go first when
// there are more than limit is left open.
func (s *Store) DeleteEnded(ctx context.Context, before int64, limit int) (int, error) {
	if err := alive(ctx); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()

	deleted := 0
	for handle, row := range s.sessions {
		if deleted >= limit {
			break
		}
		if endedBefore(row, before) {
			delete(s.sessions, handle)
			deleted++
		}
	}
	return deleted, nil
}

// ClaimCleanup implements session.Store.
func (s *Store) ClaimCleanup(ctx context.Context, now, until int64) (bool, error) {
	return s.claim(ctx, &s.cleanupUntil, now, until)
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
