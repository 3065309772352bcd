package token

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
)

// maxAntiCSRFLen bounds what is hashed of a request header.
const maxAntiCSRFLen = 256

// NewAntiCSRF makes an anti-CSRF token of at least 128 random bits and the
// hash of it that goes into the access token: reading an access token must not
// yield the header that has to accompany it.
func NewAntiCSRF() (text string, hash [32]byte) {
	text = rand.Text()
	return text, sha256.Sum256([]byte(text))
}

// CheckAntiCSRF reports whether text is the anti-CSRF token behind hash. Nothing
// fits the zero hash, which means that there is none. Takes the same time for
// every wrong text of one length.
func CheckAntiCSRF(text string, hash [32]byte) bool {
	if text == "" || len(text) > maxAntiCSRFLen {
		return false
	}
	got := sha256.Sum256([]byte(text))
	return subtle.ConstantTimeCompare(got[:], hash[:]) == 1
}
