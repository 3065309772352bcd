package token

import (
	"crypto/subtle"
	"strings"

	"github.com/maypok86/otter/v2"
)

// Cache remembers access tokens that were verified, because a client sends the
// same one with every request until it expires. The zero Cache and a nil one
// remember nothing. It is safe for concurrent use.
//
// It is sound because it replaces only what depends on nothing but the token's
// text and the key's secret: the signature and the reading of the claims. All
// that changes with time is asked anew at every hit: whether the key still
// verifies and has the same secret, the times, issuer and audience. Revocation
// is the business of the caller, who has to ask the database with or without a
// Cache.
//
// A token is found by its whole text, so nothing but that very text is taken
// for it.
//
// How long a search takes is of no use to a forger. Two texts are compared byte
// by byte only where bits of their hashes agree, and the hash has a random key.
// Even then a forger would have to know what stands before the signature. That
// holds the token's random id, which only those know who have the token.
type Cache struct {
	tokens *otter.Cache[string, verified]
}

// entryOverhead is what an entry takes beside the texts: the struct of the
// claims and the cache's own records. It was measured at 490 bytes. The test of
// the cache's bound fails when it is too small.
const entryOverhead = 640

// weightOf is the memory in bytes that an entry takes, at most: the token, the
// decoded claims and a copy of the payload, each rounded up by the allocator by
// an eighth.
func weightOf(text string, v verified) uint32 {
	texts := len(text) + v.size + len(v.access.Payload)
	return uint32(entryOverhead + texts + texts/8) //nolint:gosec // of a token of bounded size
}

// NewCache returns a Cache that takes up to about the given number of bytes.
// Those used least make room for others.
func NewCache(bytes int64) *Cache {
	if bytes <= 0 {
		return nil
	}
	return &Cache{otter.Must(&otter.Options[string, verified]{
		MaximumWeight: uint64(bytes),
		Weigher:       weightOf,
		// Its upkeep is short: no goroutine of its own for that.
		Executor: func(upkeep func()) { upkeep() },
	})}
}

// ParseAccess is the function ParseAccess with a memory. Others may hold the
// same claims: they must not be changed.
func (c *Cache) ParseAccess(text string, keys Keys, want Expect) (*Access, error) {
	if c == nil || c.tokens == nil || len(text) > MaxAccessLen {
		return ParseAccess(text, keys, want)
	}
	v, known := c.tokens.GetIfPresent(text)
	if known {
		secret, err := keys.secretFor(v.access.KeyID, 0)
		if err != nil {
			return nil, err
		}
		known = subtle.ConstantTimeCompare(secret, v.secret) == 1
	}
	if !known {
		var err error
		if v, err = authenticate(text, keys); err != nil {
			return nil, err
		}
	}
	if err := v.check(want); err != nil {
		return nil, err
	}
	// A token that waits to be promoted is replaced at this very use.
	if !known && v.access.Parent.IsZero() {
		c.tokens.Set(strings.Clone(text), v) // a part of a header would keep all of it
	}
	return v.access, nil
}
