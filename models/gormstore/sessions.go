package gormstore

import (
	"cmp"
	"context"
	"database/sql"
	"reflect"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

// insert is plain: no dialect's "insert or ignore", see InsertKey.
const insert statement = "INSERT INTO {sessions} ({home}" + sessionColumns + ") VALUES ({home value}{session values})"

// Insert stores a new row; see session.Store. A value that does not fit its
// column is [errors.ErrInvalidInput] and nothing is stored, whatever the
// server's sql_mode. Of a user agent that a PostgreSQL database in another
// encoding than UTF8 cannot hold, the ASCII characters are stored: it decorates
// a list, and must not cost a sign-in.
func (s *Store) Insert(ctx context.Context, row *models.Session) error {
	if err := cmp.Or(checkRow(row), s.checkHome(row)); err != nil {
		return err
	}
	err := s.insert(ctx, row)
	if errors.Is(err, errBadText) && !ascii(row.UserAgent) {
		plain := *row
		plain.UserAgent = asciiOf(row.UserAgent)
		return s.insert(ctx, &plain)
	}
	return err
}

// insert may send its statement again after a connection broke, unlike any
// other method: if the first one was carried out, the second finds a row with
// the same key, and that row tells whose it is. All its fields are the same
// only if it is this very sign-in's, as it holds the hash of a random token.
func (s *Store) insert(ctx context.Context, row *models.Session) error {
	err := s.retry(ctx, mayRepeat, func() error {
		return s.send(ctx, s.sql.of(insert), s.insertArgs(row)).Error
	})
	if err = s.translate(ctx, err); !errors.Is(err, errors.ErrDuplicate) {
		return err
	}
	// Whose row is it? If not this call's own, the error stands: a handle holds
	// 80 random bits, so somebody has called Insert twice with the same one.
	found, findErr := s.Find(ctx, row.Handle)
	switch {
	case findErr != nil:
		return findErr
	case reflect.DeepEqual(found, row):
		return nil
	}
	return err
}

// find reads a row that has ended as well: why it did is what the caller wants
// to know.
const find statement = "SELECT {session columns} FROM {sessions} WHERE {handle}"

// Find returns the row, live or not, or nil; see session.Store.
func (s *Store) Find(ctx context.Context, handle string) (*models.Session, error) {
	found, err := collect(ctx, s, scanSession, s.sql.of(find), s.handle(handle))
	if err != nil || len(found) == 0 {
		return nil, err // no row is no error
	}
	return &found[0], nil
}

// insertArgs is in the order of sessionColumns. Reasons and addresses are plain
// ASCII, which checkRow has seen to, and so are bound as text; amr and origin are
// columns of bytes.
func (s *Store) insertArgs(row *models.Session) []any {
	token := &row.Lineage
	return []any{
		s.handle(row.Handle), s.exact(row.UserID),
		s.hash(token.Current), s.hash(token.Previous), token.IssuedAt, token.Generation,
		s.bytes(row.Payload), s.bytes(row.Data), row.DataVersion,
		row.CreatedAt, row.LastUsedAt, row.ExpiresAt, row.AbsoluteExpiresAt,
		row.AuthAt, row.Level, row.IdleMillis, int64(row.Flags),
		row.RevokedAt, string(row.RevokeReason), s.text(row.UserAgent), row.IP, s.text(row.Label),
		s.exact(row.AMR), s.exact(row.Origin),
	}
}

// scanSession is in the order of sessionColumns.
func scanSession(rows *sql.Rows, row *models.Session) error {
	token := &row.Lineage
	return rows.Scan(
		&row.Handle, &row.UserID,
		&token.Current, &token.Previous, &token.IssuedAt, &token.Generation,
		(*nullableBytes)(&row.Payload), (*nullableBytes)(&row.Data), &row.DataVersion,
		&row.CreatedAt, &row.LastUsedAt, &row.ExpiresAt, &row.AbsoluteExpiresAt,
		&row.AuthAt, &row.Level, &row.IdleMillis, &row.Flags,
		&row.RevokedAt, &row.RevokeReason, &row.UserAgent, &row.IP, &row.Label, &row.AMR, &row.Origin,
	)
}

// scanListed is in the order of listColumns.
func scanListed(rows *sql.Rows, row *models.Session) error {
	return rows.Scan(
		&row.Handle, &row.UserID, &row.Lineage.IssuedAt, &row.Lineage.Generation,
		&row.DataVersion, &row.CreatedAt, &row.LastUsedAt, &row.ExpiresAt, &row.AbsoluteExpiresAt,
		&row.AuthAt, &row.Level, &row.IdleMillis, &row.Flags,
		&row.RevokedAt, &row.RevokeReason, &row.UserAgent, &row.IP, &row.Label, &row.AMR, &row.Origin,
	)
}
