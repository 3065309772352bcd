package memstore

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/gin-sessionkit/sessionkit/models"
)

// SetLabel implements session.Store.
func (s *Store) SetLabel(ctx context.Context, w models.LabelWrite) (bool, error) {
	return s.update(ctx, w.Handle, func(row *models.Session) bool {
		if !row.LiveAt(w.Now) || row.UserID != w.UserID {
			return false
		}
		row.Label = w.Label

		return true
	})
}

// Walk implements session.Store.
func (s *Store) Walk(ctx context.Context, w models.Walk) (page models.WalkPage, err error) {
	if err := alive(ctx); err != nil {
		return page, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()

	handles := slices.Sorted(maps.Keys(s.sessions))
	from, found := slices.BinarySearch(handles, w.After)
	if found {
		from++
	}
	handles = handles[from:]
	limit := cmp.Or(max(w.Limit, 0), 1000)
	if len(handles) >= limit {
		handles = handles[:limit]
		page.Next = handles[limit-1]
	}
	for _, handle := range handles {
		if row := s.sessions[handle]; row.LiveAt(w.Now) {
			page.Sessions = append(page.Sessions, shown(row))
		}
	}
	return page, nil
}

// RevokeMany implements session.Store.
func (s *Store) RevokeMany(ctx context.Context, r models.RevocationOfMany) (count int, err error) {
	if err := alive(ctx); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()

	for _, handle := range r.Handles {
		if row, ok := s.sessions[handle]; ok && row.LiveAt(r.Now) {
			row.RevokedAt, row.RevokeReason = r.Now, r.Reason
			count++
		}
	}
	return count, nil
}

// shown is a copy of a row as a list shows it, without secrets.
func shown(row *models.Session) models.Session {
	copied := *row
	copied.Lineage.Current, copied.Lineage.Previous = models.Hash{}, models.Hash{}
	copied.Payload, copied.Data = nil, nil

	return copied
}
