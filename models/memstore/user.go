package memstore

import (
	"cmp"
	"context"
	"slices"

	"github.com/gin-sessionkit/sessionkit/models"
)

// Revoke implements session.Store.
func (s *Store) Revoke(ctx context.Context, r models.Revocation) (bool, error) {
	return s.update(ctx, r.Handle, func(row *models.Session) bool {
		if row.RevokedAt != 0 || r.UserID != "" && row.UserID != r.UserID ||
			!r.Current.IsZero() && !row.Lineage.Current.Equal(r.Current) {
			return false
		}
		row.RevokedAt, row.RevokeReason = r.Now, r.Reason
		if r.Successor != "" {
			row.Origin = r.Successor
		}

		return true
	})
}

// RevokeAll implements session.Store.
func (s *Store) RevokeAll(ctx context.Context, r models.RevocationOfUser) (done models.RevokedOfUser, err error) {
	if err := alive(ctx); err != nil {
		return done, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()

	rows, next := s.newestOfUser(r.UserID, r.From, r.Limit)
	done.Next = next
	for _, row := range rows {
		// The empty name spares nobody, not even a session of that name.
		if !row.LiveAt(r.Now) || r.Except != "" && row.Handle == r.Except {
			continue
		}
		row.RevokedAt, row.RevokeReason = r.Now, r.Reason
		done.Count++
	}
	return done, nil
}

// Downgrade implements session.Store.
func (s *Store) Downgrade(ctx context.Context, d models.Downgrade) (done models.Downgraded, err error) {
	if err := alive(ctx); err != nil {
		return done, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()

	rows, next := s.newestOfUser(d.UserID, d.From, d.Limit)
	done.Next = next
	for _, row := range rows {
		if row.LiveAt(d.Now) && row.Level > d.Level {
			row.Level = d.Level
			done.Count++
		}
	}
	return done, nil
}

// newestOfUser are the user's rows below from, from the newest on, and where to go on.
func (s *Store) newestOfUser(userID string, from models.Position, limit int) ([]*models.Session, *models.Position) {
	rows := s.ofUser(userID, func(at models.Position) bool {
		return from == models.Position{} || at.Before(from)
	})
	slices.Reverse(rows)
	return cutPage(rows, limit)
}

// List implements session.Store.
func (s *Store) List(ctx context.Context, q models.SessionsOfUser) (page models.SessionPage, err error) {
	if err := alive(ctx); err != nil {
		return page, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()

	rows := s.ofUser(q.UserID, func(at models.Position) bool {
		return q.From == models.Position{} || q.From.Before(at)
	})
	rows, page.Next = cutPage(rows, q.Limit)
	for _, row := range rows {
		if !row.LiveAt(q.Now) {
			continue
		}
		page.Sessions = append(page.Sessions, shown(row))
	}
	return page, nil
}

// ofUser returns the rows of a user that nobody has revoked and that are in the range
// asked for, oldest first. The lock must be held.
func (s *Store) ofUser(userID string, within func(models.Position) bool) []*models.Session {
	var rows []*models.Session
	for _, row := range s.sessions {
		if row.UserID == userID && row.RevokedAt == 0 && within(row.Position()) {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b *models.Session) int {
		return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.Handle, b.Handle))
	})
	return rows
}

// cutPage returns the first limit rows, and where to go on if there may be more.
func cutPage(rows []*models.Session, limit int) ([]*models.Session, *models.Position) {
	if limit <= 0 {
		limit = 1000
	}
	if len(rows) < limit {
		return rows, nil
	}
	next := rows[limit-1].Position()
	return rows[:limit], &next
}
