package gormstore_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// DB-12: names go into SQL text.
func TestTableNames(t *testing.T) {
	t.Parallel()
	db := openSQLite(t)
	for _, name := range []string{
		"a b", "a;b", "a--", "a`b", `a"b`, "a'b", "a.b", "a?b", "a@b", "{keys}", "a\x00", "a\n", "\n", " ",
		"1a", "-a", "\u00e9t\u00e9", "\u017fessions", strings.Repeat("a", 49),
		"sqlite_a", "SQLite_a",
	} {
		_, err := gormstore.New(db, gormstore.Config{Tables: gormstore.Tables{SigningKeys: name}})
		require.ErrorIs(t, err, errors.ErrConfig, "%q", name)
		require.ErrorContains(t, err, "Tables.SigningKeys", "%q", name)
	}
	for _, name := range []string{"a", "_", "A1_", strings.Repeat("a", 48)} {
		_, err := gormstore.New(db, gormstore.Config{Tables: gormstore.Tables{SigningKeys: name}})
		require.NoError(t, err, "%q", name)
	}
}

// GO-05: one look at the error is enough to mend the whole configuration.
func TestAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	db := openSQLite(t).Session(&gorm.Session{DryRun: true})
	_, err := gormstore.New(db, gormstore.Config{
		Tables: gormstore.Tables{Sessions: "1", SigningKeys: "same", Meta: "SAME"},
	})
	require.ErrorIs(t, err, errors.ErrConfig)
	for _, part := range []string{"Tables.Sessions", "Tables.Meta: is the table of Tables.SigningKeys", "DryRun"} {
		require.ErrorContains(t, err, part)
	}
	_, err = gormstore.New(nil, gormstore.Config{Tables: gormstore.Tables{Sessions: "1"}})
	require.ErrorContains(t, err, "Tables.Sessions")
	require.ErrorContains(t, err, "db: is nil")
}

func TestTheDefaultNameCanClash(t *testing.T) {
	t.Parallel()
	_, err := gormstore.New(openSQLite(t), gormstore.Config{Tables: gormstore.Tables{Sessions: "auth_meta"}})
	require.ErrorContains(t, err, "Tables.Meta: is the table of Tables.Sessions")
}

// DB-05: what a store cannot work on is refused when it is made, not at the first
// sign-in.
func TestNewRefuses(t *testing.T) {
	t.Parallel()
	onEachDB(t, func(t *testing.T, db *gorm.DB) {
		refused := func(db *gorm.DB, why string) {
			_, err := gormstore.New(db, gormstore.Config{})
			require.ErrorIs(t, err, errors.ErrConfig)
			require.ErrorContains(t, err, why)
		}
		for _, prepare := range []bool{false, true} {
			tx := db.Session(&gorm.Session{PrepareStmt: prepare}).Begin()
			refused(tx, "inside a transaction")
			refused(tx.Session(&gorm.Session{NewDB: true}), "inside a transaction")
			require.NoError(t, tx.Rollback().Error)
		}
		require.NoError(t, db.Transaction(func(tx *gorm.DB) error {
			refused(tx, "inside a transaction")
			return nil
		}))
		require.NoError(t, db.Connection(func(conn *gorm.DB) error {
			refused(conn, "one connection")
			return nil
		}))
		failed := db.Exec("nonsense canary")
		refused(failed, "carries an error")
		_, err := gormstore.New(failed, gormstore.Config{})
		require.NotContains(t, err.Error(), "canary")
	})
	for name, db := range map[string]*gorm.DB{
		"zero":            {},
		"config only":     {Config: &gorm.Config{}},
		"another dialect": {Config: &gorm.Config{Dialector: otherDialect{}}, Statement: &gorm.Statement{}},
	} {
		_, err := gormstore.New(db, gormstore.Config{})
		require.ErrorIs(t, err, errors.ErrConfig, name)
	}
}

type otherDialect struct{ gorm.Dialector }

func (otherDialect) Name() string { return "sqlserver" }

// New must not wait for a database that is down.
func TestNewDoesNoIO(t *testing.T) {
	t.Parallel()
	db := openSQLite(t)
	pool, err := db.DB()
	require.NoError(t, err)
	conn, err := pool.Conn(t.Context()) // the only one
	require.NoError(t, err)
	defer func(c *sql.Conn) { require.NoError(t, c.Close()) }(conn)

	_, err = gormstore.New(db, gormstore.Config{})
	require.NoError(t, err)
}

