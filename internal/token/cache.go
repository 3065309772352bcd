package token

import (
	"strings"

	"github.com/maypok86/otter/v2"

	"github.com/gin-sessionkit/sessionkit/internal/counts"
)

// Cache remembers access tokens that were verified, because a client sends the
// same one with every request until it expires. Beside each it keeps a memo of the
// caller's, which begins as its zero value. The zero Cache and a nil one remember
// nothing. It is safe for concurrent use.
//
// It is sound because it replaces only what depends on nothing but the token's
// text and the key: the signature and the reading of the claims. All
// that changes with time is asked anew at every hit: whether the key still
// verifies and is the same, the times, issuer and audience. Revocation
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
type Cache[Memo any] struct {
	tokens *otter.Cache[string, *remembered[Memo]]
	// unpromoted keeps tokens that wait to be promoted too.
	unpromoted bool
	missed     *counts.Set // one number
}

// remembered is what the Cache holds for one token.
type remembered[Memo any] struct {
	verified
	memo Memo
}

// entryOverhead is what an entry takes beside the texts: the struct of the
// claims and the cache's own records. It was measured at 490 bytes. The test of
// the cache's bound fails when it is too small.
const entryOverhead = 640

// weightOf is the memory in bytes that an entry takes, at most: the token, the
// decoded claims and a copy of the payload, each rounded up by the allocator by
// an eighth.
func weightOf[Memo any](text string, v *remembered[Memo]) uint32 {
	texts := len(text) + v.size + len(v.access.Payload)
	return uint32(entryOverhead + texts + texts/8) //nolint:gosec // of a token of bounded size
}

// NewCache returns a Cache that takes up to about the given number of bytes.
// Those used least make room for others.
func NewCache[Memo any](bytes int64) *Cache[Memo] {
	if bytes <= 0 {
		return nil
	}
	return &Cache[Memo]{missed: counts.New(1), tokens: otter.Must(&otter.Options[string, *remembered[Memo]]{
		MaximumWeight: uint64(bytes),
		Weigher:       weightOf[Memo],
		// Its upkeep is short: no goroutine of its own for that.
		Executor: func(upkeep func()) { upkeep() },
	})}
}

// NewReadersCache returns a Cache for who promotes no token, and so sees the same one
// again while it waits for that.
func NewReadersCache[Memo any](bytes int64) *Cache[Memo] {
	c := NewCache[Memo](bytes)
	if c != nil {
		c.unpromoted = true
	}
	return c
}

// ParseAccess is the function ParseAccess with a memory. Others may hold the
// same claims: they must not be changed. The memo is nil for a token that is not
// kept.
func (c *Cache[Memo]) ParseAccess(text string, keys Keys, want Expect) (*Access, *Memo, error) {
	if c == nil || c.tokens == nil || len(text) > MaxAccessLen {
		access, err := ParseAccess(text, keys, want)
		return access, nil, err
	}
	if r, known := c.tokens.GetIfPresent(text); known {
		key, err := keys.find(r.access.KeyID)
		if err != nil {
			return nil, nil, err
		}
		if key.same(r.key) {
			if err := r.check(want); err != nil {
				return nil, nil, err
			}
			return r.access, &r.memo, nil
		}
	}
	return c.parseUnknown(text, keys, want)
}

// Misses is how many tokens were looked for and not found, so that they were read.
func (c *Cache[Memo]) Misses() uint64 {
	if c == nil || c.tokens == nil {
		return 0
	}
	return c.missed.Sums()[0]
}

// Len is about how many tokens are remembered.
func (c *Cache[Memo]) Len() int {
	if c == nil || c.tokens == nil {
		return 0
	}
	return c.tokens.EstimatedSize()
}

func (c *Cache[Memo]) parseUnknown(text string, keys Keys, want Expect) (*Access, *Memo, error) {
	c.missed.Add(0, 1)
	v, err := authenticate(text, keys)
	if err == nil {
		err = v.check(want)
	}
	switch {
	case err != nil:
		return nil, nil, err
	case !v.access.Parent.IsZero() && !c.unpromoted: // it waits to be promoted, and is replaced at this very use
		return v.access, nil, nil
	}
	r := &remembered[Memo]{verified: v}
	c.tokens.Set(strings.Clone(text), r) // a part of a header would keep all of it
	return v.access, &r.memo, nil
}
