package token

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
)

// maxAntiCSRFLen bounds what is read from the header; our own has 43
// characters.
const maxAntiCSRFLen = 256

// AntiCSRFOf derives the anti-CSRF token that goes with a refresh token. It is
// a one-way function of 256 random bits under a prefix of its own, so it
// teaches nothing about the refresh token, changes with every refresh, and
// needs no room in the database.
func AntiCSRFOf(refreshToken string) string {
	sum := sha256.Sum256([]byte("sessionkit.anti-csrf.v1:" + refreshToken))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// CSRFHash is what an access token says of its anti-CSRF token: enough to check it,
// not to make it. It is the first half of SHA-256: to find another text for a given
// hash takes 2^128 attempts, and nobody gains from two texts of one hash, as the text
// is ours.
type CSRFHash [16]byte

// IsZero reports whether there is no anti-CSRF token.
func (h CSRFHash) IsZero() bool { return h == CSRFHash{} }

// AntiCSRFHash is the hash of an anti-CSRF token.
func AntiCSRFHash(text string) CSRFHash {
	sum := sha256.Sum256([]byte(text))
	return CSRFHash(sum[:16])
}

// AntiCSRFMatches reports in constant time whether text hashes to want. A zero
// hash, of a token without any, matches nothing.
func AntiCSRFMatches(text string, want CSRFHash) bool {
	if text == "" || len(text) > maxAntiCSRFLen || want.IsZero() {
		return false
	}
	got := AntiCSRFHash(text)
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1
}
