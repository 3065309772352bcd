package keyring_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/keyring"
	"github.com/gin-sessionkit/sessionkit/internal/token"
)

// provider is a key provider that does not heed its context.
type provider func() ([]token.Key, error)

func (p provider) Keys(context.Context) ([]token.Key, error) { return p() }

func sprint(v any) string {
	return fmt.Sprintf("%v %+v %#v %s %x %q %d", v, v, v, v, v, v, v)
}

func hexed(s string) string { return hex.EncodeToString([]byte(s)) }

// JWT-10: of a provider's list with one bad key nothing is taken.
func TestBadProviderKeysAreRefused(t *testing.T) {
	t.Parallel()
	good := token.Key{ID: "good", Secret: randomBytes(32)}
	for name, keys := range map[string][]token.Key{
		"none":               {},
		"no secret":          {good, {ID: "a"}},
		"31 bytes":           {{ID: "a", Secret: randomBytes(31)}},
		"zero bytes":         {{ID: "a", Secret: make([]byte, 32)}},
		"repeated byte":      {{ID: "a", Secret: bytes.Repeat([]byte("x"), 64)}},
		"no id":              {{Secret: randomBytes(32)}},
		"id of 33":           {{ID: strings.Repeat("a", 33), Secret: randomBytes(32)}},
		"id with a slash":    {{ID: "../a", Secret: randomBytes(32)}},
		"id twice":           {good, {ID: "good", Secret: randomBytes(32)}},
		"the secret as id":   {{ID: "canary/canary canary", Secret: []byte("id")}},
		"last of three weak": {good, {ID: "b", Secret: randomBytes(32)}, {ID: "c", Secret: []byte("secret")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clk, out := newClock(), &logs{}
			answer := keys
			cfg := config(clk)
			cfg.Logger = out.logger()
			cfg.Provider = provider(func() ([]token.Key, error) { return answer, nil })
			_, err := keyring.New(t.Context(), &table{}, cfg)
			require.ErrorIs(t, err, errors.ErrConfig)
			require.NotContains(t, err.Error(), "canary")

			// Later on, the old set stays as a whole.
			answer = []token.Key{good}
			r := newRing(t, &table{}, cfg)
			answer = keys
			require.ErrorIs(t, r.Reload(t.Context()), errors.ErrConfig)
			key, err := r.Signing(t.Context(), access)
			require.NoError(t, err)
			require.Equal(t, good, key)
		})
	}
}

func TestProviderServesAccessKeysOnly(t *testing.T) {
	t.Parallel()
	store, clk := &table{}, newClock()
	keys := []token.Key{{ID: "one", Secret: randomBytes(32)}, {ID: "two", Secret: randomBytes(48)}}
	cfg := config(clk)
	cfg.Provider = provider(func() ([]token.Key, error) { return keys, nil })
	r := newRing(t, store, cfg)
	require.Empty(t, store.of(access))
	require.Len(t, store.of(refresh), 1)

	key, err := r.Signing(t.Context(), access)
	require.NoError(t, err)
	require.Equal(t, "one", key.ID)
	two, err := r.Verifying(t.Context(), access, "two", 0)
	require.NoError(t, err)
	require.Equal(t, keys[1].Secret, two.Secret)
	_, err = r.Verifying(t.Context(), refresh, "two", 0)
	requireUnknown(t, err)
	require.ErrorIs(t, r.Retire(t.Context(), "two"), errors.ErrInvalidInput)

	// The provider's slice stays its own.
	want := bytes.Clone(keys[1].Secret)
	clear(keys[1].Secret)
	two, err = r.Verifying(t.Context(), access, "two", 0)
	require.NoError(t, err)
	require.Equal(t, want, two.Secret)

	// A rotation: a new first one, an old one withdrawn.
	keys = []token.Key{{ID: "three", Secret: randomBytes(32)}, keys[0]}
	require.NoError(t, r.Reload(t.Context()))
	key, err = r.Signing(t.Context(), access)
	require.NoError(t, err)
	require.Equal(t, "three", key.ID)
	_, err = r.Verifying(t.Context(), access, "two", 0)
	requireUnknown(t, err)
	_, err = r.Verifying(t.Context(), access, "one", 0)
	require.NoError(t, err)
}

// KEY-05: a provider that hangs delays no signing, no verifying and no reload of
// the store's keys.
func TestAHangingProviderHoldsUpNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &table{}
		var mu sync.Mutex
		calls, hang := 0, false
		cfg := keyring.Config{Schedules: schedules(), Logger: (&logs{}).logger()}
		cfg.Provider = provider(func() ([]token.Key, error) {
			mu.Lock()
			calls++
			hanging := hang
			mu.Unlock()
			if hanging {
				time.Sleep(time.Hour)
			}
			return []token.Key{{ID: "mine", Secret: []byte("0123456789abcdef0123456789abcdef")}}, nil
		})
		r := newRing(t, store, cfg)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go r.Run(ctx)

		mu.Lock()
		hang, calls = true, 0
		mu.Unlock()
		for range 40 {
			time.Sleep(time.Minute)
			before := time.Now()
			_, err := r.Verifying(ctx, access, "mine", 0)
			require.NoError(t, err)
			_, err = r.Signing(ctx, access)
			require.NoError(t, err)
			_, err = r.Signing(ctx, refresh)
			require.NoError(t, err)
			require.Zero(t, time.Since(before))

			_, err = r.Verifying(ctx, access, "nobody", 0)
			require.ErrorIs(t, err, errors.ErrKeyUnknown)
			require.LessOrEqual(t, time.Since(before), 10*time.Second)
		}
		mu.Lock()
		require.Equal(t, 1, calls, "calls piling up")
		hang = false
		mu.Unlock()
		reads, _ := store.count()
		require.Greater(t, reads, 30, "the store was still read")
		time.Sleep(time.Hour)
		mu.Lock()
		require.Greater(t, calls, 1, "asked again once it has come back")
		mu.Unlock()
	})
}

func TestAFailingOrPanickingProviderFailsTheStartOnly(t *testing.T) {
	t.Parallel()
	clk := newClock()
	var fail func() error
	cfg := config(clk)
	cfg.Provider = provider(func() ([]token.Key, error) {
		return []token.Key{{ID: "mine", Secret: []byte("0123456789abcdef0123456789abcdef")}}, fail()
	})
	for _, fail = range []func() error{
		func() error { return errors.New("vault sealed") },
		func() error { panic("secret in a panic") },
	} {
		bad := fail
		_, err := keyring.New(t.Context(), &table{}, cfg)
		require.ErrorIs(t, err, errors.ErrUnavailable)
		require.NotContains(t, err.Error(), "secret in a panic")

		fail = func() error { return nil }
		r := newRing(t, &table{}, cfg)
		fail = bad
		require.ErrorIs(t, r.Reload(t.Context()), errors.ErrUnavailable)
		_, err = r.Verifying(t.Context(), access, "mine", 0)
		require.NoError(t, err)
	}
}
