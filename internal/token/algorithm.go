package token

import "github.com/golang-jwt/jwt/v5"

// Algorithm says how a key signs access tokens. It is a property of the key, by
// the name in the key's row: a header can only agree with it, never choose (RFC
// 8725, section 3.1).
type Algorithm string

// The algorithms. The first needs the secret to verify; the others, of a
// [KeyPair], a public key.
const (
	HS256   Algorithm = "HS256"
	ES256   Algorithm = "ES256"
	Ed25519 Algorithm = "Ed25519"
	RS256   Algorithm = "RS256"
)

// Public reports whether keys of a are pairs.
func (a Algorithm) Public() bool { return a == ES256 || a == Ed25519 || a == RS256 }

// Known reports whether a is one of ours.
func (a Algorithm) Known() bool { return a == HS256 || a.Public() }

// maxSignatureSize is the length of the longest signatures in bytes.
const maxSignatureSize = rsaBits / 8

// signatureSize is the length of a's signatures in bytes.
func (a Algorithm) signatureSize() int {
	switch a {
	case ES256, Ed25519:
		return 64
	case RS256:
		return maxSignatureSize
	default:
		return 32
	}
}

// method is a as golang-jwt has it, of a pair.
func (a Algorithm) method() jwt.SigningMethod {
	switch a {
	case ES256:
		return jwt.SigningMethodES256
	case Ed25519:
		return jwt.SigningMethodEdDSA
	default:
		return jwt.SigningMethodRS256
	}
}
