package keyring_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/keyring"
	"github.com/gin-sessionkit/sessionkit/models"
)

// KEY-10: a key that was retired by hand neither signs nor verifies any more, here
// at once and elsewhere with the next reload, whatever the clocks say.
func TestRetireStopsAKeyEverywhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &table{}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var rings []*keyring.Ring
		for _, skew := range []time.Duration{time.Minute, 0, -time.Minute} {
			r := newRing(t, store, keyring.Config{
				Schedules: schedules(), Logger: (&logs{}).logger(),
				Now: func() time.Time { return time.Now().Add(skew) },
			})
			go r.Run(ctx)
			rings = append(rings, r)
		}
		for range 12 { // more often than there are spare slots to try
			for _, p := range []models.KeyPurpose{access, refresh} {
				stolen, err := rings[0].Signing(ctx, p)
				require.NoError(t, err)
				require.NoError(t, rings[0].Retire(ctx, stolen.ID))
				require.NoError(t, rings[0].Retire(ctx, stolen.ID), "again")

				_, err = rings[0].Verifying(ctx, p, stolen.ID, time.Now().UnixMilli())
				requireUnknown(t, err)
				next, err := rings[0].Signing(ctx, p)
				require.NoError(t, err)
				require.NotEqual(t, stolen.ID, next.ID)

				time.Sleep(time.Minute + time.Second)
				for _, r := range rings {
					_, err := r.Verifying(ctx, p, stolen.ID, 0)
					requireUnknown(t, err)
					_, err = r.Verifying(ctx, p, next.ID, 0)
					require.NoError(t, err)
					same, err := r.Signing(ctx, p)
					require.NoError(t, err)
					require.Equal(t, next.ID, same.ID)
				}
			}
		}
		cancel()
		synctest.Wait()
	})
}

// A reload that read the table before the key was retired must not revive it.
func TestRetireIsNotUndoneByAReloadUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, clk := &table{}, newClock()
		r := newRing(t, store, config(clk))
		key, err := r.Signing(t.Context(), access)
		require.NoError(t, err)
		release := make(chan struct{})
		stale := store.of(access)
		var once sync.Once
		store.set(func(s *table) {
			s.before = func() { once.Do(func() { <-release }) }
		})
		reloaded, retired := make(chan error, 1), make(chan error, 1)
		go func() { reloaded <- r.Reload(t.Context()) }()
		synctest.Wait()
		go func() { retired <- r.Retire(t.Context(), key.ID) }()
		synctest.Wait()
		_, err = r.Verifying(t.Context(), access, key.ID, clk.ms())
		requireUnknown(t, err)
		require.Equal(t, stale, store.of(access), "the store knows nothing of it yet")
		close(release)
		require.NoError(t, <-reloaded)
		require.NoError(t, <-retired)
		_, err = r.Verifying(t.Context(), access, key.ID, clk.ms())
		requireUnknown(t, err)
	})
}

func TestRetireStopsTheKeyHereEvenIfTheStoreFails(t *testing.T) {
	t.Parallel()
	store, clk := &table{}, newClock()
	r := newRing(t, store, config(clk))
	key, err := r.Signing(t.Context(), access)
	require.NoError(t, err)
	store.set(func(s *table) { s.fail = errors.ErrUnavailable })
	require.ErrorIs(t, r.Retire(t.Context(), key.ID), errors.ErrUnavailable)
	_, err = r.Verifying(t.Context(), access, key.ID, 0)
	requireUnknown(t, err)

	store.set(func(s *table) { s.fail = nil })
	require.NoError(t, r.Reload(t.Context()))
	_, err = r.Verifying(t.Context(), access, key.ID, 0)
	requireUnknown(t, err)
	require.NoError(t, r.Retire(t.Context(), key.ID))
	_, err = newRing(t, store, config(clk)).Verifying(t.Context(), access, key.ID, 0)
	requireUnknown(t, err)
}

func TestRetireTellsATypingMistake(t *testing.T) {
	t.Parallel()
	store, clk := &table{}, newClock()
	r := newRing(t, store, config(clk))
	requireUnknown(t, r.Retire(t.Context(), "nobody"))
	require.ErrorIs(t, r.Retire(t.Context(), "no/body"), errors.ErrInvalidInput)
	require.ErrorIs(t, r.Retire(t.Context(), strings.Repeat("a", 33)), errors.ErrInvalidInput)
}

// Somebody ended the key by SQL: its slot is taken by a row that is not seen.
func TestAKeyEndedBySQLIsReplaced(t *testing.T) {
	t.Parallel()
	store, clk := &table{}, newClock()
	r := newRing(t, store, config(clk))
	old, err := r.Signing(t.Context(), access)
	require.NoError(t, err)
	store.set(func(s *table) {
		for i := range s.rows {
			s.rows[i].RetireAt = clk.ms()
		}
	})
	require.NoError(t, r.Reload(t.Context()))
	_, err = r.Verifying(t.Context(), access, old.ID, 0)
	requireUnknown(t, err)
	key, err := r.Signing(t.Context(), access)
	require.NoError(t, err)
	same, err := newRing(t, store, config(clk)).Signing(t.Context(), access)
	require.NoError(t, err)
	require.Equal(t, key, same)
}
