package token

import "encoding/base32"

// The sizes of handles: in bytes, and in characters. A sharded one begins with a home.
const (
	handleSize = 16
	handleLen  = 26

	shardedHandleSize = homeSize + 18
	shardedHandleLen  = 32
	// homeSize is the part of a sharded handle that is the home.
	homeSize = 2
)

// handleEncoding keeps the order of the bytes in the order of the texts
// (RFC 4648, section 7), so that a table ordered by handle is ordered by age, or
// by home and age.
var handleEncoding = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// ValidHandle reports whether s has the one text form of a handle of either size. To
// decode it is not enough: the decoder skips line ends, and ignores two bits of the
// last character of a short one. So what was decoded is encoded again and compared.
func ValidHandle(s string) bool {
	if len(s) != handleLen && len(s) != shardedHandleLen {
		return false
	}
	var b [shardedHandleSize]byte
	var again [shardedHandleLen]byte
	n, err := handleEncoding.Decode(b[:], []byte(s))
	if err != nil || handleEncoding.EncodedLen(n) != len(s) {
		return false
	}
	handleEncoding.Encode(again[:], b[:n])
	return string(again[:len(s)]) == s
}
