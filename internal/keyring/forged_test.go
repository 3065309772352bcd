package keyring_test

import (
	"context"
	"crypto/rand"
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

func TestMalformedKeyIDsReachNothing(t *testing.T) {
	t.Parallel()
	store, clk := &table{}, newClock()
	r := newRing(t, store, config(clk))
	before, _ := store.count()

	for _, kid := range []string{
		"", "' OR '1'='1", `"; DROP TABLE auth_signing_keys; --`, "../../etc/passwd", "a\x00b", "kid\n", " ",
		"ключ", "\xff\xfe", "%00", "a=b", strings.Repeat("a", 33), strings.Repeat("a", 1<<20),
	} {
		_, err := r.Verifying(t.Context(), refresh, kid, clk.ms())
		requireUnknown(t, err)
	}
	after, _ := store.count()
	require.Equal(t, before, after, "reads")
}

// JWT-06: any number of invented key ids causes two reads of the table in ten
// seconds at most.
func TestForgedKeyIDsCostTwoReadsInTenSeconds(t *testing.T) {
	t.Parallel()
	store, clk := &table{}, newClock()
	r := newRing(t, store, config(clk))
	before, _ := store.count()

	for i := range 100_000 {
		if i%10_000 == 9_999 {
			clk.add(time.Second)
		}
		// Half claim to be fresh, half do not.
		_, err := r.Verifying(t.Context(), refresh, rand.Text(), clk.ms()*int64(i%2))
		require.ErrorIs(t, err, errors.ErrKeyUnknown)
	}
	after, inserts := store.count()
	require.LessOrEqual(t, after-before, 2, "reads")
	require.GreaterOrEqual(t, after-before, 1, "reads")
	require.Equal(t, 2, inserts, "only the two first keys")
}

func TestForgedKeyIDsOfManyAtOnceCostOneRead(t *testing.T) {
	t.Parallel()
	store, clk := &table{}, newClock()
	r := newRing(t, store, config(clk))
	before, _ := store.count()

	var wg sync.WaitGroup
	for range 500 {
		wg.Go(func() { _, _ = r.Verifying(t.Context(), access, rand.Text(), 0) })
	}
	wg.Wait()
	after, _ := store.count()
	require.Equal(t, before+1, after)
}

// A client that hangs up takes neither the reload from the others, nor does it
// get one more by it.
func TestAHangUpNeitherCancelsNorRepeatsTheReload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, clk := &table{}, newClock()
		r := newRing(t, store, config(clk))
		release := make(chan struct{})
		store.set(func(s *table) { s.hang = release })
		before, _ := store.count()

		ctx, hangUp := context.WithCancel(t.Context())
		first := make(chan error, 1)
		go func() {
			_, err := r.Verifying(ctx, refresh, rand.Text(), clk.ms())
			first <- err
		}()
		synctest.Wait()
		hangUp()
		requireUndecided(t, <-first)

		// Another instance's brand-new key: the reload under way will bring it.
		key := models.SigningKey{
			ID: "new", Purpose: refresh, Slot: 1, Algorithm: "HMAC-SHA256",
			Secret: append([]byte{1}, randomBytes(32)...), RetireAt: clk.ms() + 1e12,
		}
		store.set(func(s *table) { s.rows = append(s.rows, key) })
		second := make(chan []byte, 1)
		go func() {
			key, _ := r.Verifying(t.Context(), refresh, "new", clk.ms())
			second <- key.Secret
		}()
		synctest.Wait()
		close(release)
		require.Equal(t, key.Secret[1:], <-second)
		for range 100 {
			_, err := r.Verifying(ctx, refresh, rand.Text(), clk.ms())
			requireUndecided(t, err)
		}
		after, _ := store.count()
		require.Equal(t, before+1, after, "reads")
	})
}

// A reload that had read the table before the key was inserted proves nothing
// about a token that came after.
func TestAReloadThatBeganTooEarlyIsNoVerdict(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, clk := &table{}, newClock()
		r := newRing(t, store, config(clk))
		release := make(chan struct{})
		store.set(func(s *table) { s.after = func() { <-release } })
		early, late := make(chan error, 1), make(chan error, 1)
		search := func(verdict chan<- error) {
			_, err := r.Verifying(t.Context(), refresh, rand.Text(), clk.ms())
			verdict <- err
		}
		go search(early)
		synctest.Wait()
		go search(late)
		synctest.Wait()
		require.Empty(t, late, "waits for the reload under way")
		close(release)
		requireUnknown(t, <-early)
		requireUndecided(t, <-late)
	})
}

