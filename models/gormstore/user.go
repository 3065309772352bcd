package gormstore

import (
	"context"
	"database/sql"
	"slices"

	"github.com/gin-sessionkit/sessionkit/models"
)

// A user's sessions are read in the order of the index on user_id, revoked_at
// and created_at, in pages: an account can have any number of them. Each page
// goes on where the one before ended, with a comparison rather than an OFFSET,
// which would read all pages before it again.
//
// Sessions that have expired are read too, and left out afterwards. In the
// WHERE clause they would not count towards LIMIT, and LIMIT would not bound
// what is read.
const (
	newestFirst = " ORDER BY created_at DESC, handle DESC LIMIT ?"
	oldestFirst = " ORDER BY created_at, handle LIMIT ?"
)

// listOfUser is followed by where the page begins, and by oldestFirst.
const listOfUser statement = "SELECT {list columns} FROM {sessions by user} WHERE {user} AND revoked_at = 0"

// List returns a page of a user's live sessions, oldest first, without secrets;
// see session.Store.
func (s *Store) List(ctx context.Context, q models.SessionsOfUser) (page models.SessionPage, err error) {
	limit := pageSize(q.Limit)
	where, args := s.beyond(">", q.From)
	args = append(append([]any{s.user(q.UserID)}, args...), limit)
	rows, err := collect(ctx, s, scanListed, s.sql.of(listOfUser)+where+oldestFirst, args...)
	if err != nil {
		return page, err
	}
	page.Next = next(rows, limit)
	page.Sessions = slices.DeleteFunc(rows, func(row models.Session) bool { return !row.LiveAt(q.Now) })
	return page, nil
}

const (
	// selectOfUser is read from the newest on: who signs in while all sessions are
	// being ended is above the page, and is not ended again and again.
	selectOfUser statement = "SELECT " + endColumns + " FROM {sessions by user} WHERE {user} AND revoked_at = 0"

	// revokeListed is followed by which; see execIn.
	revokeListed statement = "UPDATE {sessions} SET revoked_at = ?, revoke_reason = ? " +
		"WHERE revoked_at = 0 AND expires_at > ? AND (absolute_expires_at = 0 OR absolute_expires_at > ?) AND "
)

// RevokeAll revokes some of a user's live sessions, from the newest on; see
// session.Store and changePage.
func (s *Store) RevokeAll(ctx context.Context, r models.RevocationOfUser) (done models.RevokedOfUser, err error) {
	if err := checkReason(r.Reason); err != nil {
		return done, err
	}
	done.Count, done.Next, err = s.changePage(ctx, &pageChange{
		userID: r.UserID, from: r.From, limit: r.Limit,
		read: selectOfUser, scan: scanEnd,
		wanted: func(row *models.Session) bool {
			return row.LiveAt(r.Now) && (r.Except == "" || row.Handle != r.Except)
		},
		write: revokeListed, args: []any{r.Now, string(r.Reason), r.Now, r.Now},
	})
	return done, err
}

const (
	selectLevels statement = "SELECT " + endColumns + ", aal FROM {sessions by user} WHERE {user} AND revoked_at = 0"

	downgradeListed statement = "UPDATE {sessions} SET aal = ? " +
		"WHERE aal > ? AND revoked_at = 0 AND expires_at > ? AND (absolute_expires_at = 0 OR absolute_expires_at > ?) AND "
)

// Downgrade lowers the level of some of a user's live sessions, from the newest on; see
// session.Store and changePage. A level that no session has is
// [errors.ErrInvalidInput].
func (s *Store) Downgrade(ctx context.Context, d models.Downgrade) (done models.Downgraded, err error) {
	if err := checkLimits([]limit{levelLimit(d.Level)}); err != nil {
		return done, err
	}
	done.Count, done.Next, err = s.changePage(ctx, &pageChange{
		userID: d.UserID, from: d.From, limit: d.Limit,
		read: selectLevels, scan: scanLevel,
		wanted: func(row *models.Session) bool { return row.LiveAt(d.Now) && row.Level > d.Level },
		write:  downgradeListed, args: []any{d.Level, d.Level, d.Now, d.Now},
	})
	return done, err
}

