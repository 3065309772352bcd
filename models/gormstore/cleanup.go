package gormstore

import (
	"context"
	"database/sql"
	"slices"
)

// maxBatch bounds how many rows one DELETE locks.
const maxBatch = 1000

// DeleteEnded removes up to limit rows, and never more than 1000, that ended
// before the given time; see session.Store.
//
// It takes two statements: one reads the handles, the other deletes by primary
// key. A DELETE over the index on a time would lock gaps where live sessions
// move their end to. As a session may have been extended between the two, the
// second asks for the end again.
func (s *Store) DeleteEnded(ctx context.Context, before int64, limit int) (int, error) {
	limit = min(limit, maxBatch)
	if limit <= 0 {
		return 0, nil
	}
	handles, err := collect(ctx, s, func(rows *sql.Rows, handle *string) error { return rows.Scan(handle) },
		s.sql.selectEnded, before, limit, before, limit)
	if err != nil || len(handles) == 0 {
		return 0, err
	}
	handles = handles[:min(limit, len(handles))]
	slices.Sort(handles) // two cleaners lock in the same order

	args := []any{before, before}
	for _, handle := range handles {
		args = append(args, s.exact(handle))
	}
	return s.exec(ctx, s.sql.deleteEnded+marks(len(handles))+")", args...)
}

// ClaimCleanup reports whether the caller may clean up now; see session.Store.
func (s *Store) ClaimCleanup(ctx context.Context, now, until int64) (bool, error) {
	return s.swap(ctx, s.sql.claimCleanup, until, now, until)
}