// Names that are words of SQL, or differ by quoting only, work as any other.
func TestReservedWordsAsTables(t *testing.T) {
	t.Parallel()
	onEachDB(t, func(t *testing.T, db *gorm.DB) {
		cfg := gormstore.Config{Tables: gormstore.Tables{Sessions: "Select", SigningKeys: "order", Meta: "_" + strings.Repeat("M", 47)}}
		store, err := gormstore.New(db, cfg)
		require.NoError(t, err)
		require.NoError(t, store.Migrate(t.Context()))
		require.NoError(t, store.Check(t.Context()))
		exercise(t, store)
	})
}

// exercise calls every method once or more, so that each statement is sent.
func exercise(t *testing.T, store *gormstore.Store) {
	t.Helper()
	ctx := t.Context()
	must := func(ok bool, err error) {
		t.Helper()
		require.NoError(t, err)
		require.True(t, ok)
	}
	row, other := newRow("exercised"), newRow("the other")
	other.UserID = row.UserID
	require.NoError(t, store.Insert(ctx, &row))
	require.NoError(t, store.Insert(ctx, &row), "its own row")
	require.NoError(t, store.Insert(ctx, &other))

	next := step(row, "second")
	next.ExpectPrevious = row.Lineage.Previous
	must(store.Advance(ctx, next))
	must(store.Extend(ctx, models.Extend{Handle: row.Handle, Current: next.To, ExpiresAt: now + 50*hour, Now: now}))
	must(store.Confirm(ctx, models.Confirmation{Handle: row.Handle, ExpiresAt: now + 50*hour, Now: now}))
	must(store.WriteData(ctx, models.DataWrite{Handle: row.Handle, Data: []byte(`"d"`), Now: now}))
	must(store.WriteData(ctx, models.DataWrite{Handle: row.Handle, Data: nil, IfVersion: new(int64(4)), Now: now}))
	must(store.WritePayload(ctx, models.PayloadWrite{Handle: row.Handle, Old: row.Payload, Now: now}))
	must(store.WritePayload(ctx, models.PayloadWrite{Handle: row.Handle, New: []byte(`"p"`), Now: now}))
	listed, err := store.List(ctx, models.SessionsOfUser{UserID: row.UserID, Now: now})
	require.NoError(t, err)
	require.Len(t, listed.Sessions, 2)

	done, err := store.RevokeAll(ctx, models.RevocationOfUser{UserID: row.UserID, Except: row.Handle, Reason: models.RevokedByRevokeAll, Now: now})
	require.NoError(t, err)
	require.Equal(t, 1, done.Count)
	must(store.Revoke(ctx, models.Revocation{Handle: row.Handle, Reason: models.RevokedBySignOut, Now: now}))
	found, err := store.Find(ctx, row.Handle)
	require.NoError(t, err)
	require.Equal(t, now, found.RevokedAt)

	must(store.ClaimCleanup(ctx, models.CleanupClaim{Now: now, Until: now + hour}))
	n, err := store.DeleteEnded(ctx, models.EndedSessions{Before: now + 1000*hour, Limit: 10})
	require.NoError(t, err)
	require.Equal(t, 2, n)
	exerciseKeys(t, store)
}

func exerciseKeys(t *testing.T, store *gormstore.Store) {
	t.Helper()
	ctx := t.Context()
	key := models.SigningKey{
		ID: "k1", Purpose: models.KeyForAccess, Slot: 1, Algorithm: "HS256",
		Secret: []byte("secret"), CreatedAt: now, ActiveFrom: now, RetireAt: now + hour,
	}
	require.NoError(t, store.InsertKey(ctx, key))
	key.ID = "k2"
	require.NoError(t, store.InsertKey(ctx, key), "the slot is taken")
	keys, err := store.Keys(ctx, now)
	require.NoError(t, err)
	require.Len(t, keys, 1)
	ok, err := store.RetireKey(ctx, "k1", now)
	require.NoError(t, err)
	require.True(t, ok)
	ok, err = store.SealKey(ctx, "k1", keys[0].Secret, []byte("sealed"))
	require.NoError(t, err)
	require.True(t, ok)
	n, err := store.DeleteKeys(ctx, now+1)
	require.NoError(t, err)
	require.Equal(t, 1, n)
}
