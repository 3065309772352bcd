package gormstore

import (
	"context"
	"database/sql"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

// The rows of the meta table that belong to the feed.
const (
	feedRow        = "feed" // 1 = on
	feedCleanupRow = "feed_cleanup"
)

// FeedOn reports whether the feed was on when Check looked last; see
// session.FeedStore.
func (s *Store) FeedOn() bool { return s.feedOn.Load() }

const turnFeedOn statement = "UPDATE {meta} SET value = 1 WHERE name = ? AND value = 0"

const mayWrite statement = "INSERT INTO {feed} (" + feedColumns + ") SELECT " + feedColumns + " FROM {feed} WHERE 1 = 0"

// TurnFeedOn turns the feed on for good; see session.FeedStore. It says as
// [errors.ErrSchema] what the tables lack.
func (s *Store) TurnFeedOn(ctx context.Context) error {
	if err := s.checkFeed(ctx); err != nil {
		return err
	}
	// Nothing is stored, but the right to is asked for.
	if _, err := s.exec(ctx, s.sql.of(mayWrite)); err != nil {
		return err
	}
	done, err := s.swap(ctx, s.sql.of(turnFeedOn), feedRow)
	if err != nil || done {
		return err
	}
	// It was on already, or the row is not there.
	missing, values, err := s.metaRows(ctx)
	if err := tableProblem(s.tables.Meta, "", missing, err); err != nil {
		return err
	}
	return s.requireRows(values, feedRow)
}

// writeHint takes the time from the database, in the statement itself.
const writeHint statement = "INSERT INTO {feed} (" + feedColumns + ") VALUES ({clock}, ?, ?, {text}, {text})"

// WriteHint appends a hint; see session.FeedStore. A value that does not fit its column
// is [errors.ErrInvalidInput].
//
// It may send its statement again after a connection broke: a hint that is stored twice
// does no harm. Within a millisecond it is a duplicate, and there already.
func (s *Store) WriteHint(ctx context.Context, h models.Hint) error {
	if err := checkHint(&h); err != nil {
		return err
	}
	err := s.retry(ctx, mayRepeat, func() error {
		return s.send(ctx, s.sql.of(writeHint),
			[]any{s.bytes(h.ID[:]), string(h.Kind), s.exact(h.Subject), s.exact(h.Owner)}).Error
	})
	if err = s.translate(ctx, err); errors.Is(err, errors.ErrDuplicate) && !s.once {
		return nil
	}
	return err
}

// readFeed has the time at the database in each row, and one row with it where there
// are no hints. Inside stands where the page begins; see besideHint.
const (
	readFeed statement = "SELECT c.clock, f.at, f.id, f.kind, f.subject, f.owner FROM (SELECT {clock} AS clock) AS c " +
		"LEFT JOIN (SELECT " + feedColumns + " FROM {feed} WHERE "
	readFeedEnd = " ORDER BY at, id LIMIT ?) AS f ON 1 = 1 ORDER BY f.at, f.id LIMIT ?"
)

// ReadFeed returns a page of hints and the time at the database; see
// session.FeedStore.
func (s *Store) ReadFeed(ctx context.Context, q models.FeedQuery) (page models.FeedPage, err error) {
	limit := pageSize(q.Limit)
	where, args := s.besideHint(">", q.After)
	rows, err := collect(ctx, s, scanFeed, s.sql.of(readFeed)+where+readFeedEnd, append(args, limit, limit)...)
	if err != nil {
		return page, err
	}
	for _, row := range rows {
		page.Clock = row.clock
		if row.there {
			page.Hints = append(page.Hints, row.hint)
		}
	}
	if len(page.Hints) == limit {
		next := page.Hints[limit-1].Position()
		page.Next = &next
	}
	return page, nil
}

// besideHint is the condition that a hint lies on one side of a place, ">" or "<=", in
// the form that lets the engine begin to read there; see beyond.
func (s *Store) besideHint(side string, at models.FeedPosition) (where string, args []any) {
	id := s.bytes(at.ID[:])
	if s.dialect == mysqlDialect {
		return "(at " + side[:1] + " ? OR (at = ? AND id " + side + " ?))", []any{at.At, at.At, id}
	}
	return "(at, id) " + side + " (?, ?)", []any{at.At, id}
}

// feedRead is a row of readFeed.
type feedRead struct {
	clock int64
	there bool
	hint  models.Hint
}

// scanFeed is in the order of readFeed.
func scanFeed(rows *sql.Rows, row *feedRead) error {
	var at sql.NullInt64
	var id, subject, owner []byte
	var kind sql.NullString
	if err := rows.Scan(&row.clock, &at, &id, &kind, &subject, &owner); err != nil {
		return err
	}
	if row.there = at.Valid; !row.there {
		return nil
	}
	row.hint = models.Hint{
		Kind: models.HintKind(kind.String), Subject: string(subject), Owner: string(owner), At: at.Int64,
	}
	if copy(row.hint.ID[:], id) != len(id) {
		return errScan
	}
	return nil
}

const (
	// lastHint is the place that DeleteHints goes up to.
	lastHint statement = "SELECT at, id FROM {feed} WHERE at < ? ORDER BY at, id LIMIT 1 OFFSET ?"

	// deleteHints is followed by which; see besideHint.
	deleteHints statement = "DELETE FROM {feed} WHERE "
)

// DeleteHints removes up to limit hints, and never more than 1000, from before the
// given time; see session.FeedStore.
//
// It takes two statements: one looks how far the limit reaches, the other deletes up to
// there. Nothing is written into that part of the table any more: it is old.
func (s *Store) DeleteHints(ctx context.Context, before int64, limit int) (int, error) {
	limit = min(limit, maxBatch)
	if limit <= 0 {
		return 0, nil
	}
	last, err := collect(ctx, s, scanPosition, s.sql.of(lastHint), before, limit-1)
	if err != nil {
		return 0, err
	}
	where, args := "at < ?", []any{before}
	if len(last) > 0 {
		where, args = s.besideHint("<=", last[0])
	}
	n, err := s.exec(ctx, s.sql.of(deleteHints)+where, args...)
	if err != nil {
		return 0, err
	}
	return n, nil
}

func scanPosition(rows *sql.Rows, at *models.FeedPosition) error {
	var id []byte
	if err := rows.Scan(&at.At, &id); err != nil {
		return err
	}
	copy(at.ID[:], id)
	return nil
}

// ClaimFeedCleanup is ClaimCleanup for the feed; see session.FeedStore.
func (s *Store) ClaimFeedCleanup(ctx context.Context, now, until int64) (bool, error) {
	return s.swap(ctx, s.sql.of(claim), until, feedCleanupRow, now, until)
}
