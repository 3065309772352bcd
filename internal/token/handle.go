package token

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
)

// handleSize is the size of a handle in bytes, handleLen in characters.
const (
	handleSize = 16
	handleLen  = 26
)

// handleEncoding keeps the order of the bytes in the order of the texts
// (RFC 4648, section 7), so that a table ordered by handle is ordered by age.
var handleEncoding = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// NewHandle makes the name of a session that begins at now (milliseconds since
// 1970): 48 bits of time and 80 random bits as 26 characters of lower-case
// base32hex. It is no credential: 80 bits keep handles apart, not attackers out.
func NewHandle(now int64) string {
	var b [handleSize]byte
	binary.BigEndian.PutUint64(b[:8], uint64(now)<<16) //nolint:gosec // 48 bits of it; the two low bytes are overwritten
	_, _ = rand.Read(b[6:])
	return handleEncoding.EncodeToString(b[:])
}

// ValidHandle reports whether s has the one text form of a handle.
func ValidHandle(s string) bool {
	_, ok := handleBytes(s)
	return ok
}

// handleBytes decodes a handle. Encoding it again tells whether s was the one
// text for it: the decoder skips line ends, and the last character has two bits
// that it ignores.
func handleBytes(s string) (b [handleSize]byte, ok bool) {
	if len(s) != handleLen {
		return b, false
	}
	_, err := handleEncoding.Decode(b[:], []byte(s))
	return b, err == nil && handleEncoding.EncodeToString(b[:]) == s
}
