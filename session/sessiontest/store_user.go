package sessiontest

import (
	"cmp"
	"context"
	"slices"

	"github.com/gin-sessionkit/sessionkit/models"
)

// Revoke implements session.Store.
func (s *Store) Revoke(ctx context.Context, r models.Revocation) (bool, error) {
	return s.update(ctx, r.Handle, func(row *models.Session) bool {
		if row.RevokedAt != 0 || !r.Current.IsZero() && !row.RefreshToken.CurHash.Equal(r.Current) {
			return false
		}
		row.RevokedAt, row.RevokeReason = r.Now, r.Reason

		return true
	})
}

// RevokeAll implements session.Store.
func (s *Store) RevokeAll(
	ctx context.Context, userID, except string, reason models.RevokeReason, now int64,
) (int, error) {
	if err := alive(ctx); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()

	revoked := 0
	for handle, row := range s.sessions {
		// The empty name spares nobody, not even a session of that name.
		if row.UserID != userID || !row.LiveAt(now) || except != "" && handle == except {
			continue
		}
		row.RevokedAt, row.RevokeReason = now, reason
		revoked++
	}
	return revoked, nil
}

// List implements session.Store. Of sessions created in the same millisecond
// the one with the smaller handle comes first.
func (s *Store) List(ctx context.Context, userID string, now int64) ([]models.Session, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()

	var list []models.Session
	for _, row := range s.sessions {
		if row.UserID != userID || !row.LiveAt(now) {
			continue
		}
		shown := *row
		shown.RefreshToken.CurHash, shown.RefreshToken.PrevHash = models.Hash{}, models.Hash{}
		shown.Payload, shown.Data = nil, nil
		list = append(list, shown)
	}
	slices.SortFunc(list, func(a, b models.Session) int {
		return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.Handle, b.Handle))
	})
	return list, nil
}
