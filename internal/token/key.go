package token

import (
	"fmt"
	"log/slog"
)

// Key is an HMAC-SHA-256 key with the id that tokens name it by. It shows its
// id only, under every fmt verb, in JSON and in slog.
type Key struct {
	ID     string
	Secret []byte
}

// Keys finds the secret that verifies tokens of the key kid. issuedAt, in
// milliseconds, is what the token claims about itself and not authenticated
// yet: good for telling an old key's era, for nothing else. Errors reach the
// caller of the parser unchanged.
type Keys func(kid string, issuedAt int64) ([]byte, error)

// String names the key without its secret.
func (k Key) String() string { return "[key " + k.ID + "]" }

// Format keeps the secret out of every verb, %#v and %x included.
func (k Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(k.String())) }

// MarshalText gives JSON and other text encoders what String says.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// LogValue implements [slog.LogValuer].
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }
