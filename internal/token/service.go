package token

import (
	"crypto/sha256"
	"encoding/binary"
)

// serviceSize is the size in bytes of what a refresh token says of its service.
// Nobody but the application chooses issuer and audience, so that collisions
// (2^64 tries) help nobody; to hit the service of another takes 2^128.
const serviceSize = 16

const serviceDomain = "sessionkit refresh token v2 service\x00"

// serviceOf names the service of an issuer and audience: what one service made
// is nothing at another, also where both use one key table. Each text comes
// after its length, so that no two pairs are the same bytes.
func serviceOf(issuer, audience string) (service [serviceSize]byte) {
	var buf [256]byte
	b := append(buf[:0], serviceDomain...)
	for _, text := range [...]string{issuer, audience} {
		b = binary.BigEndian.AppendUint64(b, uint64(len(text)))
		b = append(b, text...)
	}
	sum := sha256.Sum256(b)
	copy(service[:], sum[:])
	return service
}
