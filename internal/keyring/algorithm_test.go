package keyring_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/keyring"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

// signedBy is a configuration whose new access keys are of an algorithm.
func signedBy(clk *clock, a token.Algorithm) keyring.Config {
	cfg := config(clk)
	cfg.Schedules[0].Algorithm = a
	return cfg
}

// At a change the new key waits for its time, like any other, and nothing that the
// old one signed is lost: with what is loaded, every instance verifies both.
func TestAlgorithms_changeToAndFro(t *testing.T) {
	t.Parallel()
	for _, never := range []bool{false, true} {
		store, clk := &table{}, newClock()
		cfg := func(a token.Algorithm) keyring.Config {
			c := signedBy(clk, a)
			if never {
				c.Schedules[0].Rotation = 0
			}
			return c
		}
		rings := []*keyring.Ring{newRing(t, store, cfg("")), newRing(t, store, cfg(token.HS256)), newRing(t, store, cfg(""))}
		first, err := rings[0].Signing(t.Context(), access)
		require.NoError(t, err)
		used := []token.Key{first}
		for _, a := range []token.Algorithm{token.ES256, token.HS256, token.RS256, token.Ed25519, token.HS256} {
			for i := range rings { // one by one, as a deploy does
				rings[i] = newRing(t, store, cfg(a))
				clk.add(time.Minute)
				for _, r := range rings {
					require.NoError(t, r.Reload(t.Context()))
					key, err := r.Signing(t.Context(), access)
					require.NoError(t, err)
					require.Equal(t, used[len(used)-1].ID, key.ID, "nobody signs with a key that others may not know")
				}
			}
			clk.add(6 * time.Minute)
			var next token.Key
			for _, r := range rings {
				key, err := r.Signing(t.Context(), access)
				require.NoError(t, err)
				require.Equal(t, a, key.Algorithm())
				require.True(t, next.ID == "" || next.ID == key.ID, "all sign with one key")
				next = key
			}
			used = append(used, next)
			require.Len(t, store.of(access), len(used), "one key for each change")
			for _, r := range rings {
				for _, key := range used {
					got, err := r.Verifying(t.Context(), access, key.ID, 0)
					require.NoError(t, err)
					require.Equal(t, key.Algorithm(), got.Algorithm())
				}
				require.Contains(t, r.Algorithms(), a)
				require.Contains(t, r.Algorithms(), token.HS256)
			}
		}
		for _, r := range rings { // a start or a reload more changes nothing
			require.NoError(t, r.Reload(t.Context()))
			newRing(t, store, cfg(token.HS256))
		}
		require.Len(t, store.of(access), len(used))
		require.Len(t, store.of(refresh), 1, "refresh tokens are not concerned")
		require.Equal(t, "HMAC-SHA256", store.of(refresh)[0].Algorithm)
	}
}

// Rotations go on in the new algorithm, each published in time.
func TestAlgorithms_rotate(t *testing.T) {
	t.Parallel()
	store, clk := &table{}, newClock()
	newRing(t, store, signedBy(clk, ""))
	r := newRing(t, store, signedBy(clk, token.Ed25519))
	ids := map[string]bool{}
	for range 7 * 24 * 12 {
		clk.add(5 * time.Minute)
		require.NoError(t, r.Reload(t.Context()))
		key, err := r.Signing(t.Context(), access)
		require.NoError(t, err)
		ids[key.ID] = true
	}
	require.Len(t, ids, 9, "the old key, that of the change, and one each day")
	key, err := r.Signing(t.Context(), access)
	require.NoError(t, err)
	require.Equal(t, token.Ed25519, key.Algorithm())
	require.Equal(t, []token.Algorithm{token.Ed25519, token.Ed25519}, r.Algorithms(), "the old one is gone")
}

// While instances of two configurations run, their reloads make no keys by turns.
func TestAlgorithms_twoConfigurations(t *testing.T) {
	t.Parallel()
	store, clk := &table{}, newClock()
	one, two := newRing(t, store, signedBy(clk, "")), newRing(t, store, signedBy(clk, token.ES256))
	for range 60 {
		clk.add(time.Minute)
		require.NoError(t, one.Reload(t.Context()))
		require.NoError(t, two.Reload(t.Context()))
	}
	require.Len(t, store.of(access), 2)
}

// A start beside a key that is published for the next period, and beside one of a
// clock that is years ahead.
func TestAlgorithms_newestIsToCome(t *testing.T) {
	t.Parallel()
	store, clk, mad := &table{}, newClock(), newClock()
	r := newRing(t, store, config(clk))
	mad.add(3 * 365 * day)
	newRing(t, store, config(mad))
	clk.add(12*time.Hour - 5*time.Minute)
	require.NoError(t, r.Reload(t.Context()))
	require.Len(t, store.of(access), 3)
	r = newRing(t, store, signedBy(clk, token.ES256))
	require.Len(t, store.of(access), 4)
	newRing(t, store, signedBy(clk, token.ES256))
	require.Len(t, store.of(access), 4)
	for range 23 {
		clk.add(time.Hour)
		key, err := r.Signing(t.Context(), access)
		require.NoError(t, err)
		require.Equal(t, token.ES256, key.Algorithm())
	}
}

