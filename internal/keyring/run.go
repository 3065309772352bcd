package keyring

import (
	"context"
	"sync"
	"time"

	"github.com/gin-sessionkit/sessionkit/internal/wait"
)

// maxBackoff is the longest rest after failures.
const maxBackoff = time.Minute

// Run keeps the keys fresh until ctx ends: it reloads and rotates at jittered
// intervals of at most a minute, and less often while the store fails. Panics
// of the store or the provider are logged and survived.
//
// When it returns, nothing of the ring runs any more but a provider's call that
// does not heed its context, and nothing is loaded any more: known keys go on
// verifying. So a ring can be run only once.
func (r *Ring) Run(ctx context.Context) {
	defer r.stop()
	// Each source has a goroutine of its own, so that a slow provider delays no
	// store; the first has this one.
	sources := r.all()
	var wg sync.WaitGroup
	for _, s := range sources[1:] {
		wg.Go(func() { r.keepFresh(ctx, s) })
	}
	r.keepFresh(ctx, sources[0])
	wg.Wait()
}

// stop ends the operations under way, whose contexts are children of the
// ring's, and waits for them.
func (r *Ring) stop() {
	r.close()
	for _, s := range r.all() {
		if c := s.flight.current(); c != nil {
			<-c.done
		}
	}
}

// keepFresh is the loop of one source. The jitter, a quarter of the interval,
// keeps instances that were started together from asking the store together.
func (r *Ring) keepFresh(ctx context.Context, s *source) {
	timer := time.NewTimer(wait.Jitter(s.every, 4))
	defer timer.Stop()
	failures := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-s.hastened:
		}
		err := protect(func() error { return s.flight.run(ctx, s.op(s.tick)) })
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			failures++
			// The logger is the application's too. A panic in it must end
			// neither this loop nor the process, and there is nowhere left to
			// report it.
			_ = protect(func() error {
				r.log.Warn("sessionkit: reloading signing keys failed; the known ones stay in use",
					"failures", failures, "error", err)
				return nil
			})
		default:
			failures = 0
		}
		timer.Reset(wait.Jitter(backoff(s.every, failures), 4))
	}
}

// backoff doubles every with each failure in a row, up to maxBackoff. The shift
// is bounded, as some dozens of failures would make it overflow.
func backoff(every time.Duration, failures int) time.Duration {
	if failures == 0 {
		return every
	}
	return min(every<<min(failures, 10), maxBackoff)
}
