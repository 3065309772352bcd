package keyring

import "sync/atomic"

// cooldown is a rest between two attempts at something, in milliseconds of the
// ring's clock. The zero value is rested.
type cooldown struct {
	until atomic.Int64
}

// resting reports whether the rest lasts at now. A rest longer than longest is
// left over from before the clock went back, and over.
func (c *cooldown) resting(now, longest int64) bool {
	until := c.until.Load()
	return now < until && until-now <= longest
}

// take begins a rest of the given length, and reports whether the caller is
// the one who may make the attempt.
func (c *cooldown) take(now, length int64) bool {
	until := c.until.Load()
	if now < until && until-now <= length {
		return false
	}
	return c.until.CompareAndSwap(until, now+length)
}

// rest makes the rest end after length from now.
func (c *cooldown) rest(now, length int64) { c.until.Store(now + length) }
