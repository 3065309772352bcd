package keyring_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/keyring"
	"github.com/gin-sessionkit/sessionkit/models"
)

// planted is a row in clear of the attacker's own, who can write the table.
func planted(clk *clock, changes ...func(*models.SigningKey)) models.SigningKey {
	row := goodRow(clk)
	row.ActiveFrom = clk.ms() // would be the newest
	for _, change := range changes {
		change(&row)
	}
	return row
}

// plants are rows that would be a key of the service's, were it not for the form.
func plants() map[string]func(*models.SigningKey) {
	return map[string]func(*models.SigningKey){
		"an access key":            func(*models.SigningKey) {},
		"a refresh key":            func(k *models.SigningKey) { k.Purpose, k.Algorithm = refresh, "HMAC-SHA256" },
		"a key of the next period": func(k *models.SigningKey) { k.Slot += 2 * day.Milliseconds() },
		"a key forever":            func(k *models.SigningKey) { k.RetireAt = 1 << 62 },
		"a key with a long secret": func(k *models.SigningKey) { k.Secret = append([]byte{1}, randomBytes(200)...) },
	}
}

// Whoever can write the table, and has no key-encryption key, has no key.
func TestClearKeys_plantedWhileRunning(t *testing.T) {
	t.Parallel()
	for name, change := range plants() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, clk, out := &table{}, newClock(), &logs{}
			cfg := config(clk)
			cfg.Encryption, cfg.Logger = [][]byte{randomBytes(32)}, out.logger()
			r := newRing(t, store, cfg)
			own, err := r.Signing(t.Context(), access)
			require.NoError(t, err)
			row := planted(clk, change)
			store.set(func(s *table) { s.rows = append(s.rows, row) })
			for range 3 {
				require.NoError(t, r.Reload(t.Context()))
				_, err = r.Verifying(t.Context(), row.Purpose, row.ID, clk.ms())
				require.ErrorIs(t, err, errors.ErrKeyUnknown)
				require.Equal(t, row.Purpose == refresh, errors.Is(err, errors.ErrUnavailable))
				key, err := r.Signing(t.Context(), access)
				require.NoError(t, err)
				require.Equal(t, own.ID, key.ID)
			}
			require.Equal(t, 1, strings.Count(out.String(), "signing key refused"), "said once")
			require.Contains(t, out.String(), row.ID)
		})
	}
}

func TestClearKeys_plantedBeforeTheStart(t *testing.T) {
	t.Parallel()
	for name, change := range plants() {
		store, clk := &table{}, newClock()
		cfg := config(clk)
		cfg.Encryption = [][]byte{randomBytes(32)}
		newRing(t, store, cfg)
		row := planted(clk, change)
		store.rows = append(store.rows, row)
		had := len(store.rows)
		_, err := keyring.New(t.Context(), store, cfg)
		require.ErrorIs(t, err, errors.ErrConfig, name)
		require.ErrorContains(t, err, row.ID)
		require.ErrorContains(t, err, "AllowClearKeys")
		require.NotContains(t, err.Error(), string(row.Secret[1:]))
		require.Len(t, store.rows, had, "nothing was written")
	}
}

