package gormstore

import (
	"fmt"

	"github.com/gin-sessionkit/sessionkit/models"
)

// hidden is a bound value that GORM, asked to explain a statement, describes
// rather than shows: its Explain prefers String to the bytes. Drivers take the
// bytes.
type hidden []byte

// String tells nothing.
func (hidden) String() string { return "[hidden]" }

// bytes binds bytes; nil is NULL.
func (s *Store) bytes(b []byte) any {
	switch {
	case b == nil:
		return nil
	case len(b) == 0 || s.dialect == postgresDialect:
		// GORM writes NULL for an empty slice of any other type. And whether pgx
		// takes the bytes or what String returns hangs on the order in which it
		// looks: a change there would store one and the same hash for everybody.
		return b
	default:
		return hidden(b)
	}
}

func (s *Store) hash(h models.Hash) any { return s.bytes(h[:]) }

// exact binds a user id or a handle, which are compared byte for byte. As bytes
// they pass through every connection character set, and invalid ones just match
// nothing. SQLite compares text that way, and would find bytes unlike text.
func (s *Store) exact(id string) any {
	if s.dialect == sqliteDialect {
		return id
	}
	return s.bytes([]byte(id))
}

// userAgent binds the text beside CAST( ? AS BINARY); see userAgentColumn.
func (s *Store) userAgent(text string) any {
	if s.dialect != mysqlDialect || text == "" {
		return text
	}
	return []byte(text)
}

// blob reads a column that may be NULL. Without it NULL and an empty value look
// alike: SQLite's driver returns a nil slice for the one and nil for the other.
type blob []byte

// Scan implements sql.Scanner.
func (b *blob) Scan(src any) error {
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