// pageChange is a change of a user's sessions below from that are wanted.
type pageChange struct {
	userID string
	from   models.Position
	limit  int
	// read is followed by where the page begins, and by newestFirst.
	read   statement
	scan   func(*sql.Rows, *models.Session) error
	wanted func(*models.Session) bool
	// write is followed by which, after args; see execIn.
	write statement
	args  []any
}

// changePage takes two statements, the first of which locks nothing: one reads the
// handles, the other writes by primary key, in one order, so that two calls for
// one user do not deadlock. As a session may have ended between the two, the
// second asks again.
func (s *Store) changePage(ctx context.Context, c *pageChange) (count int, after *models.Position, err error) {
	limit := pageSize(c.limit)
	where, args := s.beyond("<", c.from)
	args = append(append([]any{s.user(c.userID)}, args...), limit)
	rows, err := collect(ctx, s, c.scan, s.sql.of(c.read)+where+newestFirst, args...)
	if err != nil {
		return 0, nil, err
	}
	// The page counts the rows that were looked at, not those that are changed:
	// also where all of them have expired, the caller goes on behind them.
	after = next(rows, limit)
	var handles []string
	for i := range rows {
		if c.wanted(&rows[i]) {
			handles = append(handles, rows[i].Handle)
		}
	}
	if len(handles) == 0 {
		return 0, after, nil
	}
	if count, err = s.execIn(ctx, c.write, handles, c.args...); err != nil {
		// Without a Next: whoever went on from there would leave this page out.
		return 0, nil, err
	}
	return count, after, nil
}

// beyond is the condition that a row lies on one side of a place, "<" or ">",
// in the form that lets the engine begin to read its index there. A pair does
// on PostgreSQL and SQLite. MySQL's planner reads the index from its begin and
// compares pairs with each row; two ranges mean the same, and it goes to the
// place.
func (s *Store) beyond(side string, from models.Position) (where string, args []any) {
	switch {
	case from == models.Position{}:
		return "", nil
	case s.dialect == mysqlDialect:
		return " AND (created_at " + side + " ? OR (created_at = ? AND handle " + side + " ?))",
			[]any{from.CreatedAt, from.CreatedAt, s.exact(from.Handle)}
	default:
		return " AND (created_at, handle) " + side + " (?, ?)", []any{from.CreatedAt, s.exact(from.Handle)}
	}
}

// next is where to go on after rows, which are all that the limit let through;
// nil when the limit was not reached: these were the last.
func next(rows []models.Session, limit int) *models.Position {
	if len(rows) < limit {
		return nil
	}
	last := rows[len(rows)-1].Position()
	return &last
}

// pageSize is limit, or what one statement may touch if that is less; 0 means
// that too.
func pageSize(limit int) int {
	if limit <= 0 || limit > maxBatch {
		return maxBatch
	}
	return limit
}

// execIn runs a statement that ends in a condition on its rows' handles, of which there
// are at most maxBatch: once, or in a sharded store once for each part; see among.
// After a failure the count is of those before it.
func (s *Store) execIn(ctx context.Context, st statement, handles []string, args ...any) (count int, err error) {
	for _, part := range s.among(handles) {
		n, err := s.exec(ctx, s.sql.of(st)+part.where, slices.Concat(args, part.args)...)
		if err != nil {
			return count, err
		}
		count += n
	}
	return count, nil
}

// scanLevel is in the order of selectLevels.
func scanLevel(rows *sql.Rows, row *models.Session) error {
	return rows.Scan(&row.Handle, &row.CreatedAt, &row.ExpiresAt, &row.AbsoluteExpiresAt, &row.Level)
}

// scanEnd is in the order of endColumns.
func scanEnd(rows *sql.Rows, row *models.Session) error {
	return rows.Scan(&row.Handle, &row.CreatedAt, &row.ExpiresAt, &row.AbsoluteExpiresAt)
}
