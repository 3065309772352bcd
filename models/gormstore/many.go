package gormstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

// setLabel and liveOfUser have the same conditions.
const (
	setLabel   statement = "UPDATE {sessions} SET label = {text} WHERE {handle} AND user_id = ?" + live
	liveOfUser statement = "SELECT handle FROM {sessions} WHERE {handle} AND user_id = ?" + live + " LIMIT 1"
)

// SetLabel names a live session of a user; see session.Store. A label that no column
// holds is [errors.ErrInvalidInput], as is one that a PostgreSQL database in another
// encoding than UTF8 cannot hold.
//
// MySQL without clientFoundRows does not count a row that has the label already. So
// where none was changed, a second statement asks whether there is one. If its label is
// another one by now, somebody has set that later.
func (s *Store) SetLabel(ctx context.Context, w models.LabelWrite) (bool, error) {
	if err := checkLimits([]limit{labelLimit(w.Label)}); err != nil {
		return false, err
	}
	which := []any{s.handle(w.Handle), s.exact(w.UserID), w.Now, w.Now}
	done, err := s.swap(ctx, s.sql.of(setLabel), append([]any{s.text(w.Label)}, which...)...)
	switch {
	case errors.Is(err, errBadText):
		return false, refused(err)
	case err != nil || done || s.dialect != mysqlDialect:
		return done, err
	}
	found, err := collect(ctx, s, scanHandle, s.sql.of(liveOfUser), which...)
	return len(found) > 0, err
}

// walk reads ended sessions too: in the WHERE clause they would not count towards
// LIMIT, and LIMIT would not bound what is read.
const walk statement = "SELECT {list columns} FROM {sessions} WHERE handle > {text} ORDER BY handle LIMIT ?"

// Walk returns a page of the live sessions of all users; see session.Store.
func (s *Store) Walk(ctx context.Context, w models.Walk) (page models.WalkPage, err error) {
	limit := pageSize(w.Limit)
	query, args, end := s.sql.of(walk), []any{s.exact(w.After)}, ""
	if s.sharded {
		if args, end, err = s.alongSlice(w.After); err != nil {
			return page, err
		}
		query = s.sql.of(walkSlice)
	}
	rows, err := collect(ctx, s, scanListed, query, append(args, limit)...)
	if err != nil {
		return page, err
	}
	if page.Next = end; len(rows) == limit {
		page.Next = rows[limit-1].Handle
	}
	page.Sessions = slices.DeleteFunc(rows, func(row models.Session) bool { return !row.LiveAt(w.Now) })
	return page, nil
}

// RevokeMany ends the live ones among up to 1000 sessions; see session.Store. More
// handles are [errors.ErrInvalidInput].
func (s *Store) RevokeMany(ctx context.Context, r models.RevocationOfMany) (int, error) {
	if err := checkReason(r.Reason); err != nil {
		return 0, err
	}
	if err := checkBatch(r.Handles); err != nil || len(r.Handles) == 0 {
		return 0, err
	}
	n, err := s.execIn(ctx, revokeListed, r.Handles, r.Now, string(r.Reason), r.Now, r.Now)
	if err != nil {
		return 0, err
	}
	return n, nil
}

// findMany is followed by which, see among, and a limit that keeps MySQL's
// sql_select_limit away.
const findMany statement = "SELECT {list columns} FROM {sessions} WHERE "

// FindMany returns the rows of up to 1000 handles; see session.FeedStore. More handles
// are [errors.ErrInvalidInput].
func (s *Store) FindMany(ctx context.Context, handles []string) (found []models.Session, err error) {
	if err := checkBatch(handles); err != nil || len(handles) == 0 {
		return nil, err
	}
	for _, part := range s.among(handles) {
		rows, err := collect(ctx, s, scanListed, s.sql.of(findMany)+part.where+" LIMIT ?", append(part.args, maxBatch)...)
		if err != nil {
			return nil, err
		}
		found = append(found, rows...)
	}
	return found, nil
}

// checkBatch bounds what one statement touches.
func checkBatch(handles []string) error {
	if len(handles) > maxBatch {
		return refused(fmt.Errorf("%d handles, at most %d are taken", len(handles), maxBatch))
	}
	return nil
}

func scanHandle(rows *sql.Rows, handle *string) error { return rows.Scan(handle) }
