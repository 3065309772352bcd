package keyring_test

import (
	"bytes"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/keyring"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

// goodRow is a row as the ring would insert it, in clear, for an old slot.
func goodRow(clk *clock) models.SigningKey {
	now := clk.ms()
	return models.SigningKey{
		ID: rand.Text(), Purpose: access, Slot: now - now%day.Milliseconds() - day.Milliseconds(), Algorithm: "HS256",
		Secret: append([]byte{1}, randomBytes(32)...), CreatedAt: now, ActiveFrom: now - 1, RetireAt: now + 2*day.Milliseconds(),
	}
}

// KEY-09: a row that cannot be right is left out, and stops no instance.
func TestBadRowsNeitherSignNorVerify(t *testing.T) {
	t.Parallel()
	kek := randomBytes(32)
	for _, tc := range []struct {
		name  string
		spoil func(k *models.SigningKey)
	}{
		{"no secret", func(k *models.SigningKey) { k.Secret = nil }},
		{"blank column", func(k *models.SigningKey) { k.Secret = make([]byte, 33) }},
		{"zero key", func(k *models.SigningKey) { k.Secret = append([]byte{1}, make([]byte, 32)...) }},
		{"repeated byte", func(k *models.SigningKey) { k.Secret = append([]byte{1}, bytes.Repeat([]byte{7}, 64)...) }},
		{"short", func(k *models.SigningKey) { k.Secret = k.Secret[:32] }},
		{"form byte only", func(k *models.SigningKey) { k.Secret = k.Secret[:1] }},
		{"unknown form", func(k *models.SigningKey) { k.Secret[0] = 4 }},
		{"encrypted by nobody, in the first form", func(k *models.SigningKey) { k.Secret = append([]byte{3}, randomBytes(60)...) }},
		{"encrypted by nobody", func(k *models.SigningKey) { k.Secret = append([]byte{2}, randomBytes(60)...) }},
		{"encrypted, truncated to the form", func(k *models.SigningKey) { k.Secret = []byte{2} }},
		{"encrypted, truncated within the nonce", func(k *models.SigningKey) { k.Secret = append([]byte{2}, 1, 2, 3) }},
		{"algorithm none", func(k *models.SigningKey) { k.Algorithm = "none" }},
		{"algorithm of the other purpose", func(k *models.SigningKey) { k.Algorithm = "HMAC-SHA256" }},
		{"algorithm empty", func(k *models.SigningKey) { k.Algorithm = "" }},
		{"algorithm in lower case", func(k *models.SigningKey) { k.Algorithm = "hs256" }},
		{"id empty", func(k *models.SigningKey) { k.ID = "" }},
		{"id malformed", func(k *models.SigningKey) { k.ID = "a b\n{}" }},
		{"id not text", func(k *models.SigningKey) { k.ID = "\xff\xfe" }},
		{"id huge", func(k *models.SigningKey) { k.ID = strings.Repeat("k", 1<<16) }},
		{"retired before 1970", func(k *models.SigningKey) { k.RetireAt = -1 << 63 }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, encryption := range [][][]byte{nil, {kek}} {
				store, clk, out := &table{}, newClock(), &logs{}
				good, bad := goodRow(clk), goodRow(clk)
				bad.Slot -= day.Milliseconds()
				bad.ActiveFrom = clk.ms() // would be the one to sign
				tc.spoil(&bad)
				store.rows = []models.SigningKey{bad, good}
				cfg := config(clk)
				cfg.Encryption, cfg.AllowClearKeys, cfg.Logger = encryption, true, out.logger()
				r := newRing(t, store, cfg)

				key, err := r.Signing(t.Context(), access)
				require.NoError(t, err)
				require.Equal(t, good.ID, key.ID)
				require.Equal(t, good.Secret[1:], key.Secret)
				_, err = r.Verifying(t.Context(), access, bad.ID, clk.ms())
				requireUnknown(t, err)

				for range 3 {
					require.NoError(t, r.Reload(t.Context()))
				}
				if bad.RetireAt > 0 {
					require.Equal(t, 1, strings.Count(out.String(), "signing key skipped"), out.String())
				}
				require.Less(t, len(out.String()), 4096, "log")
			}
		})
	}
}

