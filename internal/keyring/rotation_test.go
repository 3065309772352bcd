package keyring_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/keyring"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

// KEY-01: of many instances that start on an empty table one makes the key, and all
// sign with it.
func TestManyStartersAgreeOnOneKey(t *testing.T) {
	t.Parallel()
	for range 50 {
		store, clk := &table{}, newClock()
		keys := make([]token.Key, 32)
		var wg sync.WaitGroup
		for i := range keys {
			wg.Go(func() {
				r, err := keyring.New(t.Context(), store, config(clk))
				if err == nil {
					keys[i], err = r.Signing(t.Context(), access)
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, key := range keys {
			require.Equal(t, keys[0], key)
		}
		require.Len(t, store.rows, 2)
	}
}

// KEY-02: three instances with skewed clocks, each verifying what any signs.
func TestRotationGoesUnnoticed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &table{}
		ctx, cancel := context.WithCancel(t.Context())
		var rings []*keyring.Ring
		var clocks []func() time.Time
		for _, skew := range []time.Duration{5 * time.Second, 0, -5 * time.Second} {
			now := func() time.Time { return time.Now().Add(skew) }
			clocks = append(clocks, now)
			rings = append(rings, newRing(t, store, keyring.Config{
				Schedules: []keyring.Schedule{
					{Purpose: access, Rotation: 2 * time.Second, TokenLifetime: 3 * time.Second},
					{Purpose: refresh, Rotation: 4 * time.Second, TokenLifetime: 30 * time.Second},
				},
				Now: now, Logger: (&logs{}).logger(),
			}))
		}
		var wg sync.WaitGroup
		for _, r := range rings {
			wg.Go(func() { r.Run(ctx) })
		}
		// The keys signed with, and when their last token ends by the clock of
		// whoever signed it.
		type use struct {
			purpose models.KeyPurpose
			secret  []byte
			until   time.Time
		}
		used := make(map[string]use)
		impatient, giveUp := context.WithCancel(ctx)
		giveUp()        // verifies with what is loaded: a search would hide a late key
		for range 600 { // 60 s
			time.Sleep(100 * time.Millisecond)
			for i, r := range rings {
				for p, life := range map[models.KeyPurpose]time.Duration{access: 3 * time.Second, refresh: 30 * time.Second} {
					key, err := r.Signing(ctx, p)
					require.NoError(t, err)
					until := clocks[i]().Add(life)
					if u, ok := used[key.ID]; ok && u.until.After(until) {
						until = u.until
					}
					used[key.ID] = use{p, key.Secret, until}
				}
			}
			for kid, u := range used {
				if time.Now().After(u.until) {
					continue
				}
				for _, r := range rings {
					key, err := r.Verifying(impatient, u.purpose, kid, 0)
					require.NoError(t, err)
					require.Equal(t, u.secret, key.Secret)
				}
			}
		}
		require.Greater(t, len(used), 40, "keys rotated")
		cancel()
		wg.Wait()
	})
}

// A key is seen by everybody two reloads before it signs, whenever it was made.
func TestAKeyIsPublishedBeforeItSigns(t *testing.T) {
	t.Parallel()
	noon := epoch
	midnight := noon.Add(12 * time.Hour)
	for _, tc := range []struct {
		name string
		at   time.Time // when somebody ticks
		from time.Time // when the new key signs; zero: there is none
	}{
		{"long before", midnight.Add(-time.Hour), time.Time{}},
		{"just too early", midnight.Add(-10*time.Minute - time.Millisecond), time.Time{}},
		{"in time", midnight.Add(-10 * time.Minute), midnight},
		{"one reload late", midnight.Add(-9 * time.Minute), midnight},
		{"a second before", midnight.Add(-time.Second), midnight.Add(9*time.Minute - time.Second)},
		{"after", midnight.Add(time.Hour), midnight.Add(time.Hour + 9*time.Minute)},
		{"when nothing can sign any more", noon.Add(5 * day), noon.Add(5 * day)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			store, clk := &table{}, newClock()
			r := newRing(t, store, config(clk))
			first, err := r.Signing(t.Context(), access)
			require.NoError(t, err)

			clk.add(tc.at.Sub(noon))
			require.NoError(t, r.Reload(t.Context()))
			rows := store.of(access)
			if tc.from.IsZero() {
				require.Len(t, rows, 1)
				return
			}
			added := rows[len(rows)-1]
			require.NotEqual(t, first.ID, added.ID)
			require.Equal(t, tc.from.UnixMilli(), added.ActiveFrom)
			require.Equal(t, tc.from.Add(2*day+time.Hour+2*time.Minute).UnixMilli(), added.RetireAt)
			if tc.from.After(tc.at) {
				clk.add(tc.from.Sub(tc.at) - time.Millisecond)
				key, err := r.Signing(t.Context(), access)
				require.NoError(t, err)
				require.Equal(t, first.ID, key.ID)
				clk.add(time.Millisecond)
			}
			key, err := r.Signing(t.Context(), access)
			require.NoError(t, err)
			require.Equal(t, added.ID, key.ID)
		})
	}
}

