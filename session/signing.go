package session

import (
	"crypto"
	"time"

	"github.com/gin-sessionkit/sessionkit/internal/token"
)

// Algorithm says how access tokens are signed. Refresh tokens are read by the kit
// alone, and are always authenticated by HMAC-SHA-256.
type Algorithm uint8

const (
	// HS256 is HMAC with SHA-256: short tokens, and only who has the secret can
	// verify them, or make some. The default.
	HS256 Algorithm = iota
	// ES256 is ECDSA on P-256 with SHA-256, which nearly every other verifier knows.
	// A token is 65 bytes longer than with HS256, where the audience is "sessionkit".
	ES256
	// Ed25519 is as long, and quicker. Its name in tokens is EdDSA: not every
	// verifier knows the newer one of RFC 9864.
	Ed25519
	// RS256 is RSA of 2,048 bits with PKCS #1 v1.5 and SHA-256, for verifiers that know
	// nothing else. A token is 321 bytes longer than with HS256, which leaves the payload
	// less room, and takes more than ten times as long to sign as with ES256.
	RS256
)

// TokenType is the typ in the header of access tokens (RFC 7519, section 5.1) that
// are signed by another algorithm than HS256. Both are read, whichever is written. With
// HS256 it is always sessionkit+jwt.
type TokenType uint8

const (
	// TokenTypeAccess is at+jwt, of RFC 9068. The default.
	TokenTypeAccess TokenType = iota
	// TokenTypeJWT is JWT, for verifiers that refuse anything else.
	TokenTypeJWT
)

// internal is the algorithm by the name of the codecs and of the key rows.
func (a Algorithm) internal() token.Algorithm {
	return [...]token.Algorithm{HS256: token.HS256, ES256: token.ES256, Ed25519: token.Ed25519, RS256: token.RS256}[a]
}

// PublicKey is the public half of a key that signs access tokens. Services elsewhere
// verify tokens by it, and cannot make any.
type PublicKey struct {
	// ID is the kid in the header of tokens.
	ID string
	// Algorithm is how the key signs: never HS256, which has no public half.
	Algorithm Algorithm
	// Key is an *ecdsa.PublicKey, an ed25519.PublicKey or an *rsa.PublicKey.
	Key crypto.PublicKey
}

// PublicKeys are the public keys of all access tokens that live, and of those to come:
// a key is among them for at least four times maxAge before it signs, which is how long
// others may keep what they have read. (The successor of a key that [Service.RetireKey]
// ended may sign at once.) With HS256 there are none. Package jwks serves them.
func (s *Service) PublicKeys() (keys []PublicKey, maxAge time.Duration, err error) {
	if err := s.checkOpen(); err != nil {
		return nil, 0, err
	}
	pairs, lead := s.keys.Public()
	for _, k := range pairs {
		keys = append(keys, PublicKey{ID: k.ID, Algorithm: algorithmOf(k.Algorithm()), Key: k.Pair.Public()})
	}
	return keys, lead / 4, nil
}

// algorithmOf is the inverse of internal.
func algorithmOf(a token.Algorithm) Algorithm {
	switch a {
	case token.ES256:
		return ES256
	case token.Ed25519:
		return Ed25519
	case token.RS256:
		return RS256
	default:
		return HS256
	}
}
