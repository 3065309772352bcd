package session_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

// backup is what a copy of the database says of one session.
type backup struct {
	key models.SigningKey
	row *models.Session
}

func (k *kit) backup(t *testing.T, handle string) backup {
	t.Helper()
	row, err := k.store.Find(t.Context(), handle)
	require.NoError(t, err)
	keys, err := k.store.Keys(t.Context(), k.clock.Now().UnixMilli())
	require.NoError(t, err)
	for _, key := range keys {
		if key.Purpose == models.KeyForRefresh {
			key.Secret = key.Secret[1:] // behind the mark that says "in clear"
			return backup{key, row}
		}
	}
	require.Fail(t, "no refresh key in the backup")
	return backup{}
}

// forge turns a refresh token into one of the backup's session, as a child of
// its current one when gen says so. Only the two secrets stay those of the template.
func (b backup) forge(t *testing.T, template string, gen int64) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(template)
	require.NoError(t, err)
	raw = raw[:len(raw)-sha256.Size]
	handle, err := base32.HexEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(b.row.Handle))
	require.NoError(t, err)
	fields := raw[2+int(raw[1])+16:] // behind the key id and the service
	copy(fields, handle)
	binary.BigEndian.PutUint64(fields[16:], uint64(gen))
	copy(fields[32:], b.row.Lineage.Current[:])
	mac := hmac.New(sha256.New, b.key.Secret)
	mac.Write([]byte("sessionkit refresh token v2 mac\x00"))
	mac.Write(raw)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(raw))
}

// W-09, TOK-05: a backup of the database, keys in clear, and a session of one's
// own do not make a refresh token of somebody else's session. It is refused
// before any statement, and the session's owner notices nothing.
func TestForgery_BackupMakesNoRefreshToken(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	victim, err := k.Create(t.Context(), "victim")
	require.NoError(t, err)
	attacker, err := k.Create(t.Context(), "attacker")
	require.NoError(t, err)
	stolen := k.backup(t, victim.Session.Handle())
	for _, gen := range []int64{0, 1, 2, 100, models.MaxGeneration} {
		k.store.Arm()
		_, err := k.Refresh(t.Context(), stolen.forge(t, attacker.Refresh.Value, gen))
		require.ErrorIs(t, err, errors.ErrUnauthorised)
		require.ErrorIs(t, err, errors.ErrTokenForged)
		require.Empty(t, k.store.Counts())
	}
	_, err = k.Refresh(t.Context(), victim.Refresh.Value)
	require.NoError(t, err)

	// With a genuine token as the template the same bytes are a child: the forgery is well made.
	_, err = k.Refresh(t.Context(), stolen.forge(t, victim.Refresh.Value, 1))
	require.NoError(t, err)
	_, err = k.Refresh(t.Context(), victim.Refresh.Value)
	require.ErrorIs(t, err, errors.ErrTokenTheft)
}

// A row that somebody has damaged is nothing that the caller passed.
func TestSigning_OnlyThePayloadIsTheCallersInput(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		damage func(*models.Session)
		reason error
		input  bool
	}{
		"user id empty":       {func(s *models.Session) { s.UserID = "" }, errors.ErrUserIDInvalid, false},
		"created before 1970": {func(s *models.Session) { s.CreatedAt = -5000 }, errors.ErrTokenMalformed, false},
		"payload cut":         {func(s *models.Session) { s.Payload = []byte(`{"a":`) }, errors.ErrValueNotJSON, true},
		"payload too deep": {func(s *models.Session) {
			s.Payload = []byte(strings.Repeat("[", 33) + strings.Repeat("]", 33))
		}, errors.ErrValueTooDeep, true},
		"payload too large": {func(s *models.Session) {
			s.Payload = []byte(`"` + strings.Repeat("a", 4000) + `"`)
		}, errors.ErrCookieTooLarge, true},
	} {
		k := newKit(t)
		tokens, err := k.Create(t.Context(), "user")
		require.NoError(t, err)
		svc := newKitOn(t, damaged{k.store, row.damage}, k.clock)
		_, err = svc.Refresh(t.Context(), tokens.Refresh.Value)
		require.ErrorIs(t, err, errors.ErrGeneral, name)
		require.ErrorIs(t, err, row.reason, name)
		require.Equal(t, row.input, errors.Is(err, errors.ErrInvalidInput), name)
	}
}

// damaged reads rows otherwise than they were written.
type damaged struct {
	session.Store
	damage func(*models.Session)
}

func (d damaged) Find(ctx context.Context, handle string) (*models.Session, error) {
	row, err := d.Store.Find(ctx, handle)
	if row != nil {
		d.damage(row)
	}
	return row, err
}