// A key that is there but unreadable here is this instance's trouble: for
// refresh tokens, where "unknown" ends the session, it is no verdict.
func TestAnUnreadableRefreshKeyEndsNoSession(t *testing.T) {
	t.Parallel()
	store, clk := &table{}, newClock()
	r := newRing(t, store, config(clk))
	row := goodRow(clk)
	row.Purpose, row.Algorithm, row.Secret = refresh, "HMAC-SHA256", append([]byte{2}, randomBytes(60)...)
	store.set(func(s *table) { s.rows = append(s.rows, row) })
	require.NoError(t, r.Reload(t.Context()))
	_, err := r.Verifying(t.Context(), refresh, row.ID, 0)
	requireUndecided(t, err)
}

func TestForeignPurposesAreLeftAlone(t *testing.T) {
	t.Parallel()
	store, clk, out := &table{}, newClock(), &logs{}
	row := goodRow(clk)
	row.Purpose = other
	store.rows = []models.SigningKey{row}
	cfg := config(clk)
	cfg.Logger = out.logger()
	r := newRing(t, store, cfg)
	_, err := r.Verifying(t.Context(), access, row.ID, 0)
	requireUnknown(t, err)
	require.NotContains(t, out.String(), "skipped")
}

// An instance that lost its key-encryption key must not carry on with keys of
// its own: it would split from the others and store secrets in clear.
func TestWrongEncryptionKeyFailsTheStart(t *testing.T) {
	t.Parallel()
	for _, late := range []time.Duration{0, 26 * time.Hour} { // also when the current slot is free
		for _, encryption := range [][][]byte{nil, {randomBytes(32)}} {
			store, clk := &table{}, newClock()
			cfg := config(clk)
			cfg.Encryption = [][]byte{randomBytes(32)}
			newRing(t, store, cfg)
			clk.add(late)

			cfg.Encryption = encryption
			_, err := keyring.New(t.Context(), store, cfg)
			require.ErrorIs(t, err, errors.ErrConfig)
			require.ErrorContains(t, err, `"access"`)
			require.Len(t, store.rows, 2, "inserted")
		}
	}
}

// The slot belongs to whoever wrote the row; the older key signs on, and the
// next slot is served again.
func TestAnUnreadableRowIsNotReplacedWithinItsSlot(t *testing.T) {
	t.Parallel()
	store, clk := &table{}, newClock()
	good := goodRow(clk)
	good.RetireAt += day.Milliseconds()
	store.rows = []models.SigningKey{good, unreadable(clk)}
	r := newRing(t, store, config(clk))
	require.Len(t, store.of(access), 2)
	clk.add(day)
	require.NoError(t, r.Reload(t.Context()))
	require.Len(t, store.of(access), 3)
	clk.add(10 * time.Minute)
	key, err := r.Signing(t.Context(), access)
	require.NoError(t, err)
	require.Equal(t, store.of(access)[2].ID, key.ID)
}

