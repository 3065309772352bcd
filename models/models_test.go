package models_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models"
)

// Hashes and key secrets show under no verb (TOK-12, KEY-12).
func TestRedaction(t *testing.T) {
	t.Parallel()
	hash := models.Hash{0: 0xCA, 1: 0xFE, 31: 0xBE}
	key := models.SigningKey{ID: "kid", Secret: []byte("canary-secret")}
	row := models.Session{Handle: "h", Lineage: models.Lineage{Current: hash}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		for _, v := range []any{hash, &hash, key, &key, row, []models.Hash{hash}, map[string]any{"k": key}} {
			printed := fmt.Sprintf(verb, v)
			for _, secret := range []string{"canary", "cafe", "CAFE", "202 254", "0xca", "63616e617279"} {
				require.NotContains(t, printed, secret, verb)
			}
		}
	}
	for _, v := range []any{hash, key} {
		require.Equal(t, slog.KindString, slog.AnyValue(v).Resolve().Kind(), "a log handler gets a text")
		text, err := json.Marshal(v)
		require.NoError(t, err)
		for _, secret := range []string{"canary", "202,254", "yv4", "Y2FuYXJ5"} {
			require.NotContains(t, string(text), secret)
		}
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	var none, a, b models.Hash
	a[31], b[0] = 1, 1
	require.True(t, none.IsZero())
	require.False(t, a.IsZero())
	same := a
	require.True(t, a.Equal(same))
	require.False(t, a.Equal(b))
	value, err := a.Value()
	require.NoError(t, err)
	var back models.Hash
	require.NoError(t, back.Scan(value))
	require.Equal(t, a, back)
	for _, wrong := range []any{nil, "", make([]byte, 31), make([]byte, 33), 5} {
		require.Error(t, back.Scan(wrong))
	}
}

func TestSession_LiveAt(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		s    models.Session
		live bool
	}{
		{"revoked", models.Session{ExpiresAt: 200, RevokedAt: 1}, false},
		{"at its idle end", models.Session{ExpiresAt: 100}, false},
		{"past its idle end", models.Session{ExpiresAt: 99}, false},
		{"at its absolute end", models.Session{ExpiresAt: 200, AbsoluteExpiresAt: 100}, false},
		{"before both", models.Session{ExpiresAt: 101, AbsoluteExpiresAt: 101}, true},
		{"without an absolute end", models.Session{ExpiresAt: 101}, true},
	} {
		require.Equal(t, row.live, row.s.LiveAt(100), row.name)
	}
}
