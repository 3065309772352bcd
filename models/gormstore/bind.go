package gormstore

import (
	"fmt"

	"github.com/gin-sessionkit/sessionkit/models"
)

// secretBytes is a bound value that GORM, asked to explain a statement,
// describes rather than shows: its Explain prefers String to the bytes. Drivers
// take the bytes.
type secretBytes []byte

// String tells nothing.
func (secretBytes) String() string { return "[hidden]" }

// bytes binds bytes; nil is NULL. What is neither nil nor empty is a hash, a
// payload, a key or an id: nothing that a log should show.
func (s *Store) bytes(b []byte) any {
	switch {
	case b == nil:
		return nil
	case s.dialect == postgresDialect:
		// pgx knows several ways to encode a value with a method String. Which
		// one it takes depends on the order in which it tries them. If that
		// changed, it would store what String returns: the same "hash" for
		// everybody.
		return b
	default:
		return secretBytes(b)
	}
}

// hash binds a hash; the zero one is 32 zero bytes, not NULL.
func (s *Store) hash(h models.Hash) any { return s.bytes(h[:]) }

// exact binds a user id or a handle, which are compared byte for byte. As bytes
// they pass through every connection character set, and invalid ones just match
// nothing. SQLite compares text byte for byte anyway; there bytes must not be
// bound, as a value of another type than the column's equals none of them.
func (s *Store) exact(id string) any {
	if s.dialect == sqliteDialect {
		return id
	}
	return s.bytes([]byte(id))
}

// text binds a text beside CAST(? AS BINARY); see readable.
func (s *Store) text(text string) any {
	if s.dialect != mysqlDialect || text == "" {
		return text
	}
	return []byte(text)
}

// nullableBytes reads a column that may be NULL. Without it NULL and an empty
// value would look alike: SQLite's driver returns nil for the one and a nil
// slice for the other, and database/sql makes the same of both.
type nullableBytes []byte

// Scan implements [database/sql.Scanner].
func (b *nullableBytes) Scan(src any) error {
	switch src := src.(type) {
	case nil:
		*b = nil
	case []byte:
		*b = append([]byte{}, src...)
	default:
		return fmt.Errorf("column holds %T", src)
	}
	return nil
}
