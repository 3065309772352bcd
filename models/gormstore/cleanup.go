package gormstore

import (
	"context"
	"database/sql"
)

// maxBatch bounds how many rows one statement reads or locks.
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
		s.sql[selectEnded], before, limit, before, limit, limit)
	if err != nil || len(handles) == 0 {
		return 0, err
	}
	return s.execIn(ctx, deleteEnded, handles, before, before)
}

// ClaimCleanup reports whether the caller may clean up now; see session.Store.
func (s *Store) ClaimCleanup(ctx context.Context, now, until int64) (bool, error) {
	return s.swap(ctx, s.sql[claimCleanup], until, now, until)
}
