package keyring_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/keyring"
)

const waitLimit = 500 * time.Millisecond

// hanging is a ring whose store stops answering. heed says whether the store gives
// up when its context ends.
func hanging(t *testing.T, heed bool, change ...func(*table)) (r *keyring.Ring, store *table, release func()) {
	t.Helper()
	store = &table{}
	r = newRing(t, store, keyring.Config{Schedules: schedules(), Logger: (&logs{}).logger(), WaitLimit: waitLimit})
	hang := make(chan struct{})
	store.set(func(s *table) {
		if heed {
			s.hang = hang
		} else {
			s.before = func() { <-hang }
		}
		for _, f := range change {
			f(s)
		}
	})
	return r, store, sync.OnceFunc(func() { close(hang) })
}

// took is how long f takes by the bubble's clock.
func took(f func()) time.Duration {
	before := time.Now()
	f()
	return time.Since(before)
}

// A store that hangs holds nobody for longer than the limit, on no way into the
// ring, whatever the caller's context says. Those who come later are not held at all.
func TestWaitsAreBounded(t *testing.T) {
	t.Parallel()
	for _, heed := range []bool{true, false} {
		for name, row := range map[string]struct {
			into func(r *keyring.Ring, i int) error
			// late is how long those wait who come when an operation hangs already.
			late time.Duration
		}{
			"an unknown access key": {func(r *keyring.Ring, i int) error {
				_, err := r.Verifying(context.Background(), access, fmt.Sprint("unknown-", i), 0)
				return err
			}, 0},
			"an unknown refresh key of a token of the future": {func(r *keyring.Ring, i int) error {
				_, err := r.Verifying(context.Background(), refresh, fmt.Sprint("unknown-", i), time.Now().Add(time.Hour).UnixMilli())
				return err
			}, 0},
			"no key to sign with": {func(r *keyring.Ring, _ int) error {
				_, err := r.Signing(context.Background(), access)
				return err
			}, 0},
			"retiring":  {func(r *keyring.Ring, i int) error { return r.Retire(context.Background(), fmt.Sprint("key-", i)) }, waitLimit},
			"reloading": {func(r *keyring.Ring, _ int) error { return r.Reload(context.Background()) }, waitLimit},
		} {
			t.Run(fmt.Sprint(name, ", heeding ", heed), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					r, store, release := hanging(t, heed)
					defer release()
					time.Sleep(200 * day) // nothing can sign any more
					var wg sync.WaitGroup
					for i := range 80 {
						wg.Go(func() {
							if d := took(func() { require.Error(t, row.into(r, i)) }); d > waitLimit {
								t.Errorf("held for %v", d)
							}
						})
					}
					wg.Wait()
					synctest.Wait()
					require.LessOrEqual(t, store.underWay(), 1)
					for i := range 5 {
						require.LessOrEqual(t, took(func() { require.Error(t, row.into(r, i)) }), row.late)
					}
					release()
					time.Sleep(time.Minute)
					require.Zero(t, store.underWay())
				})
			})
		}
	}
}

// One request may bring several tokens with unknown keys: all of them together wait
// once.
func TestWaitsAreBoundedForAllTokensOfARequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, _, release := hanging(t, true)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { r.Run(ctx) })
		require.LessOrEqual(t, took(func() {
			for i := range 8 {
				_, err := r.Verifying(t.Context(), access, fmt.Sprint("unknown-", i), time.Now().UnixMilli())
				requireUndecided(t, err)
			}
		}), waitLimit)
		release()
		time.Sleep(time.Minute)
		_, err := r.Verifying(t.Context(), access, "unknown-1", time.Now().UnixMilli())
		requireUnknown(t, err) // once the store answers, the verdict is certain again
		cancel()
		wg.Wait()
	})
}

// A caller's shorter deadline wins.
func TestWaitsEndWithTheCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, _, release := hanging(t, true)
		defer release()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		require.Equal(t, 50*time.Millisecond, took(func() {
			_, err := r.Verifying(ctx, access, "unknown", time.Now().UnixMilli())
			requireUndecided(t, err)
		}))
		require.ErrorIs(t, r.Retire(ctx, "unknown"), errors.ErrUnavailable)
		time.Sleep(time.Minute)
	})
}