// The change-over from a table in clear: no key is lost, and so no session.
func TestClearKeys_changeOver(t *testing.T) {
	t.Parallel()
	store, clk, out := &table{}, newClock(), &logs{}
	cfg := config(clk)
	cfg.Logger = out.logger()
	before := newRing(t, store, cfg)
	signs := map[models.KeyPurpose]string{}
	secrets := map[string][]byte{}
	for _, p := range []models.KeyPurpose{access, refresh} {
		key, err := before.Signing(t.Context(), p)
		require.NoError(t, err)
		signs[p], secrets[key.ID] = key.ID, key.Secret
	}

	cfg.Encryption = [][]byte{randomBytes(32)}
	_, err := keyring.New(t.Context(), store, cfg)
	require.ErrorIs(t, err, errors.ErrConfig, "not without being told")
	for _, id := range signs {
		require.ErrorContains(t, err, id)
	}
	for _, allow := range []bool{true, false} { // and off again
		cfg.AllowClearKeys = allow
		r := newRing(t, store, cfg)
		for p, id := range signs {
			key, err := r.Signing(t.Context(), p)
			require.NoError(t, err)
			require.Equal(t, id, key.ID)
			require.Equal(t, secrets[id], key.Secret)
			key, err = r.Verifying(t.Context(), p, id, 0)
			require.NoError(t, err)
			require.Equal(t, secrets[id], key.Secret)
		}
		for _, row := range store.rows {
			require.Equal(t, byte(3), row.Secret[0])
			require.False(t, bytes.Contains(row.Secret, secrets[row.ID][:8]))
		}
	}
	require.Equal(t, 2, strings.Count(out.String(), "signing key sealed"))

	// While it is allowed, a server of before may still insert one: it is sealed too.
	cfg.AllowClearKeys = true
	r := newRing(t, store, cfg)
	late := planted(clk)
	store.set(func(s *table) { s.rows = append(s.rows, late) })
	require.NoError(t, r.Reload(t.Context()))
	got, err := r.Verifying(t.Context(), access, late.ID, 0)
	require.NoError(t, err)
	require.Equal(t, late.Secret[1:], got.Secret)
	for _, row := range store.of(access) {
		require.Equal(t, byte(3), row.Secret[0])
	}
}

// A store that fails while keys are sealed fails the start, and loses nothing.
func TestClearKeys_sealingFails(t *testing.T) {
	t.Parallel()
	store, clk := &table{}, newClock()
	cfg := config(clk)
	newRing(t, store, cfg)
	cfg.Encryption, cfg.AllowClearKeys = [][]byte{randomBytes(32)}, true
	store.after = func() { store.set(func(s *table) { s.fail = errors.ErrUnavailable }) }
	_, err := keyring.New(t.Context(), store, cfg)
	require.ErrorIs(t, err, errors.ErrUnavailable)
	store.after, store.fail = nil, nil
	newRing(t, store, cfg)
}

// Keys are sealed for one issuer: those of another are nobody's here.
func TestSealedKeys_areBoundToTheIssuer(t *testing.T) {
	t.Parallel()
	store, clk := &table{}, newClock()
	cfg := config(clk)
	cfg.Encryption, cfg.Issuer = [][]byte{randomBytes(32)}, "https://app.example"
	newRing(t, store, cfg)
	for _, issuer := range []string{"", "https://evil.example", "https://app.example/", "https://app.exampl"} {
		cfg.Issuer = issuer
		_, err := keyring.New(t.Context(), store, cfg)
		require.ErrorIs(t, err, errors.ErrConfig, issuer)
	}
	cfg.Issuer = "https://app.example"
	newRing(t, store, cfg)
}

// Rows that were sealed in the first form are read, wherever the ring reads rows.
func TestSealedKeys_ofTheFirstForm(t *testing.T) {
	t.Parallel()
	store, clk := &table{}, newClock()
	kek := randomBytes(32)
	block, err := aes.NewCipher(kek)
	require.NoError(t, err)
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	require.NoError(t, err)
	row := goodRow(clk)
	secret := bytes.Clone(row.Secret[1:])
	row.Secret = gcm.Seal([]byte{2}, nil, secret, []byte("sessionkit signing key\x00access\x00"+row.ID+"\x00\x02")) //nolint:gosec // the AEAD draws a random nonce itself
	store.rows = append(store.rows, row)
	cfg := config(clk)
	cfg.Encryption, cfg.Issuer = [][]byte{randomBytes(32), kek}, "https://app.example"
	r := newRing(t, store, cfg)
	got, err := r.Verifying(t.Context(), access, row.ID, 0)
	require.NoError(t, err)
	require.Equal(t, secret, got.Secret)
	for name, spoil := range map[string]func(*models.SigningKey){
		"as of the second form": func(k *models.SigningKey) { k.Secret[0] = 3 },
		"of another id":         func(k *models.SigningKey) { k.ID = "another" },
	} {
		moved := row
		moved.Secret = bytes.Clone(row.Secret)
		spoil(&moved)
		store.set(func(s *table) { s.rows[0] = moved })
		require.NoError(t, r.Reload(t.Context()), name)
		_, err = r.Verifying(t.Context(), access, moved.ID, 0)
		requireUnknown(t, err)
	}
}
