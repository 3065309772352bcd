package keyring

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
)

// providerTimeout is how long a call of the provider is waited for. It is half
// of opTimeout, so that an operation which asks it ends in good time.
const providerTimeout = 5 * time.Second

// providerSource is the provider's side of a source.
type providerSource struct {
	provider Provider
	busy     atomic.Bool // a call has not come back
}

// providerKeys is what a call of the provider returned.
type providerKeys struct {
	keys []token.Key
	err  error
}

// read is the source's fetch. The provider is the application's code, and
// nothing forces it to heed its context. So it is asked in a goroutine that can
// be left behind. As long as that one has not come back no second one is sent
// after it: a provider that hangs for a day costs one goroutine, not one a
// minute.
func (p *providerSource) read(ctx context.Context, _ int64) ([]entry, error) {
	if !p.busy.CompareAndSwap(false, true) {
		return nil, errors.WithReason(errors.ErrUnavailable, errors.New("key provider has not answered the last call yet"))
	}
	ctx, cancel := context.WithTimeout(ctx, providerTimeout)
	defer cancel()
	returned := make(chan providerKeys, 1) // room for an answer that nobody waits for
	go func() {
		defer p.busy.Store(false)
		var got providerKeys
		if err := protect(func() error { got.keys, got.err = p.provider.Keys(ctx); return got.err }); err != nil {
			got = providerKeys{err: err}
		}
		returned <- got
	}()
	select {
	case got := <-returned:
		if got.err != nil {
			return nil, errors.WithReason(errors.ErrUnavailable, got.err)
		}
		return checkProvided(got.keys)
	case <-ctx.Done():
		return nil, errors.WithReason(errors.ErrUnavailable, errors.New("key provider did not answer in time"))
	}
}
