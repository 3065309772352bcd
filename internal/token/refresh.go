package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"log/slog"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

// MaxRefreshLen is the longest text in bytes that is looked at as a refresh
// token. Real ones have at most 259.
const MaxRefreshLen = 512

// The bytes of a refresh token, integers big-endian:
//
//	version 1 | key id length 1 | key id | handle 16 | generation 8 |
//	issued at 8 (ms) | parent 32 | family secret 32 | secret 32 |
//	HMAC-SHA-256 of all before 32
//
// Every field but the key id has a fixed size, and the key id says its own, so
// that no two different tokens are the same bytes.
const (
	refreshVersion   = 1
	refreshFixedSize = handleSize + 8 + 8 + models.HashSize + familySecretSize + 32
)

// The domains keep the MAC and the hash of a refresh token apart from every
// other use of the same key or function.
const (
	refreshMACDomain  = "sessionkit refresh token v1 mac\x00"
	refreshHashDomain = "sessionkit refresh token v1 hash\x00"
)

// Refresh is a refresh token. It shows none of its fields, under every fmt
// verb, in JSON and in slog.
type Refresh struct {
	// KeyID names the key that authenticates the token.
	KeyID string
	// Gen counts the generations of the session's tokens.
	Gen int64
	// IssuedAt is in milliseconds.
	IssuedAt int64
	// Parent is the double hash of the token that this one came from; zero for
	// the first of a session.
	Parent models.Hash

	family Family
	secret [32]byte
}

// NewRefresh makes a token of a session's family, with a new secret of 256 bits
// of its own. parent is the double hash of the token it comes from (zero for the
// first), issuedAt is in milliseconds.
func NewRefresh(family Family, parent models.Hash, gen, issuedAt int64) *Refresh {
	return &Refresh{Parent: parent, Gen: gen, IssuedAt: issuedAt, family: family, secret: random32()}
}

// Family is what a child of the token is made with.
func (r *Refresh) Family() Family { return r.family }

// Handle names the session.
func (r *Refresh) Handle() string { return r.family.Handle() }

// Seal authenticates the token with k, setting KeyID, and returns its text and
// its double hash. It panics on a zero family and on a malformed key: neither
// can come from a client, and a token that nobody can parse would end a session
// long after the mistake.
func (r *Refresh) Seal(k Key) (text string, hash models.Hash) {
	if !r.family.genuine() || !k.usable() {
		panic("token: Seal with a zero family or a malformed key")
	}
	r.KeyID = k.ID
	b := make([]byte, 0, 2+len(k.ID)+refreshFixedSize+sha256.Size)
	b = append(b, refreshVersion, byte(len(k.ID))) //nolint:gosec // at most 32
	b = append(b, k.ID...)
	b = append(b, r.family.handle[:]...)
	b = appendInt64(b, r.Gen)
	b = appendInt64(b, r.IssuedAt)
	b = append(b, r.Parent[:]...)
	b = append(b, r.family.secret[:]...)
	b = append(b, r.secret[:]...)
	b = appendRefreshMAC(b, k.Secret, b)
	return base64.RawURLEncoding.EncodeToString(b), refreshHash(b)
}

// ParseRefresh authenticates text and returns the token and its double hash.
// Errors: ErrTokenMalformed without asking for a key, the error of keys
// unchanged, ErrTokenForged when the MAC is wrong or the handle does not commit
// to the family's secret.
func ParseRefresh(text string, keys Keys) (*Refresh, models.Hash, error) {
	var buf [2 + 32 + refreshFixedSize + sha256.Size]byte
	b, kidLen, ok := splitRefresh(buf[:0], text)
	if !ok {
		return nil, models.Hash{}, errors.ErrTokenMalformed
	}
	kid, fields := string(b[2:2+kidLen]), b[2+kidLen:]
	secret, err := keys.secretFor(kid, readInt64(fields[handleSize+8:]))
	if err != nil {
		return nil, models.Hash{}, err
	}
	signed, mac := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	if !hmac.Equal(appendRefreshMAC(nil, secret, signed), mac) {
		return nil, models.Hash{}, errors.ErrTokenForged
	}
	r := &Refresh{KeyID: kid}
	r.readFields(fields)
	if !r.family.genuine() {
		return nil, models.Hash{}, errors.ErrTokenForged
	}
	return r, refreshHash(b), nil
}

// readFields reads what follows the key id.
func (r *Refresh) readFields(b []byte) {
	b = b[copy(r.family.handle[:], b):]
	r.Gen, r.IssuedAt = readInt64(b), readInt64(b[8:])
	b = b[16:]
	b = b[copy(r.Parent[:], b):]
	b = b[copy(r.family.secret[:], b):]
	copy(r.secret[:], b)
}

// LooksLikeRefresh reports whether text has the form of a refresh token. It
// says nothing about authenticity.
func LooksLikeRefresh(text string) bool {
	_, _, ok := splitRefresh(nil, text)
	return ok
}

// splitRefresh decodes text to dst and checks sizes, version and key id.
func splitRefresh(dst []byte, text string) (b []byte, kidLen int, ok bool) {
	if len(text) > MaxRefreshLen {
		return nil, 0, false
	}
	b, ok = decodeBase64(dst, text)
	if !ok || len(b) < 2 || b[0] != refreshVersion {
		return nil, 0, false
	}
	kidLen = int(b[1])
	if len(b) != 2+kidLen+refreshFixedSize+sha256.Size || !ValidKeyID(string(b[2:2+kidLen])) {
		return nil, 0, false
	}
	return b, kidLen, true
}

// appendInt64 appends n in two's complement.
func appendInt64(b []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(n)) //nolint:gosec // undone by readInt64
}

func readInt64(b []byte) int64 {
	return int64(binary.BigEndian.Uint64(b)) //nolint:gosec // undoes appendInt64
}

// appendRefreshMAC appends the MAC of body to dst.
func appendRefreshMAC(dst, secret, body []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	_, _ = mac.Write([]byte(refreshMACDomain))
	_, _ = mac.Write(body)
	return mac.Sum(dst)
}

// refreshHash is the double hash of a token: what rows and access tokens know
// of it. A plain hash does, as the token holds 256 random bits.
func refreshHash(b []byte) models.Hash {
	var buf [len(refreshHashDomain) + 2 + 32 + refreshFixedSize + sha256.Size]byte
	once := sha256.Sum256(append(append(buf[:0], refreshHashDomain...), b...))
	return sha256.Sum256(once[:])
}

// String tells nothing.
func (Refresh) String() string { return "[refresh token]" }

// Format keeps every field out of every verb.
func (r Refresh) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(r.String())) }

// MarshalText gives JSON and other text encoders what String says.
func (r Refresh) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// LogValue implements [slog.LogValuer].
func (r Refresh) LogValue() slog.Value { return slog.StringValue(r.String()) }
