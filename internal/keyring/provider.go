package keyring

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
)

// providerTimeout is how long a call of the provider is waited for.
const providerTimeout = 5 * time.Second

// outside is the provider's side of a source.
type outside struct {
	provider Provider
	busy     atomic.Bool // a call has not come back
}

type answer struct {
	keys []token.Key
	err  error
}

// read is the source's fetch. The provider is asked in a goroutine that can be
// left behind, as nothing forces it to heed its context; no second one is sent
// after it.
func (o *outside) read(ctx context.Context, _ int64) ([]entry, error) {
	if !o.busy.CompareAndSwap(false, true) {
		return nil, errors.WithReason(errors.ErrUnavailable, errors.New("key provider has not answered the last call yet"))
	}
	ctx, cancel := context.WithTimeout(ctx, providerTimeout)
	defer cancel()
	answers := make(chan answer, 1)
	go func() {
		defer o.busy.Store(false)
		var a answer
		if err := protect(func() error { a.keys, a.err = o.provider.Keys(ctx); return a.err }); err != nil {
			a = answer{err: err}
		}
		answers <- a
	}()
	select {
	case a := <-answers:
		if a.err != nil {
			return nil, errors.WithReason(errors.ErrUnavailable, a.err)
		}
		return fromProvider(a.keys)
	case <-ctx.Done():
		return nil, errors.WithReason(errors.ErrUnavailable, errors.New("key provider did not answer in time"))
	}
}
