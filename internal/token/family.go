package token

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"

	"github.com/gin-sessionkit/sessionkit/internal/redact"
	"github.com/gin-sessionkit/sessionkit/models"
)

const (
	familySecretSize = 32
	// handleTimeSize is the part of a handle that is the time.
	handleTimeSize = 6
)

// The domains keep the commitments apart from one another and from every other hash.
// They have the same length.
const (
	familyDomain        = "sessionkit session family v1 handle\x00"
	shardedFamilyDomain = "sessionkit session family v2 handle\x00"
)

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
//
// The handle of a sharded family begins with its user's home, and has 96 bits of the
// hash, which is of the home too.
type Family struct {
	redact.As[familyText]

	// handle is shorter than its array unless the family is sharded.
	handle  [shardedHandleSize]byte
	sharded bool
	secret  [familySecretSize]byte
}

// Derivation is the secret of a family that whoever knows its origin makes again: 256
// bits that nobody else can know.
type Derivation [familySecretSize]byte

// NewFamily makes the family of a session that begins at now, in milliseconds
// since 1970.
func NewFamily(now int64) Family { return Derivation(random32()).Family(now) }

// NewShardedFamily is NewFamily for a session of a user with that home.
func NewShardedFamily(now int64, home models.Home) Family {
	return Derivation(random32()).ShardedFamily(now, home)
}

// Family is the family of a session that began at that time, in milliseconds since
// 1970: the same one every time.
func (d Derivation) Family(began int64) Family {
	f := Family{secret: d}
	binary.BigEndian.PutUint64(f.handle[:8], uint64(began)<<16) //nolint:gosec // 48 bits of it; the two low bytes are overwritten
	f.handle = f.commitment()
	return f
}

// ShardedFamily is Family for a session of a user with that home.
func (d Derivation) ShardedFamily(began int64, home models.Home) Family {
	f := Family{secret: d, sharded: true}
	binary.BigEndian.PutUint64(f.handle[homeSize:], uint64(began)<<16) //nolint:gosec // as above
	binary.BigEndian.PutUint16(f.handle[:], uint16(home))
	f.handle = f.commitment()
	return f
}

// Handle is the name of the session: 26 characters of lower-case base32hex that
// sort by time, or 32 that sort by home and time. It is no credential.
func (f Family) Handle() string { return handleEncoding.EncodeToString(f.handle[:f.size()]) }

// size is that of the handle in bytes.
func (f *Family) size() int {
	if f.sharded {
		return shardedHandleSize
	}
	return handleSize
}

// commitment is the handle that the secret makes with the home and the time of f's own.
func (f *Family) commitment() (handle [shardedHandleSize]byte) {
	domain, said := familyDomain, handleTimeSize
	if f.sharded {
		domain, said = shardedFamilyDomain, homeSize+handleTimeSize
	}
	var buf [len(familyDomain) + homeSize + handleTimeSize + familySecretSize]byte
	b := append(append(buf[:0], domain...), f.handle[:said]...)
	sum := sha256.Sum256(append(b, f.secret[:]...))
	copy(handle[:], f.handle[:said])
	copy(handle[said:f.size()], sum[:])
	return handle
}

// genuine reports in constant time whether the handle commits to the secret.
func (f *Family) genuine() bool {
	want := f.commitment()
	return subtle.ConstantTimeCompare(f.handle[:], want[:]) == 1
}

type familyText struct{}

func (familyText) String() string { return "[session family]" }
