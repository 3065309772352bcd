package gormstore

import (
	"context"
	"database/sql"
	"reflect"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

// Insert stores a new row; see session.Store. A value that does not fit its
// column is errors.ErrInvalidInput and nothing is stored, whatever the server's
// sql_mode. Of a user agent that a PostgreSQL database in another encoding than
// UTF8 cannot hold, the ASCII characters are stored: it decorates a list, and must
// not cost a sign-in.
func (s *Store) Insert(ctx context.Context, row *models.Session) error {
	if err := fits(row); err != nil {
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

// insert may send its statement again after a connection broke, unlike any other: a
// row that is there already tells whose it is.
func (s *Store) insert(ctx context.Context, row *models.Session) error {
	err := s.retry(ctx, mayRepeat, func() error {
		return s.db.WithContext(ctx).Exec(s.sql[insert], s.insertArgs(row)...).Error
	})
	if err = s.translate(ctx, err); !errors.Is(err, errors.ErrDuplicate) {
		return err
	}
	found, findErr := s.Find(ctx, row.Handle)
	switch {
	case findErr != nil:
		return findErr
	case reflect.DeepEqual(found, row):
		return nil
	}
	return err
}

// Find returns the row, live or not, or nil; see session.Store.
func (s *Store) Find(ctx context.Context, handle string) (*models.Session, error) {
	found, err := collect(ctx, s, scanSession, s.sql[find], s.exact(handle))
	if err != nil || len(found) == 0 {
		return nil, err // no row is no error
	}
	return &found[0], nil
}

// insertArgs is in the order of sessionColumns.
func (s *Store) insertArgs(row *models.Session) []any {
	token := &row.Lineage
	return []any{
		s.exact(row.Handle), s.exact(row.UserID),
		s.hash(token.Current), s.hash(token.Previous), token.IssuedAt, token.Generation,
		s.bytes(row.Payload), s.bytes(row.Data), row.DataVersion,
		row.CreatedAt, row.LastUsedAt, row.ExpiresAt, row.AbsoluteExpiresAt,
		row.RevokedAt, string(row.RevokeReason), s.userAgent(row.UserAgent), row.IP,
	}
}

// scanSession is in the order of sessionColumns.
func scanSession(rows *sql.Rows, row *models.Session) error {
	token := &row.Lineage
	return rows.Scan(
		&row.Handle, &row.UserID,
		&token.Current, &token.Previous, &token.IssuedAt, &token.Generation,
		(*blob)(&row.Payload), (*blob)(&row.Data), &row.DataVersion,
		&row.CreatedAt, &row.LastUsedAt, &row.ExpiresAt, &row.AbsoluteExpiresAt,
		&row.RevokedAt, &row.RevokeReason, &row.UserAgent, &row.IP,
	)
}

// scanListed is in the order of listColumns.
func scanListed(rows *sql.Rows, row *models.Session) error {
	return rows.Scan(
		&row.Handle, &row.UserID, &row.Lineage.IssuedAt, &row.Lineage.Generation,
		&row.DataVersion, &row.CreatedAt, &row.LastUsedAt, &row.ExpiresAt, &row.AbsoluteExpiresAt,
		&row.RevokedAt, &row.RevokeReason, &row.UserAgent, &row.IP,
	)
}
