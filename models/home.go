package models

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
)

// Home says where the sessions of a user lie in a sharded store: one of 65,536 places,
// which the store spreads over its servers. It is not secret, and it is no name of a
// user: many have the same.
type Home uint16

// HomeSlices is how many slices the homes of a sharded store are cut into: a cleanup
// works on one at a time, and no statement on several users' sessions reaches over more
// than one. So servers hold whole slices, and at most so many share the sessions.
const HomeSlices = 16

// Slice is the slice that h lies in, 0 to HomeSlices-1: its first four bits.
func (h Home) Slice() int { return int(h >> 12) }

// homeDomain keeps homes apart from every other hash.
const homeDomain = "sessionkit user home v1\x00"

// HomeOf is the home of a user's sessions. It never changes: rows lie by it.
func HomeOf(userID string) Home {
	sum := sha256.Sum256(append([]byte(homeDomain), userID...))
	return Home(binary.BigEndian.Uint16(sum[:]))
}

// shardedHandleLen is the length of a handle that begins with a home.
const shardedHandleLen = 32

// handleBits are the characters of a handle (RFC 4648, section 7, in lower case).
var handleBits = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// HomeOfHandle reads the home that a handle of 32 characters begins with. It reports
// false for every other text; not every text for which it reports true is a handle.
func HomeOfHandle(handle string) (Home, bool) {
	var b [2]byte
	if len(handle) != shardedHandleLen {
		return 0, false
	}
	// Four characters are 16 bits and four of the time.
	if n, err := handleBits.Decode(b[:], []byte(handle[:4])); err != nil || n != len(b) {
		return 0, false // the decoder skips line ends
	}
	return Home(binary.BigEndian.Uint16(b[:])), true
}
