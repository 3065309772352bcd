package gormstore

import (
	"context"
	"database/sql"
	"slices"

	"github.com/gin-sessionkit/sessionkit/models"
)

// A user's sessions are read in the order of the index, in pages: an account can
// have any number of them. Each page goes on where the one before ended, also over
// those that have ended and that nobody has revoked.
const (
	newestFirst = " ORDER BY created_at DESC, handle DESC LIMIT ?"
	oldestFirst = " ORDER BY created_at, handle LIMIT ?"
)

// List returns a page of a user's live sessions, oldest first, without secrets; see
// session.Store.
func (s *Store) List(ctx context.Context, q models.SessionsOfUser) (page models.SessionPage, err error) {
	limit := pageSize(q.Limit)
	where, args := s.beyond(">", q.From)
	args = append(append([]any{s.exact(q.UserID)}, args...), limit)
	rows, err := collect(ctx, s, scanListed, s.sql[listOfUser]+where+oldestFirst, args...)
	if err != nil {
		return page, err
	}
	page.Next = next(rows, limit)
	page.Sessions = slices.DeleteFunc(rows, func(row models.Session) bool { return !row.LiveAt(q.Now) })
	return page, nil
}

// RevokeAll revokes some of a user's live sessions, from the newest on; see
// session.Store.
//
// It takes two statements, the first of which locks nothing: one reads the handles,
// the other writes by primary key, in one order, so that two calls for one user do
// not deadlock. As a session may have ended between the two, the second asks again.
func (s *Store) RevokeAll(ctx context.Context, r models.RevocationOfUser) (done models.RevokedOfUser, err error) {
	if err := reasonFits(r.Reason); err != nil {
		return done, err
	}
	limit := pageSize(r.Limit)
	where, args := s.beyond("<", r.From)
	args = append(append([]any{s.exact(r.UserID)}, args...), limit)
	rows, err := collect(ctx, s, scanEnd, s.sql[selectOfUser]+where+newestFirst, args...)
	if err != nil {
		return done, err
	}
	done.Next = next(rows, limit)
	var handles []string
	for _, row := range rows {
		if row.LiveAt(r.Now) && (r.Except == "" || row.Handle != r.Except) {
			handles = append(handles, row.Handle)
		}
	}
	if len(handles) == 0 {
		return done, nil
	}
	done.Count, err = s.execIn(ctx, revokeOfUser, handles, r.Now, string(r.Reason), r.Now, r.Now)
	if err != nil {
		return models.RevokedOfUser{}, err
	}
	return done, nil
}

// beyond is the condition that a row lies on one side of a place, "<" or ">", in the
// form in which the engine takes it for a range of its index: as two ranges on MySQL,
// whose planner reads comparisons of pairs as filters, and as a pair elsewhere.
func (s *Store) beyond(side string, from models.Position) (where string, args []any) {
	switch {
	case from == models.Position{}:
		return "", nil
	case s.dialect == mysqlDialect:
		return " AND (created_at " + side + " ? OR (created_at = ? AND handle " + side + " ?))",
			[]any{from.CreatedAt, from.CreatedAt, s.exact(from.Handle)}
	default:
		return " AND (created_at, handle) " + side + " ( ?, ?)", []any{from.CreatedAt, s.exact(from.Handle)}
	}
}

// next is where to go on after rows, which are all that the limit let through.
func next(rows []models.Session, limit int) *models.Position {
	if len(rows) < limit {
		return nil
	}
	last := rows[len(rows)-1].Position()
	return &last
}

// pageSize is limit, but never more than one statement may touch.
func pageSize(limit int) int {
	if limit <= 0 || limit > maxBatch {
		return maxBatch
	}
	return limit
}

// execIn runs a statement that ends in a list of handles. They are sorted, so that
// any two writers lock rows in the same order.
func (s *Store) execIn(ctx context.Context, st statement, handles []string, args ...any) (int, error) {
	slices.Sort(handles)
	for _, handle := range handles {
		args = append(args, s.exact(handle))
	}
	return s.exec(ctx, s.sql[st]+marks(len(handles))+")", args...)
}

// scanEnd is in the order of endColumns.
func scanEnd(rows *sql.Rows, row *models.Session) error {
	return rows.Scan(&row.Handle, &row.CreatedAt, &row.ExpiresAt, &row.AbsoluteExpiresAt)
}
