package models

import (
	"crypto/subtle"
	"database/sql/driver"
	"fmt"
	"log/slog"

	"github.com/gin-sessionkit/sessionkit/internal/redact"
)

// HashSize is the size of a Hash in bytes.
const HashSize = 32

// Hash is the double SHA-256 of a refresh token: what a row knows of it. The
// zero Hash means "none". It is stored as raw bytes, so that no collation can
// match two different ones and SQL logs show no text.
type Hash [HashSize]byte

// IsZero reports whether h is "none".
func (h Hash) IsZero() bool { return h == Hash{} }

// Equal compares in constant time.
func (h Hash) Equal(other Hash) bool {
	return subtle.ConstantTimeCompare(h[:], other[:]) == 1
}

// Value implements [driver.Valuer].
func (h Hash) Value() (driver.Value, error) { return h[:], nil }

// Scan implements [database/sql.Scanner].
func (h *Hash) Scan(src any) error {
	b, ok := src.([]byte)
	if !ok || len(b) != HashSize {
		return fmt.Errorf("models: hash column holds %T of unexpected size", src)
	}
	copy(h[:], b)
	return nil
}

var _ redact.Hidden = Hash{}

// String tells nothing: a hash of a live token has no place in a log.
func (h Hash) String() string { return "[hash]" }

// GoString tells nothing, as String.
func (h Hash) GoString() string { return "[hash]" }

// MarshalText gives JSON and other text encoders what String says.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// Format keeps the bytes out of every verb, %x and %v of a struct included.
func (h Hash) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[hash]")) }

// LogValue implements [slog.LogValuer].
func (h Hash) LogValue() slog.Value { return slog.StringValue(h.String()) }
