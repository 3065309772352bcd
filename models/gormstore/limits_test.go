package gormstore_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// DB-13: a server with sql_mode=” would cut these off, and a cut user id is
// another user's.
func TestWhatDoesNotFitIsRefused(t *testing.T) {
	t.Parallel()
	store := newStore(t, testdb.MySQL(t, "sql_mode=''"))
	for name, spoil := range map[string]func(*models.Session){
		"long handle":        func(r *models.Session) { r.Handle = strings.Repeat("h", 65) },
		"no handle":          func(r *models.Session) { r.Handle = "" },
		"long user id":       func(r *models.Session) { r.UserID = strings.Repeat("u", models.MaxUserID+1) },
		"user id of runes":   func(r *models.Session) { r.UserID = strings.Repeat("\u00e9", models.MaxUserID/2+1) },
		"no user id":         func(r *models.Session) { r.UserID = "" },
		"long user agent":    func(r *models.Session) { r.UserAgent = strings.Repeat("a", 256) },
		"invalid user agent": func(r *models.Session) { r.UserAgent = "a\xff" },
		"long ip":            func(r *models.Session) { r.IP = strings.Repeat("1", 46) },
		"ip not ASCII":       func(r *models.Session) { r.IP = "\u0661" },
		"long reason":        func(r *models.Session) { r.RevokeReason = models.RevokeReason(strings.Repeat("r", 33)) },
		"reason not ASCII":   func(r *models.Session) { r.RevokeReason = "\u00e9" },
		"long amr":           func(r *models.Session) { r.AMR = strings.Repeat("a", models.MaxAMR+1) },
		"no word in amr":     func(r *models.Session) { r.AMR = "pwd\u00e9" },
		"level below 0":      func(r *models.Session) { r.Level = -1 },
		"high level":         func(r *models.Session) { r.Level = models.MaxLevel + 1 },
		"many flags":         func(r *models.Session) { r.Flags = 1 << 31 },
		"long origin":        func(r *models.Session) { r.Origin = strings.Repeat("o", 65) },
		"long label":         func(r *models.Session) { r.Label = strings.Repeat("l", models.MaxLabel+1) },
		"invalid label":      func(r *models.Session) { r.Label = "a\xff" },
		"label with a NUL":   func(r *models.Session) { r.Label = "a\x00" },
		"long payload":       func(r *models.Session) { r.Payload = make([]byte, 1<<24) },
		"long data":          func(r *models.Session) { r.Data = make([]byte, 1<<24) },
	} {
		row := newRow("spoilt")
		spoil(&row)
		require.ErrorIs(t, store.Insert(t.Context(), &row), errors.ErrInvalidInput, name)
		found, err := store.Find(t.Context(), row.Handle)
		require.NoError(t, err, name)
		require.Nil(t, found, name)
	}
	requireKeysRefused(t, store)
}

func requireKeysRefused(t *testing.T, store *gormstore.Store) {
	t.Helper()
	for name, spoil := range map[string]func(*models.SigningKey){
		"no id":             func(k *models.SigningKey) { k.ID = "" },
		"long id":           func(k *models.SigningKey) { k.ID = strings.Repeat("k", 33) },
		"id not ASCII":      func(k *models.SigningKey) { k.ID = "\u00e9" },
		"no purpose":        func(k *models.SigningKey) { k.Purpose = "" },
		"long purpose":      func(k *models.SigningKey) { k.Purpose = models.KeyPurpose(strings.Repeat("p", 33)) },
		"long algorithm":    func(k *models.SigningKey) { k.Algorithm = strings.Repeat("a", 33) },
		"no secret":         func(k *models.SigningKey) { k.Secret = nil },
		"secret too long":   func(k *models.SigningKey) { k.Secret = make([]byte, 1<<16) },
		"purpose not ASCII": func(k *models.SigningKey) { k.Purpose = "\n" },
	} {
		key := models.SigningKey{ID: "k", Purpose: models.KeyForAccess, Algorithm: "HS256", Secret: []byte("s"), RetireAt: now}
		spoil(&key)
		require.ErrorIs(t, store.InsertKey(t.Context(), key), errors.ErrInvalidInput, name)
	}
	keys, err := store.Keys(t.Context(), 0)
	require.NoError(t, err)
	require.Empty(t, keys)
}

