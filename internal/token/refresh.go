package token

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/redact"
	"github.com/gin-sessionkit/sessionkit/models"
)

// MaxRefreshLen is the longest text in bytes that is looked at as a refresh
// token. Real ones have at most 286.
const MaxRefreshLen = 512

// The bytes of a refresh token, integers big-endian:
//
//	version 1 | key id length 1 | key id | service 16 | handle 16 |
//	generation 8 | issued at 8 (ms) | parent 32 | family secret 32 | secret 32 |
//	HMAC-SHA-256 of all before 32
//
// Every field but the key id has a fixed size, and the key id says its own, so
// that no two different tokens are the same bytes. Version 1 has no service:
// such tokens were made before there was one, and are read and never made. In
// version 3 the handle is that of a sharded family, and has 20 bytes.
const (
	refreshUnbound = 1
	refreshBound   = 2
	refreshSharded = 3

	// refreshFixedSize is the size of what follows the handle, up to the MAC.
	refreshFixedSize = 8 + 8 + models.HashSize + familySecretSize + 32
	maxRefreshSize   = 2 + maxKeyIDLen + serviceSize + shardedHandleSize + refreshFixedSize + sha256.Size
)

// The domains keep the MACs and the hash of refresh tokens apart from every
// other use of the same key or function, and the MACs of the versions from
// one another. The hash is of all bytes, and so of the version too.
const (
	refreshMACDomain1 = "sessionkit refresh token v1 mac\x00"
	refreshMACDomain2 = "sessionkit refresh token v2 mac\x00"
	refreshMACDomain3 = "sessionkit refresh token v3 mac\x00"
	refreshHashDomain = "sessionkit refresh token v1 hash\x00"
)

