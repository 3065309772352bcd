package gormstore

import (
	"context"
	"time"

	"github.com/gin-sessionkit/sessionkit/internal/wait"
)

// Repeating a statement that the database rolled back: waits of 5 ms doubling
// up to 160 ms, half of each at random so that rivals don't meet again.
// Together they are at most 475 ms, well within
// session.Config.OperationTimeout.
const (
	maxTries  = 8
	firstWait = 5 * time.Millisecond
	maxWait   = 160 * time.Millisecond
)

// retry runs op until it succeeds, fails in a way that again does not accept,
// has been tried maxTries times, or ctx ends. It returns op's last error. In an
// application's transaction it runs op once.
//
// It can be this simple because each statement is a transaction of its own:
// what was rolled back is the whole of it, and no earlier statement has to be
// repeated.
func (s *Store) retry(ctx context.Context, again func(outcome) bool, op func() error) error {
	for try := 1; ; try++ {
		err := op()
		if err == nil || s.once || try == maxTries || !again(judge(s.dialect, err).outcome) || !pause(ctx, try) {
			return err
		}
	}
}

// rolledBack accepts what the database says was undone. A broken connection is
// not among it: the statement may have been carried out, or still be. A
// compare-and-swap that was carried out and is sent again finds the row
// changed, by itself, and would report that somebody else had been faster.
func rolledBack(o outcome) bool { return o == wasUndone }

// mayRepeat accepts broken connections too, for a statement that can tell
// whether it has been carried out before.
func mayRepeat(o outcome) bool { return o == wasUndone || o == unknown }

// pause waits before the next try and reports whether ctx still lives.
func pause(ctx context.Context, try int) bool {
	return wait.Sleep(ctx, wait.Jitter(min(firstWait<<(try-1), maxWait), 2))
}
