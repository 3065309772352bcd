package keyring

import "sync/atomic"

// cooldown is a rest between two attempts at something, in milliseconds of the
// ring's clock. The zero value is rested.
//
// The clock can be set back, by hours even. Then the end of a rest lies far
// ahead, and waiting for it would mean hours without an attempt. So every
// question says how long a rest can be, and one that would last longer is over.
type cooldown struct {
	until atomic.Int64
}

// resting reports whether the rest lasts at now, none being longer than
// longest.
func (c *cooldown) resting(now, longest int64) bool {
	until := c.until.Load()
	return now < until && until-now <= longest
}

// take begins a rest of the given length, and reports whether the caller is
// the one who may make the attempt: of any number that ask at once, one is.
func (c *cooldown) take(now, length int64) bool {
	until := c.until.Load()
	if now < until && until-now <= length {
		return false
	}
	return c.until.CompareAndSwap(until, now+length)
}

// rest makes the rest end after length from now.
func (c *cooldown) rest(now, length int64) { c.until.Store(now + length) }