// Refresh is a refresh token. It shows none of its fields, under every fmt
// verb, in JSON and in slog.
type Refresh struct {
	redact.As[refreshText]

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
// of its own. parent is the double hash of the token it comes from (zero for
// the first), issuedAt is in milliseconds.
func NewRefresh(family Family, parent models.Hash, gen, issuedAt int64) *Refresh {
	return &Refresh{Parent: parent, Gen: gen, IssuedAt: issuedAt, family: family, secret: random32()}
}

// FirstRefresh is the first token of a family with a secret that is derived too: sealed
// by the same key it is the same text every time.
func FirstRefresh(family Family, secret Derivation, issuedAt int64) *Refresh {
	return &Refresh{IssuedAt: issuedAt, family: family, secret: secret}
}

// Family is what a child of the token is made with.
func (r *Refresh) Family() Family { return r.family }

// Handle names the session.
func (r *Refresh) Handle() string { return r.family.Handle() }

// Seal binds the token to a service and authenticates it with k, setting KeyID.
// It returns its text and its double hash. It panics on a zero family, an empty
// issuer or audience and a malformed key: none of them can come from a client,
// and a token that nobody can parse would end a session long after the mistake.
func (r *Refresh) Seal(k Key, issuer, audience string) (text string, hash models.Hash) {
	if !r.family.genuine() || issuer == "" || audience == "" || !k.usable() {
		panic("token: Seal with a zero family, a service without name or a malformed key")
	}
	r.KeyID = k.ID
	service := serviceOf(issuer, audience)
	handle, version := r.family.handle[:r.family.size()], byte(refreshBound)
	if r.family.sharded {
		version = refreshSharded
	}
	b := make([]byte, 0, 2+len(k.ID)+serviceSize+len(handle)+refreshFixedSize+sha256.Size)
	b = append(b, version, byte(len(k.ID))) //nolint:gosec // at most 32
	b = append(b, k.ID...)
	b = append(b, service[:]...)
	b = append(b, handle...)
	b = appendInt64(b, r.Gen)
	b = appendInt64(b, r.IssuedAt)
	b = append(b, r.Parent[:]...)
	b = append(b, r.family.secret[:]...)
	b = append(b, r.secret[:]...)
	b = appendRefreshMAC(b, refreshMACDomain(version), k.Secret, b)
	return base64.RawURLEncoding.EncodeToString(b), refreshHash(b)
}

// ParseRefresh authenticates text as a token of this service and returns it and
// its double hash.
//
// Errors: [errors.ErrTokenMalformed]; [errors.ErrTokenForeign] for a token that
// says it is another issuer's or audience's, genuine or not; the error of keys,
// unchanged; [errors.ErrTokenForged] when the MAC is wrong, or the handle does
// not commit to the family's secret. No key is asked for before the first two
// are ruled out.
func ParseRefresh(text string, keys Keys, issuer, audience string) (*Refresh, models.Hash, error) {
	var buf [maxRefreshSize]byte
	p, ok := splitRefresh(buf[:0], text)
	if !ok {
		return nil, models.Hash{}, errors.ErrTokenMalformed
	}
	if !p.isFor(issuer, audience) {
		return nil, models.Hash{}, errors.ErrTokenForeign
	}
	kid := string(p.kid)
	secret, err := keys.secretFor(kid, readInt64(p.fields[issuedAtOffset:]))
	if err != nil {
		return nil, models.Hash{}, err
	}
	signed, mac := p.all[:len(p.all)-sha256.Size], p.all[len(p.all)-sha256.Size:]
	if !hmac.Equal(appendRefreshMAC(nil, refreshMACDomain(p.all[0]), secret, signed), mac) {
		return nil, models.Hash{}, errors.ErrTokenForged
	}
	r := &Refresh{KeyID: kid}
	copy(r.family.handle[:], p.handle)
	r.family.sharded = p.all[0] == refreshSharded
	r.readFields(p.fields)
	if !r.family.genuine() {
		return nil, models.Hash{}, errors.ErrTokenForged
	}
	return r, refreshHash(p.all), nil
}

// readFields reads what follows the handle.
func (r *Refresh) readFields(b []byte) {
	r.Gen, r.IssuedAt = readInt64(b), readInt64(b[8:])
	b = b[16:]
	b = b[copy(r.Parent[:], b):]
	b = b[copy(r.family.secret[:], b):]
	copy(r.secret[:], b)
}

// LooksLikeRefresh reports whether text has the form of a refresh token of
// any version. It says nothing about authenticity.
func LooksLikeRefresh(text string) bool {
	_, ok := splitRefresh(nil, text)
	return ok
}

// refreshParts are the bytes of a token and what stands where in them. service
// is empty in version 1; fields are what follows the handle, up to the MAC.
type refreshParts struct{ all, kid, service, handle, fields []byte }

// The generation is the first of the fields.
const issuedAtOffset = 8

// splitRefresh decodes text to dst and checks sizes, version and key id, and
// that numbers are in their range: outside of it nobody can compute with them.
func splitRefresh(dst []byte, text string) (p refreshParts, ok bool) {
	if len(text) > MaxRefreshLen {
		return p, false
	}
	b, ok := decodeBase64(dst, text)
	if !ok || len(b) < 2 {
		return p, false
	}
	kidEnd, service, handle := 2+int(b[1]), serviceSize, handleSize
	switch b[0] {
	case refreshUnbound:
		service = 0
	case refreshBound:
	case refreshSharded:
		handle = shardedHandleSize
	default:
		return p, false
	}
	handleAt, fieldsAt := kidEnd+service, kidEnd+service+handle
	if len(b) != fieldsAt+refreshFixedSize+sha256.Size || !ValidKeyID(string(b[2:kidEnd])) {
		return p, false
	}
	p = refreshParts{
		all: b, kid: b[2:kidEnd], service: b[kidEnd:handleAt], handle: b[handleAt:fieldsAt],
		fields: b[fieldsAt : fieldsAt+refreshFixedSize],
	}
	if outside(readInt64(p.fields), models.MaxGeneration) || outside(readInt64(p.fields[issuedAtOffset:]), maxMillis) {
		return p, false
	}
	return p, true
}

// isFor reports whether the token says that it is of this service. One of
// version 1 does not say. An empty issuer or audience is of no service.
func (p refreshParts) isFor(issuer, audience string) bool {
	if issuer == "" || audience == "" {
		return false
	}
	service := serviceOf(issuer, audience)
	return p.all[0] == refreshUnbound || bytes.Equal(p.service, service[:])
}

// refreshMACDomain is what the MAC of a version begins with.
func refreshMACDomain(version byte) string {
	switch version {
	case refreshUnbound:
		return refreshMACDomain1
	case refreshBound:
		return refreshMACDomain2
	default:
		return refreshMACDomain3
	}
}

// appendInt64 appends n in two's complement.
func appendInt64(b []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(n)) //nolint:gosec // undone by readInt64
}

func readInt64(b []byte) int64 {
	return int64(binary.BigEndian.Uint64(b)) //nolint:gosec // undoes appendInt64
}

// appendRefreshMAC appends the MAC of body to dst.
func appendRefreshMAC(dst []byte, domain string, secret, body []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	_, _ = mac.Write([]byte(domain))
	_, _ = mac.Write(body)
	return mac.Sum(dst)
}

// refreshHash is the double hash of a token: what rows and access tokens know
// of it. A plain hash does, as the token holds 256 random bits.
func refreshHash(b []byte) models.Hash {
	var buf [len(refreshHashDomain) + maxRefreshSize]byte
	once := sha256.Sum256(append(append(buf[:0], refreshHashDomain...), b...))
	return sha256.Sum256(once[:])
}

type refreshText struct{}

func (refreshText) String() string { return "[refresh token]" }
