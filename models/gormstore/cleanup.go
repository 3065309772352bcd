package gormstore

import (
	"context"
	"slices"

	"github.com/gin-sessionkit/sessionkit/models"
)

// maxBatch bounds how many rows one statement reads or locks: long lists of
// locks make others wait, and Galera and TiDB bound the size of a transaction.
const maxBatch = 1000

const (
	// selectEnded reads two index ranges, each with a limit of its own: for an
	// OR over two columns engines read the whole table. UNION drops a handle
	// that is in both.
	selectEnded statement = "SELECT handle FROM (SELECT handle FROM {sessions by expiry} " +
		"WHERE expires_at < ?{in slice} ORDER BY expires_at LIMIT ?) AS idle " +
		"UNION SELECT handle FROM (SELECT handle FROM {sessions by end} " +
		"WHERE absolute_expires_at > 0 AND absolute_expires_at < ?{in slice} ORDER BY absolute_expires_at LIMIT ?) AS ended LIMIT ?"

	// deleteEnded is followed by which; see execIn.
	deleteEnded statement = "DELETE FROM {sessions} WHERE (expires_at < ? OR " +
		"(absolute_expires_at > 0 AND absolute_expires_at < ?)) AND "
)

// DeleteEnded removes up to e.Limit rows of a slice, and never more than 1000, that
// ended before the given time; see session.Store.
//
// It takes two statements: one reads the handles, the other deletes by primary key; in
// a sharded store the second is several, see among. A DELETE over the index on a time
// would lock gaps where live sessions move their end to. As a session may have been
// extended between the two, the second asks for the end again.
func (s *Store) DeleteEnded(ctx context.Context, e models.EndedSessions) (int, error) {
	if err := s.checkSlice(e.Slice); err != nil {
		return 0, err
	}
	limit := min(e.Limit, maxBatch)
	if limit <= 0 {
		return 0, nil
	}
	ended := append([]any{e.Before}, s.within(e.Slice)...)
	ended = append(ended, limit)
	handles, err := collect(ctx, s, scanHandle, s.sql.of(selectEnded), append(slices.Concat(ended, ended), limit)...)
	if err != nil || len(handles) == 0 {
		return 0, err
	}
	return s.execIn(ctx, deleteEnded, handles, e.Before, e.Before)
}

// claim takes the row if the claim before it has run out. The last condition keeps a
// claim from being made shorter, and makes the statement change the row.
const claim statement = "UPDATE {meta} SET value = ? WHERE name = ? AND value <= ? AND value < ?"

// ClaimCleanup reports whether the caller may clean up a slice now; see session.Store.
func (s *Store) ClaimCleanup(ctx context.Context, c models.CleanupClaim) (bool, error) {
	if err := s.checkSlice(c.Slice); err != nil {
		return false, err
	}
	return s.swap(ctx, s.sql.of(claim), c.Until, cleanupRow(s.sharded, c.Slice), c.Now, c.Until)
}
