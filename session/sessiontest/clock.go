package sessiontest

import (
	"sync"
	"time"
)

// Clock is a clock that moves only when told to. Its Now fits into
// session.Config.Now. It is safe for concurrent use; the zero Clock stands at
// the zero time.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that stands at t0.
func NewClock(t0 time.Time) *Clock { return &Clock{now: t0} }

// Now returns the time at which the clock stands.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()

	return c.now
}

// Advance moves the clock by d, backwards if d is negative, and returns the new
// time.
func (c *Clock) Advance(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)

	return c.now
}

// Set moves the clock to t, which may be in its past: clocks of real servers
// are set back, too.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}
