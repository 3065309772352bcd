package keyring_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/keyring"
	"github.com/gin-sessionkit/sessionkit/models"
)

func TestWrongConfigurationNamesEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := keyring.New(t.Context(), nil, keyring.Config{
		Schedules: []keyring.Schedule{
			{Purpose: "", TokenLifetime: 1},
			{Purpose: "a\x00b", TokenLifetime: 1},
			{Purpose: "twice", TokenLifetime: 1},
			{Purpose: "twice", TokenLifetime: 1},
			{Purpose: "fast", TokenLifetime: 1, Rotation: time.Millisecond},
			{Purpose: "negative", TokenLifetime: 1, Rotation: -time.Hour},
			{Purpose: "lifeless"},
		},
		Encryption: [][]byte{randomBytes(16), make([]byte, 32), nil},
	})
	require.ErrorIs(t, err, errors.ErrConfig)
	for _, text := range []string{
		"empty", "zero byte", `two key schedules for purpose "twice"`, `"fast"`, `"negative"`, `"lifeless"`, "no store",
		"key-encryption key 0", "key-encryption key 1", "key-encryption key 2",
	} {
		require.ErrorContains(t, err, text)
	}
	_, err = keyring.New(t.Context(), &table{}, keyring.Config{})
	require.ErrorIs(t, err, errors.ErrConfig)
}

// KEY-08: whatever the store does, known keys sign and verify as before.
func TestAStoreThatIsDownTakesNoKeyAway(t *testing.T) {
	t.Parallel()
	for name, down := range map[string]func(*table){
		"fails":  func(s *table) { s.fail = errors.ErrUnavailable },
		"hangs":  func(s *table) { s.hang = make(chan struct{}) },
		"panics": func(s *table) { s.before = func() { panic("row bytes in a panic") } },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store, out := &table{}, &logs{}
				cfg := keyring.Config{Schedules: schedules(), Logger: out.logger()}
				r := newRing(t, store, cfg)
				ctx, cancel := context.WithCancel(t.Context())
				var wg sync.WaitGroup
				wg.Go(func() { r.Run(ctx) })
				key, err := r.Signing(ctx, access)
				require.NoError(t, err)
				end := time.UnixMilli(store.of(access)[0].RetireAt)

				store.set(down)
				for time.Until(end) > 0 {
					before := time.Now()
					_, err := r.Verifying(ctx, access, key.ID, 0)
					require.NoError(t, err)
					_, err = r.Signing(ctx, refresh)
					require.NoError(t, err)
					require.Zero(t, time.Since(before))
					time.Sleep(min(5*time.Minute, time.Until(end)))
				}
				_, err = r.Verifying(ctx, access, key.ID, 0)
				requireUnknown(t, err)
				_, err = r.Signing(ctx, access)
				require.Error(t, err)
				require.True(t, errors.FromKit(err))

				store.set(func(s *table) {
					if s.hang != nil {
						close(s.hang)
					}
					s.fail, s.hang, s.before = nil, nil, nil
				})
				time.Sleep(2 * time.Minute)
				_, err = r.Signing(ctx, access)
				require.NoError(t, err)
				require.Contains(t, out.String(), "reloading signing keys failed")
				require.NotContains(t, out.String(), "row bytes")
				if name == "panics" {
					require.Contains(t, out.String(), "panic of type string at ")
				}
				cancel()
				wg.Wait()
			})
		})
	}
}

func TestRunBacksOffWhileTheStoreFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &table{}
		cfg := keyring.Config{
			Schedules: []keyring.Schedule{{Purpose: access, Rotation: 2 * time.Second, TokenLifetime: day}},
			Logger:    (&logs{}).logger(),
		}
		r := newRing(t, store, cfg)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go r.Run(ctx)
		reads := func(d time.Duration) int {
			before, _ := store.count()
			time.Sleep(d)
			after, _ := store.count()
			return after - before
		}
		require.GreaterOrEqual(t, reads(10*time.Second), 40, "every quarter of a second")
		store.set(func(s *table) { s.fail = errors.ErrUnavailable })
		require.LessOrEqual(t, reads(10*time.Minute), 25)
		store.set(func(s *table) { s.fail = nil })
		time.Sleep(time.Minute)
		require.GreaterOrEqual(t, reads(10*time.Second), 40)
	})
}

func TestRunEndsWithItsContextEvenWhenTheStoreHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &table{}
		r := newRing(t, store, keyring.Config{Schedules: schedules(), Logger: (&logs{}).logger()})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			r.Run(ctx)
			close(done)
		}()
		store.set(func(s *table) { s.hang = make(chan struct{}) })
		for store.underWay() == 0 { // until a reload hangs
			time.Sleep(time.Second)
		}
		before := time.Now()
		cancel()
		<-done
		require.Zero(t, time.Since(before))
		require.Zero(t, store.underWay())
		// Known keys go on.
		key, err := r.Signing(t.Context(), access)
		require.NoError(t, err)
		_, err = r.Verifying(t.Context(), access, key.ID, 0)
		require.NoError(t, err)
	})
}

func TestNewFailsWithTheStore(t *testing.T) {
	t.Parallel()
	clk := newClock()
	_, err := keyring.New(t.Context(), &table{fail: errors.ErrUnavailable}, config(clk))
	require.ErrorIs(t, err, errors.ErrUnavailable)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = keyring.New(ctx, &table{}, config(clk))
	require.ErrorIs(t, err, errors.ErrUnavailable)
}

// A failed attempt at making a key is not repeated by every request.
func TestSigningRestsAfterAFailure(t *testing.T) {
	t.Parallel()
	store, clk := &table{}, newClock()
	cfg := config(clk)
	cfg.Schedules = cfg.Schedules[:1]
	r := newRing(t, store, cfg)
	clk.add(30 * day)
	store.set(func(s *table) { s.before = func() { s.set(func(s *table) { s.fail = errors.ErrUnavailable }) } })
	store.set(func(s *table) { s.rows = append(s.rows, unreadable(clk)) })
	reads, _ := store.count()
	for range 100 {
		_, err := r.Signing(t.Context(), access)
		require.ErrorIs(t, err, errors.ErrUnavailable)
	}
	after, _ := store.count()
	require.Equal(t, reads+1, after)

	store.set(func(s *table) { s.fail, s.before, s.rows = nil, nil, nil })
	clk.add(time.Second)
	_, err := r.Signing(t.Context(), access)
	require.NoError(t, err)
}

// unreadable occupies the current slot.
func unreadable(clk *clock) models.SigningKey {
	row := goodRow(clk)
	row.Slot += day.Milliseconds()
	row.Secret = []byte{2}
	return row
}

// Everything at once, for the race detector.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	store, clk := &table{}, newClock()
	r := newRing(t, store, config(clk))
	ctx, cancel := context.WithCancel(t.Context())
	var wg, run sync.WaitGroup
	run.Go(func() { r.Run(ctx) })
	for worker := range 16 {
		wg.Go(func() {
			for i := range 300 {
				key, err := r.Signing(ctx, access)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = r.Verifying(ctx, access, key.ID, 0)
				_, _ = r.Verifying(ctx, refresh, "nobody", clk.ms())
				switch {
				case worker == 0 && i%50 == 0:
					clk.add(day)
				case worker == 1 && i%20 == 0:
					_ = r.Reload(ctx)
				case worker == 2 && i%100 == 0:
					_ = r.Retire(ctx, key.ID)
				}
			}
		})
	}
	wg.Wait()
	cancel()
	run.Wait()
	require.Equal(t, 1, store.widest, "statements at once")
}
