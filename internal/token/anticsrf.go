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

// AntiCSRFHash is what an access token says of its anti-CSRF token: enough to
// check it, not to make it.
func AntiCSRFHash(text string) [32]byte {
	return sha256.Sum256([]byte(text))
}

// AntiCSRFMatches reports in constant time whether text hashes to want. A zero
// hash, of a token without any, matches nothing.
func AntiCSRFMatches(text string, want [32]byte) bool {
	if text == "" || len(text) > maxAntiCSRFLen || want == ([32]byte{}) {
		return false
	}
	got := AntiCSRFHash(text)
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1
}