// KEY-06: every refresh key verifies until the last token that it signed ended.
func TestOldRefreshKeysOutliveTheirTokens(t *testing.T) {
	t.Parallel()
	store, clk := &table{}, newClock()
	r := newRing(t, store, config(clk))
	ends := make(map[string]time.Time)
	for range 200 {
		clk.add(day)
		require.NoError(t, r.Reload(t.Context()))
		key, err := r.Signing(t.Context(), refresh)
		require.NoError(t, err)
		ends[key.ID] = clk.Now().Add(100 * day)
		for id, end := range ends {
			if clk.Now().Before(end) {
				_, err := r.Verifying(t.Context(), refresh, id, 0)
				require.NoError(t, err)
			}
		}
	}
	require.GreaterOrEqual(t, len(ends), 8)
	require.Less(t, len(store.rows), 15, "retired keys are deleted")
}

func TestAKeyStopsAtItsEndWithoutAReload(t *testing.T) {
	t.Parallel()
	store, clk := &table{}, newClock()
	r := newRing(t, store, config(clk))
	key, err := r.Signing(t.Context(), access)
	require.NoError(t, err)
	end := time.UnixMilli(store.of(access)[0].RetireAt)
	reads, _ := store.count()

	clk.add(end.Sub(clk.Now()) - time.Millisecond)
	_, err = r.Verifying(t.Context(), access, key.ID, 0)
	require.NoError(t, err)
	clk.add(time.Millisecond)
	_, err = r.Verifying(t.Context(), access, key.ID, clk.ms())
	requireUnknown(t, err)
	after, _ := store.count()
	require.Equal(t, reads, after)
}

func TestNoRotationKeepsOneKey(t *testing.T) {
	t.Parallel()
	store, clk := &table{}, newClock()
	cfg := config(clk)
	cfg.Schedules = []keyring.Schedule{{Purpose: access, TokenLifetime: 100 * day}}
	r := newRing(t, store, cfg)
	key, err := r.Signing(t.Context(), access)
	require.NoError(t, err)
	for range 30 {
		clk.add(365 * day)
		require.NoError(t, r.Reload(t.Context()))
		same, err := r.Signing(t.Context(), access)
		require.NoError(t, err)
		require.Equal(t, key, same)
	}
	require.Len(t, store.rows, 1)
	require.Zero(t, store.rows[0].Slot)
}

