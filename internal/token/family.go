package token

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"

	"github.com/gin-sessionkit/sessionkit/internal/redact"
)

const (
	familySecretSize = 32
	// handleTimeSize is the part of a handle that is the time.
	handleTimeSize = 6
)

// familyDomain keeps the commitment apart from every other hash.
const familyDomain = "sessionkit session family v1 handle\x00"

// Family is what all refresh tokens of one session share: a secret of 256 bits
// that is made with the session and handed from parent to child, and the
// session's handle, which commits to it. It shows neither, under every fmt
// verb, in JSON and in slog.
//
// The handle is 48 bits of time (milliseconds since 1970) and the first 80 bits
// of a hash of that time and the secret. So a token proves that its maker knew
// the secret, which is in the session's refresh tokens and nowhere else: in no
// row, access token or log. The MAC alone would not do. It shows that the maker
// holds a key, and keys lie in the same database, and the same backup, as all
// else that a refresh token says: whoever read the backup could make tokens for
// every session in it. With the secret it also takes a genuine token of the
// session, and whoever has that needs no key.
//
// 80 bits are enough. What helps a forger is another secret that hashes to a
// given handle, which takes 2^80 tries. Collisions, at 2^40, are between
// secrets of his own making and open no session of others. That there are many
// sessions does not make it easier either: the time is hashed too, so each try
// is aimed at the sessions of one millisecond.
type Family struct {
	redact.As[familyText]

	handle [handleSize]byte
	secret [familySecretSize]byte
}

// NewFamily makes the family of a session that begins at now, in milliseconds
// since 1970.
func NewFamily(now int64) Family {
	f := Family{secret: random32()}
	binary.BigEndian.PutUint64(f.handle[:8], uint64(now)<<16) //nolint:gosec // 48 bits of it; the two low bytes are overwritten
	f.handle = f.commitment()
	return f
}

// Handle is the name of the session: 26 characters of lower-case base32hex that
// sort by time. It is no credential.
func (f Family) Handle() string { return handleEncoding.EncodeToString(f.handle[:]) }

// commitment is the handle that the secret makes with the time of f's own.
func (f *Family) commitment() (handle [handleSize]byte) {
	var buf [len(familyDomain) + handleTimeSize + familySecretSize]byte
	b := append(append(buf[:0], familyDomain...), f.handle[:handleTimeSize]...)
	sum := sha256.Sum256(append(b, f.secret[:]...))
	copy(handle[:], f.handle[:handleTimeSize])
	copy(handle[handleTimeSize:], sum[:])
	return handle
}

// genuine reports in constant time whether the handle commits to the secret.
func (f *Family) genuine() bool {
	want := f.commitment()
	return subtle.ConstantTimeCompare(f.handle[:], want[:]) == 1
}

type familyText struct{}

func (familyText) String() string { return "[session family]" }
