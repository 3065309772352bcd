package keyring_test

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/keyring"
	"github.com/gin-sessionkit/sessionkit/models"
)

// FuzzKeyRow puts any row into the table, beside a good one: the ring starts,
// and the row is either a key of full strength or none at all. KEY-09.
func FuzzKeyRow(f *testing.F) {
	clk := newClock()
	kek := randomBytes(32)
	sealed, cfg := &table{}, config(clk)
	cfg.Encryption = [][]byte{kek}
	if _, err := keyring.New(f.Context(), sealed, cfg); err != nil {
		f.Fatal(err)
	}
	now := clk.ms()
	for _, row := range sealed.rows {
		f.Add(row.ID, string(row.Purpose), row.Slot, row.Algorithm, row.Secret, row.ActiveFrom, row.RetireAt)
	}
	f.Add("k", "access", now, "HS256", append([]byte{1}, randomBytes(32)...), now, now+int64(time.Hour/time.Millisecond))
	f.Add("k", "access", int64(-1<<63), "HS256", append([]byte{1}, make([]byte, 32)...), int64(-1<<63), int64(1<<63-1))
	f.Add("", "refresh", int64(1<<63-1), "HMAC-SHA256", []byte{2}, int64(1<<63-1), int64(-1<<63))
	f.Add("a b", "", int64(0), "", []byte(nil), int64(0), int64(0))

	f.Fuzz(func(t *testing.T, id, purpose string, slot int64, algorithm string, secret []byte, activeFrom, retireAt int64) {
		good := goodRow(clk)
		row := models.SigningKey{
			ID: id, Purpose: models.KeyPurpose(purpose), Slot: slot, Algorithm: algorithm,
			Secret: bytes.Clone(secret), ActiveFrom: activeFrom, RetireAt: retireAt,
		}
		if id == good.ID {
			t.Skip()
		}
		store := &table{rows: []models.SigningKey{row, good}}
		r, err := keyring.New(t.Context(), store, keyring.Config{
			Schedules: schedules(), Now: clk.Now, Encryption: [][]byte{kek}, Logger: slog.New(slog.DiscardHandler),
			AllowClearKeys: true, // for the good row
		})
		if err != nil {
			// The only reason: all that there is for a purpose cannot be read.
			if !errors.Is(err, errors.ErrConfig) || purpose != "refresh" {
				t.Fatal(err)
			}
			return
		}
		for _, p := range []models.KeyPurpose{access, refresh} {
			key, err := r.Signing(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			strong(t, key.Secret)
			key, err = r.Verifying(t.Context(), p, id, 0)
			switch {
			case err == nil && key.Pair != nil && p == access:
			case err == nil:
				strong(t, key.Secret)
				if row.Purpose != p || retireAt <= now || len(row.Secret) < 33 {
					t.Fatal("verifies with a row that is no key for it")
				}
			case !errors.Is(err, errors.ErrKeyUnknown):
				t.Fatal(err)
			}
		}
		if got, err := r.Verifying(t.Context(), access, good.ID, 0); err != nil || !bytes.Equal(got.Secret, good.Secret[1:]) {
			t.Fatal("the good row suffered", err)
		}

		// Without that, no row in clear is any key.
		store = &table{rows: append([]models.SigningKey{row}, sealed.rows...)}
		if r, err = keyring.New(t.Context(), store, cfg); err != nil {
			if !errors.Is(err, errors.ErrConfig) {
				t.Fatal(err)
			}
			return
		}
		if _, err := r.Verifying(t.Context(), row.Purpose, id, 0); err == nil && secret[0] != 3 {
			t.Fatal("verifies with a row that anybody could have written")
		}
	})
}

func strong(t *testing.T, secret []byte) {
	t.Helper()
	if len(secret) < 32 || bytes.Count(secret, secret[:1]) == len(secret) {
		t.Fatal("weak key")
	}
}