func TestTheLargestFits(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, _ *gorm.DB, store *gormstore.Store) {
		row := newRow(strings.Repeat("h", 64))
		row.UserID = strings.Repeat("\U0001f98a", 63) + "\u20ac" // 255 bytes
		row.UserAgent = strings.Repeat("\U0001f98a", 255)
		row.IP = strings.Repeat("f", 45)
		row.Label = strings.Repeat("\U0001f98a", models.MaxLabel)
		row.AMR, row.Origin = strings.Repeat("a", models.MaxAMR), strings.Repeat("o", 64)
		row.Level, row.Flags, row.IdleMillis, row.AuthAt = models.MaxLevel, 1<<31-1, 1<<62, 1<<62
		row.RevokeReason = models.RevokeReason(strings.Repeat("r", 32))
		row.Payload = bytes.Repeat([]byte("p"), 100<<10)
		row.Data = bytes.Repeat([]byte("d"), 3<<20)
		require.NoError(t, store.Insert(t.Context(), &row))
		found, err := store.Find(t.Context(), row.Handle)
		require.NoError(t, err)
		require.Equal(t, &row, found)
	})
}

func TestWritesThatDoNotFitAreRefused(t *testing.T) {
	t.Parallel()
	store := newStore(t, openSQLite(t))
	row := newRow("kept")
	require.NoError(t, store.Insert(t.Context(), &row))
	long := models.RevokeReason(strings.Repeat("r", 33))
	for name, err := range map[string]error{
		"data":        last(store.WriteData(t.Context(), models.DataWrite{Handle: row.Handle, Data: make([]byte, 1<<24), Now: now})),
		"payload":     last(store.WritePayload(t.Context(), models.PayloadWrite{Handle: row.Handle, Old: row.Payload, New: make([]byte, 1<<24), Now: now})),
		"revoke":      last(store.Revoke(t.Context(), models.Revocation{Handle: row.Handle, Reason: long, Now: now})),
		"revoke all":  last(store.RevokeAll(t.Context(), models.RevocationOfUser{UserID: row.UserID, Reason: "\u00e9", Now: now})),
		"level":       last(store.Downgrade(t.Context(), models.Downgrade{UserID: row.UserID, Level: models.MaxLevel + 1, Now: now})),
		"no level":    last(store.Downgrade(t.Context(), models.Downgrade{UserID: row.UserID, Level: -1, Now: now})),
		"label":       last(store.SetLabel(t.Context(), models.LabelWrite{Handle: row.Handle, UserID: row.UserID, Label: strings.Repeat("\u00e9", models.MaxLabel+1), Now: now})),
		"revoke many": last(store.RevokeMany(t.Context(), models.RevocationOfMany{Handles: []string{row.Handle}, Reason: long, Now: now})),
		"too many":    last(store.RevokeMany(t.Context(), models.RevocationOfMany{Handles: make([]string, 1001), Now: now})),
		"find many":   last(store.FindMany(t.Context(), make([]string, 1001))),
		"kind":        store.WriteHint(t.Context(), models.Hint{Kind: "123456789"}),
		"no kind":     store.WriteHint(t.Context(), models.Hint{}),
		"odd kind":    store.WriteHint(t.Context(), models.Hint{Kind: "\u00e9"}),
		"subject":     store.WriteHint(t.Context(), models.Hint{Kind: models.HintUser, Subject: strings.Repeat("s", models.MaxUserID+1)}),
		"owner":       store.WriteHint(t.Context(), models.Hint{Kind: models.HintUser, Owner: strings.Repeat("\u00e9", models.MaxUserID)}),
	} {
		require.ErrorIs(t, err, errors.ErrInvalidInput, name)
	}
	found, err := store.Find(t.Context(), row.Handle)
	require.NoError(t, err)
	require.Equal(t, &row, found)
	page, err := store.ReadFeed(t.Context(), models.FeedQuery{})
	require.NoError(t, err)
	require.Empty(t, page.Hints)
}
