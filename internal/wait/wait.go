// Package wait pauses: for a time, for as long as a context lives, and not all
// at the same time.
package wait

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"time"
)

// Sleep waits for d and reports true, or false as soon as ctx ends. It does not
// begin when ctx has ended.
func Sleep(ctx context.Context, d time.Duration) bool {
	if ctx.Err() != nil {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// Below returns a random duration from 0 to limit, so that what was started
// together parts ways. A limit that is not positive gives 0.
func Below(limit time.Duration) time.Duration {
	if limit <= 0 {
		return 0
	}
	var dice [8]byte
	_, _ = rand.Read(dice[:])                                                    // never fails: crypto/rand ends the program rather
	return time.Duration(binary.BigEndian.Uint64(dice[:]) % (uint64(limit) + 1)) //nolint:gosec // at most limit
}

// Jitter shortens d by up to the given part of it: Jitter(d, 2) is at least
// half of d. It never lengthens, because d is a promise.
func Jitter(d time.Duration, part int64) time.Duration {
	return d - Below(d/time.Duration(part))
}