// The successor of a retired key is of its algorithm, and active at once, though a
// key of another is still there.
func TestAlgorithms_retired(t *testing.T) {
	t.Parallel()
	store, clk := &table{}, newClock()
	newRing(t, store, signedBy(clk, ""))
	r := newRing(t, store, signedBy(clk, token.ES256))
	clk.add(10 * time.Minute)
	key, err := r.Signing(t.Context(), access)
	require.NoError(t, err)
	require.Equal(t, token.ES256, key.Algorithm())
	require.NoError(t, r.Retire(t.Context(), key.ID))
	next, err := r.Signing(t.Context(), access)
	require.NoError(t, err)
	require.NotEqual(t, key.ID, next.ID)
	require.Equal(t, token.ES256, next.Algorithm())
}

// A pair is sealed like a secret, and bound to its row and its algorithm.
func TestAlgorithms_sealed(t *testing.T) {
	t.Parallel()
	for _, a := range []token.Algorithm{token.ES256, token.Ed25519, token.RS256} {
		store, clk := &table{}, newClock()
		cfg := signedBy(clk, a)
		cfg.Encryption = [][]byte{randomBytes(32)}
		r := newRing(t, store, cfg)
		key, err := r.Signing(t.Context(), access)
		require.NoError(t, err)
		require.Nil(t, key.Secret)
		row := store.of(access)[0]
		require.Equal(t, string(a), row.Algorithm)
		require.Equal(t, byte(3), row.Secret[0])
		require.Less(t, len(row.Secret), 2048)
		again, err := newRing(t, store, cfg).Signing(t.Context(), access)
		require.NoError(t, err)
		require.Equal(t, key.ID, again.ID)

		for name, spoil := range map[string]func(*models.SigningKey){
			"algorithm HS256": func(k *models.SigningKey) { k.Algorithm = "HS256" },
			"another pair's": func(k *models.SigningKey) {
				k.Algorithm = map[bool]string{true: "RS256", false: "ES256"}[a == token.ES256]
			},
			"algorithm EdDSA":       func(k *models.SigningKey) { k.Algorithm = "EdDSA" },
			"in the first form":     func(k *models.SigningKey) { k.Secret[0] = 2 },
			"presented as in clear": func(k *models.SigningKey) { k.Secret[0] = 1 },
		} {
			moved := row
			moved.Secret = append([]byte(nil), row.Secret...)
			spoil(&moved)
			_, err := keyring.New(t.Context(), &table{rows: append(store.of(refresh), moved)}, cfg)
			require.ErrorIs(t, err, errors.ErrConfig, "%s: %s", a, name)
		}
	}
}

// In clear, a row's algorithm has to be that of what it holds.
func TestAlgorithms_rowsInClear(t *testing.T) {
	t.Parallel()
	secrets := map[token.Algorithm][]byte{}
	for _, a := range []token.Algorithm{token.HS256, token.ES256, token.Ed25519, token.RS256} {
		secret, err := token.NewSecret(a)
		require.NoError(t, err)
		secrets[a] = append([]byte{1}, secret...)
	}
	for held, secret := range secrets {
		for said := range secrets {
			store, clk, out := &table{}, newClock(), &logs{}
			good, row := goodRow(clk), goodRow(clk)
			row.Slot, row.Algorithm, row.Secret = row.Slot-1, string(said), secret
			store.rows = []models.SigningKey{good, row}
			cfg := config(clk)
			cfg.Logger = out.logger()
			r := newRing(t, store, cfg)
			key, err := r.Verifying(t.Context(), access, row.ID, 0)
			switch {
			case held == said:
				require.NoError(t, err)
				require.Equal(t, held, key.Algorithm())
			case said == token.HS256:
				// Any bytes are a secret. Whoever wrote the row in clear had no less.
				require.NoError(t, err)
				require.Equal(t, token.HS256, key.Algorithm())
			default:
				requireUnknown(t, err)
				require.Equal(t, 1, strings.Count(out.String(), "signing key skipped"))
			}
			_, err = r.Verifying(t.Context(), refresh, row.ID, 0)
			requireUnknown(t, err)
		}
	}
}

func TestAlgorithms_configuration(t *testing.T) {
	t.Parallel()
	clk := newClock()
	for _, change := range []func(*keyring.Config){
		func(c *keyring.Config) { c.Schedules[0].Algorithm = "none" },
		func(c *keyring.Config) { c.Schedules[0].Algorithm = "EdDSA" },
		func(c *keyring.Config) { c.Schedules[1].Algorithm = token.ES256 },
		func(c *keyring.Config) {
			c.Schedules[0].Algorithm = token.ES256
			c.Provider = provider(func() ([]token.Key, error) {
				return []token.Key{{ID: "mine", Secret: randomBytes(32)}}, nil
			})
		},
	} {
		cfg := config(clk)
		change(&cfg)
		_, err := keyring.New(t.Context(), &table{}, cfg)
		require.ErrorIs(t, err, errors.ErrConfig)
	}
}