// KEY-03: with a key-encryption key no secret is in the table, and a sealed one is
// good in its own row only.
func TestSecretsAreEncryptedAndBoundToTheirRow(t *testing.T) {
	t.Parallel()
	store, clk := &table{}, newClock()
	cfg := config(clk)
	cfg.Encryption = [][]byte{randomBytes(32)}
	r := newRing(t, store, cfg)
	for _, p := range []models.KeyPurpose{access, refresh} {
		key, err := r.Signing(t.Context(), p)
		require.NoError(t, err)
		row := store.of(p)[0]
		require.Equal(t, key.ID, row.ID)
		require.Len(t, row.Secret, 1+12+32+16)
		for i := 0; i+8 <= len(key.Secret); i++ {
			require.NotContains(t, string(row.Secret), string(key.Secret[i:i+8]))
		}
	}

	moves := map[string]func(k *models.SigningKey){
		"to another id": func(k *models.SigningKey) { k.ID = rand.Text() },
		"to another purpose": func(k *models.SigningKey) {
			if k.Purpose == access {
				k.Purpose, k.Algorithm = refresh, "HMAC-SHA256"
			} else {
				k.Purpose, k.Algorithm = access, "HS256"
			}
		},
		"one bit of the nonce":  func(k *models.SigningKey) { k.Secret[1] ^= 1 },
		"one bit of the secret": func(k *models.SigningKey) { k.Secret[20] ^= 1 },
		"one bit of the tag":    func(k *models.SigningKey) { k.Secret[60] ^= 1 },
		"one byte more":         func(k *models.SigningKey) { k.Secret = append(k.Secret, 0) },
		"presented as clear":    func(k *models.SigningKey) { k.Secret[0] = 1 },
		"in the first form":     func(k *models.SigningKey) { k.Secret[0] = 2 },
		"in a form of later":    func(k *models.SigningKey) { k.Secret[0] = 4 },
		"to an earlier slot":    func(k *models.SigningKey) { k.Slot-- },
		"active earlier":        func(k *models.SigningKey) { k.ActiveFrom-- },
		"active later":          func(k *models.SigningKey) { k.ActiveFrom += day.Milliseconds() },
	}
	for name, move := range moves {
		moved := &table{}
		for _, p := range []models.KeyPurpose{access, refresh} {
			row := store.of(p)[0]
			row.Secret = bytes.Clone(row.Secret)
			move(&row)
			moved.rows = append(moved.rows, row)
		}
		_, err := keyring.New(t.Context(), moved, cfg)
		require.ErrorIs(t, err, errors.ErrConfig, name)
	}

	swapped := &table{}
	a, b := store.of(access)[0], store.of(refresh)[0]
	a.Secret, b.Secret = b.Secret, a.Secret
	swapped.rows = []models.SigningKey{a, b}
	_, err := keyring.New(t.Context(), swapped, cfg)
	require.ErrorIs(t, err, errors.ErrConfig)
}

func TestEncryptionNeverRepeatsANonce(t *testing.T) {
	t.Parallel()
	cfg := config(newClock())
	cfg.Encryption = [][]byte{randomBytes(32)}
	seen := make(map[string]bool)
	for range 500 {
		store := &table{}
		newRing(t, store, cfg)
		for _, row := range store.rows {
			seen[string(row.Secret[1:13])] = true
		}
	}
	require.Len(t, seen, 1000)
}

func TestEncryptionCanBeTurnedOnAndItsKeyReplaced(t *testing.T) {
	t.Parallel()
	store, clk, out := &table{}, newClock(), &logs{}
	cfg := config(clk)
	cfg.Logger = out.logger()
	inClear, err := newRing(t, store, cfg).Signing(t.Context(), access)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(out.String(), "stored in clear, as no key-encryption key is configured"))

	ids := []string{inClear.ID}
	older := [][]byte(nil)
	for range 3 {
		clk.add(day)
		older = append([][]byte{randomBytes(32)}, older...)
		cfg.Encryption, cfg.AllowClearKeys = older, len(older) == 1
		r := newRing(t, store, cfg)
		rows := store.of(access)
		require.Equal(t, byte(3), rows[len(rows)-1].Secret[0])
		ids = append(ids, rows[len(rows)-1].ID)
		for _, id := range ids[max(0, len(ids)-2):] { // older ones are at their end
			_, err := r.Verifying(t.Context(), access, id, 0)
			require.NoError(t, err)
		}
	}
	require.Equal(t, 2, strings.Count(out.String(), "signing key sealed"), "one of each purpose")
}

// KEY-12: no secret is in a log or an error, whatever is printed with whatever verb.
func TestNothingPrintsAKey(t *testing.T) {
	t.Parallel()
	store, clk, out := &table{}, newClock(), &logs{}
	cfg := config(clk)
	cfg.Logger = out.logger()
	cfg.Encryption = [][]byte{[]byte("0123456789-canary-canary-canary!")}
	cfg.Provider = provider(func() ([]token.Key, error) {
		return []token.Key{{ID: "mine", Secret: []byte("9876543210-canary-canary-canary!")}}, nil
	})
	r := newRing(t, store, cfg)
	_, err := r.Verifying(t.Context(), refresh, "nobody", 0)
	require.Error(t, err)
	require.NoError(t, r.Reload(t.Context()))
	cfg.Logger.Info("config", "cfg", cfg, "ring", r)
	text := out.String() + sprint(cfg) + sprint(&cfg) + sprint(r)
	require.NotContains(t, text, "canary")
	require.NotContains(t, text, hexed("canary"))
	require.NotContains(t, text, "99 97 110 97 114 121")
}
