package token

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"log/slog"

	"github.com/golang-jwt/jwt/v5"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/redact"
)

// MinSecretLen is the shortest secret in bytes that signs or verifies: the
// output size of the hash (RFC 7518, section 3.2).
const MinSecretLen = 32

// maxKeyIDLen is the longest key id in characters.
const maxKeyIDLen = 32

// Key is a key with the id that tokens name it by: of HMAC-SHA-256 with Secret,
// or a pair. It shows its id only, under every fmt verb, in JSON and in slog.
type Key struct {
	ID string
	// Secret is nil where there is a Pair.
	Secret []byte
	// Pair is nil where there is a Secret. Only access tokens have such keys.
	Pair *KeyPair
}

// Keys finds the key that verifies tokens of the id kid, which is well-formed by
// [ValidKeyID]. issuedAt, in milliseconds, is what the token claims about itself and
// not authenticated yet: good for telling whether an unknown key may be newer than what
// is loaded, for nothing else. Access tokens are not read before they are verified, so
// theirs is always 0. Errors reach the caller of the parser unchanged.
type Keys func(kid string, issuedAt int64) (Key, error)

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

// Algorithm is how k signs access tokens.
func (k Key) Algorithm() Algorithm {
	if k.Pair != nil {
		return k.Pair.algorithm
	}
	return HS256
}

// usable reports whether k can sign.
func (k Key) usable() bool {
	return ValidKeyID(k.ID) && k.verifying() && (k.Pair == nil || k.Pair.private != nil)
}

// verifying refuses a secret that anybody could guess: an empty one would make
// every token of the format authentic.
func (k Key) verifying() bool { return k.Pair != nil || len(k.Secret) >= MinSecretLen }

// sign makes the signature of an access token.
func (k Key) sign(text string) ([]byte, error) {
	if k.Pair != nil {
		return k.Pair.sign(text)
	}
	return jwt.SigningMethodHS256.Sign(text, k.Secret)
}

// verifies reports whether signature is that of an access token.
func (k Key) verifies(text string, signature []byte) bool {
	if k.Pair != nil {
		return k.Pair.verifies(text, signature)
	}
	return jwt.SigningMethodHS256.Verify(text, signature, k.Secret) == nil
}

// same reports whether both verify the same tokens.
func (k Key) same(other Key) bool {
	if k.Pair == nil || other.Pair == nil {
		return k.Pair == other.Pair && subtle.ConstantTimeCompare(k.Secret, other.Secret) == 1
	}
	return k.Pair.algorithm == other.Pair.algorithm && k.Pair.fingerprint == other.Pair.fingerprint
}

// find asks for the key of an access token.
func (keys Keys) find(kid string) (Key, error) {
	key, err := keys(kid, 0)
	if err == nil && !key.verifying() {
		err = errors.ErrKeyUnknown
	}
	return key, err
}

// secretFor asks for the secret of any other token. The public half of a pair is
// none.
func (keys Keys) secretFor(kid string, issuedAt int64) ([]byte, error) {
	key, err := keys(kid, issuedAt)
	switch {
	case err != nil:
		return nil, err
	case key.Pair != nil || !key.verifying():
		return nil, errors.ErrKeyUnknown
	}
	return key.Secret, nil
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