// Changes of the configuration between two starts.
func TestASchedulesChangeLeavesAKeyThatSigns(t *testing.T) {
	t.Parallel()
	never := keyring.Schedule{Purpose: access, TokenLifetime: time.Hour}
	daily := keyring.Schedule{Purpose: access, Rotation: day, TokenLifetime: time.Hour}
	hourly := keyring.Schedule{Purpose: access, Rotation: time.Hour, TokenLifetime: time.Hour}
	longer := keyring.Schedule{Purpose: access, Rotation: day, TokenLifetime: 100 * day}
	for i, change := range [][2]keyring.Schedule{
		{never, daily}, {daily, never}, {daily, hourly}, {hourly, daily}, {daily, longer}, {longer, daily},
	} {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			store, clk := &table{}, newClock()
			cfg := config(clk)
			cfg.Schedules = []keyring.Schedule{change[0]}
			before := newRing(t, store, cfg)
			old, err := before.Signing(t.Context(), access)
			require.NoError(t, err)

			cfg.Schedules = []keyring.Schedule{change[1]}
			after := newRing(t, store, cfg)
			_, err = after.Verifying(t.Context(), access, old.ID, 0)
			require.NoError(t, err)
			key, err := after.Signing(t.Context(), access)
			require.NoError(t, err)
			_, err = before.Verifying(t.Context(), access, key.ID, 0)
			require.NoError(t, err)
			for range 20 {
				clk.add(6 * time.Hour)
				require.NoError(t, after.Reload(t.Context()))
				key, err := after.Signing(t.Context(), access)
				require.NoError(t, err)
				for _, row := range store.of(access) {
					if row.ID == key.ID {
						require.GreaterOrEqual(t, row.RetireAt, clk.Now().Add(change[1].TokenLifetime).UnixMilli())
					}
				}
			}
		})
	}
}

func TestAClockSetBackStillSigns(t *testing.T) {
	t.Parallel()
	store, clk := &table{}, newClock()
	r := newRing(t, store, config(clk))
	for range 3 {
		clk.add(-time.Hour)
		key, err := r.Signing(t.Context(), access)
		require.NoError(t, err)
		require.Equal(t, store.of(access)[0].ID, key.ID)
	}
}

// One broken clock must neither stop the rotation of the others nor delete
// their keys.
func TestAClockInTheFarFutureHarmsNobodyElse(t *testing.T) {
	t.Parallel()
	store, clk, mad := &table{}, newClock(), newClock()
	r := newRing(t, store, config(clk))
	key, err := r.Signing(t.Context(), refresh)
	require.NoError(t, err)
	mad.add(3 * 365 * day)
	newRing(t, store, config(mad))

	require.NoError(t, r.Reload(t.Context()))
	_, err = r.Verifying(t.Context(), refresh, key.ID, 0)
	require.NoError(t, err)
	clk.add(day)
	require.NoError(t, r.Reload(t.Context()))
	clk.add(10 * time.Minute)
	next, err := r.Signing(t.Context(), access)
	require.NoError(t, err)
	require.Equal(t, store.of(access)[1].ID, next.ID, "the rotation went on")
}

// After a long sleep of the process, requests make the key: once.
func TestAnInlineRotationIsOneInsertAndOneRead(t *testing.T) {
	t.Parallel()
	store, clk := &table{}, newClock()
	cfg := config(clk)
	cfg.Schedules = cfg.Schedules[:1]
	r := newRing(t, store, cfg)
	clk.add(30 * day)
	reads, inserts := store.count()
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			if _, err := r.Signing(t.Context(), access); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	readsAfter, insertsAfter := store.count()
	require.Equal(t, reads+1, readsAfter)
	require.Equal(t, inserts+1, insertsAfter)
	require.Equal(t, 1, store.widest)
}

// One caller who hangs up does not fail the others.
func TestAnInlineRotationOutlivesItsCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, clk := &table{}, newClock()
		r := newRing(t, store, config(clk))
		clk.add(300 * day)
		release := make(chan struct{})
		store.set(func(s *table) { s.hang = release })

		ctx, hangUp := context.WithCancel(t.Context())
		first, second := make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := r.Signing(ctx, access)
			first <- err
		}()
		synctest.Wait()
		go func() {
			_, err := r.Signing(t.Context(), access)
			second <- err
		}()
		hangUp()
		require.ErrorIs(t, <-first, errors.ErrUnavailable)
		close(release)
		require.NoError(t, <-second)
		require.Equal(t, 1, store.widest)
	})
}
