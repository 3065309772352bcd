package token

import (
	"crypto/rand"
	"fmt"
	"log/slog"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/redact"
)

// MinSecretLen is the shortest secret in bytes that signs or verifies: the
// output size of the hash (RFC 7518, section 3.2).
const MinSecretLen = 32

// maxKeyIDLen is the longest key id in characters.
const maxKeyIDLen = 32

// Key is an HMAC-SHA-256 key with the id that tokens name it by. It shows its
// id only, under every fmt verb, in JSON and in slog.
type Key struct {
	ID     string
	Secret []byte
}

// Keys finds the secret that verifies tokens of the key kid, which is
// well-formed by [ValidKeyID]. issuedAt, in milliseconds, is what the token
// claims about itself and not authenticated yet: good for telling whether an
// unknown key may be newer than what is loaded, for nothing else. Access
// tokens are not read before they are verified, so theirs is always 0. Errors
// reach the caller of the parser unchanged.
type Keys func(kid string, issuedAt int64) ([]byte, error)

// ValidKeyID reports whether s may be a key id: 1 to 32 of A-Z a-z 0-9 _ -.
// Nothing else ever reaches a key lookup or a log line.
func ValidKeyID(s string) bool {
	if s == "" || len(s) > maxKeyIDLen {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// usable reports whether k can sign.
func (k Key) usable() bool { return ValidKeyID(k.ID) && len(k.Secret) >= MinSecretLen }

// secretFor asks keys and refuses a secret that anybody could guess: an empty
// one would make every token of the format authentic.
func (keys Keys) secretFor(kid string, issuedAt int64) ([]byte, error) {
	secret, err := keys(kid, issuedAt)
	if err != nil {
		return nil, err
	}
	if len(secret) < MinSecretLen {
		return nil, errors.ErrKeyUnknown
	}
	return secret, nil
}

var _ redact.Hidden = Key{}

// String names the key without its secret. The id is quoted, as it may come
// from a provider outside of the kit.
func (k Key) String() string { return fmt.Sprintf("[key %q]", k.ID) }

// Format keeps the secret out of every verb, %#v and %x included.
func (k Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(k.String())) }

// MarshalText gives JSON and other text encoders what String says.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// LogValue implements [slog.LogValuer].
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// random32 never fails: crypto/rand ends the program rather than return
// predictable bytes.
func random32() (b [32]byte) {
	_, _ = rand.Read(b[:])
	return b
}
