package token

import "encoding/base32"

// handleSize is the size of a handle in bytes, handleLen in characters.
const (
	handleSize = 16
	handleLen  = 26
)

// handleEncoding keeps the order of the bytes in the order of the texts
// (RFC 4648, section 7), so that a table ordered by handle is ordered by age.
var handleEncoding = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// ValidHandle reports whether s has the one text form of a handle. To decode it
// is not enough: the decoder skips line ends, and ignores two bits of the last
// character. So what was decoded is encoded again and compared.
func ValidHandle(s string) bool {
	var b [handleSize]byte
	if len(s) != handleLen {
		return false
	}
	if _, err := handleEncoding.Decode(b[:], []byte(s)); err != nil {
		return false
	}
	var again [handleLen]byte
	handleEncoding.Encode(again[:], b[:])
	return string(again[:]) == s
}