func TestVerdictOnUnknownKeys(t *testing.T) {
	t.Parallel()
	const unknown, undecided = false, true
	for _, tc := range []struct {
		name     string
		broken   bool          // the store fails
		cooling  bool          // somebody has just searched
		issuedAt time.Duration // relative to the last good load
		want     bool
	}{
		{"searched, not there", false, false, 0, unknown},
		{"searched, claims to come from the future", false, false, time.Hour, unknown},
		{"search failed", true, false, 0, undecided},
		{"search failed, old token", true, false, -30 * day, undecided},
		{"resting, issued well before the load", false, true, -10 * time.Minute, unknown},
		{"resting, claims nothing", false, true, -epoch.Sub(time.UnixMilli(0)), unknown},
		{"resting, issued before the load by a clock a minute behind", false, true, -time.Minute, undecided},
		{"resting, issued after the load", false, true, time.Second, undecided},
		{"resting, issued by a clock ten minutes ahead", false, true, 10 * time.Minute, undecided},
		{"resting after a failure, issued after the load", true, true, time.Second, undecided},
		{"resting after a failure, issued well before the load", true, true, -10 * time.Minute, unknown},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			store, clk := &table{}, newClock()
			r := newRing(t, store, config(clk))
			if tc.broken {
				store.set(func(s *table) { s.fail = errors.ErrUnavailable })
			}
			if tc.cooling {
				_, err := r.Verifying(t.Context(), refresh, rand.Text(), 0)
				require.Error(t, err)
			}
			_, err := r.Verifying(t.Context(), refresh, rand.Text(), clk.Now().Add(tc.issuedAt).UnixMilli())
			if tc.want == undecided {
				requireUndecided(t, err)
			} else {
				requireUnknown(t, err)
			}
		})
	}
}

func TestFailedSearchIsRepeatedAfterASecond(t *testing.T) {
	t.Parallel()
	store, clk := &table{}, newClock()
	r := newRing(t, store, config(clk))
	store.set(func(s *table) { s.fail = errors.ErrUnavailable })
	before, _ := store.count()
	search := func() int {
		for range 50 {
			_, err := r.Verifying(t.Context(), refresh, rand.Text(), clk.ms())
			requireUndecided(t, err)
		}
		reads, _ := store.count()
		return reads - before
	}
	require.Equal(t, 1, search())
	clk.add(999 * time.Millisecond)
	require.Equal(t, 1, search())
	clk.add(time.Millisecond)
	require.Equal(t, 2, search())
}

func TestCooldownSurvivesAClockSetBack(t *testing.T) {
	t.Parallel()
	store, clk := &table{}, newClock()
	r := newRing(t, store, config(clk))
	_, err := r.Verifying(t.Context(), refresh, rand.Text(), 0)
	requireUnknown(t, err)
	before, _ := store.count()
	clk.add(-time.Hour)
	_, err = r.Verifying(t.Context(), refresh, rand.Text(), 0)
	requireUnknown(t, err)
	after, _ := store.count()
	require.Equal(t, before+1, after, "an hour of rest would be an outage")
}

// KEY-07: a key of one purpose is unknown for every other.
func TestAKeyVerifiesForItsPurposeOnly(t *testing.T) {
	t.Parallel()
	store, clk := &table{}, newClock()
	r := newRing(t, store, config(clk))
	before, _ := store.count()
	a, err := r.Signing(t.Context(), access)
	require.NoError(t, err)
	b, err := r.Signing(t.Context(), refresh)
	require.NoError(t, err)
	require.NotEqual(t, a.Secret, b.Secret)

	for kid, p := range map[string]models.KeyPurpose{a.ID: refresh, b.ID: access} {
		_, err := r.Verifying(t.Context(), p, kid, clk.ms())
		requireUnknown(t, err)
	}
	_, err = r.Verifying(t.Context(), other, a.ID, clk.ms())
	requireUnknown(t, err)
	_, err = r.Signing(t.Context(), other)
	require.ErrorIs(t, err, errors.ErrConfig)
	after, _ := store.count()
	require.Equal(t, before, after, "reads")
}

func TestKnownKeysAllocateNothing(t *testing.T) {
	store, clk := &table{}, newClock()
	r := newRing(t, store, config(clk))
	ctx := t.Context()
	key, err := r.Signing(ctx, access)
	require.NoError(t, err)
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		if got, err := r.Verifying(ctx, access, key.ID, 0); err != nil || len(got.Secret) != 32 {
			t.Error("not verified")
		}
	}))
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		if _, err := r.Signing(ctx, access); err != nil {
			t.Error("not signed")
		}
	}))
}

func BenchmarkVerifying(b *testing.B) {
	clk := newClock()
	r, err := keyring.New(b.Context(), &table{}, config(clk))
	require.NoError(b, err)
	key, err := r.Signing(b.Context(), access)
	require.NoError(b, err)
	for b.Loop() {
		_, _ = r.Verifying(b.Context(), access, key.ID, 0)
	}
}
