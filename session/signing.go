package session

import "github.com/gin-sessionkit/sessionkit/internal/token"

// Algorithm says how access tokens are signed. Refresh tokens are read by the kit
// alone, and are always authenticated by HMAC-SHA-256.
type Algorithm uint8

const (
	// HS256 is HMAC with SHA-256: short tokens, and only who has the secret can
	// verify them, or make some. The default.
	HS256 Algorithm = iota
	// ES256 is ECDSA on P-256 with SHA-256, which nearly every other verifier knows.
	// A token is 65 bytes longer than with HS256, where Audience is "sessionkit".
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
