package gormstore_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"gorm.io/plugin/dbresolver"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// inTx does one of each in tx.
func inTx(t *testing.T, tx *gormstore.Tx, row models.Session) {
	t.Helper()
	ctx := t.Context()
	page, err := tx.List(ctx, models.SessionsOfUser{UserID: row.UserID, Now: now})
	require.NoError(t, err)
	require.Len(t, page.Sessions, 1)
	ok, err := tx.Revoke(ctx, models.Revocation{Handle: "absent", Now: now})
	require.NoError(t, err)
	require.False(t, ok)
	n, err := tx.RevokeAll(ctx, models.RevocationOfUser{UserID: row.UserID, Reason: models.RevokedByRevokeAll, Now: now})
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.NoError(t, tx.WriteHint(ctx, models.Hint{Kind: models.HintUser, Subject: row.UserID}))
}

// However the application has begun its transaction, the store works in it, and a
// rollback undoes all.
func TestInEveryKindOfTransaction(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *gorm.DB, store *gormstore.Store) {
		row := newRow("a")
		require.NoError(t, store.Insert(t.Context(), &row))
		for name, begin := range map[string]*gorm.DB{
			"plain":                  db,
			"prepared":               db.Session(&gorm.Session{PrepareStmt: true}),
			"without transactions":   db.Session(&gorm.Session{SkipDefaultTransaction: true}),
			"with another condition": db.Session(&gorm.Session{}).Where("1 = 0").Session(&gorm.Session{}),
		} {
			tx := begin.Begin()
			require.NoError(t, tx.Error, name)
			inTx(t, store.In(tx.Session(&gorm.Session{PrepareStmt: name == "plain"})), row)
			require.NoError(t, tx.Rollback().Error, name)
			found, err := store.Find(t.Context(), row.Handle)
			require.NoError(t, err)
			require.Equal(t, &row, found, name)

			err = begin.Transaction(func(tx *gorm.DB) error {
				return tx.Transaction(func(tx *gorm.DB) error { // a savepoint
					inTx(t, store.In(tx.Model(&row).Where("x = ?", 1)), row)
					return errors.New("roll back")
				})
			})
			require.EqualError(t, err, "roll back")
			found, err = store.Find(t.Context(), row.Handle)
			require.NoError(t, err)
			require.Equal(t, &row, found, name)
		}
		require.NoError(t, db.Transaction(func(tx *gorm.DB) error {
			inTx(t, store.In(tx), row)
			return nil
		}))
		page, err := store.ReadFeed(t.Context(), models.FeedQuery{})
		require.NoError(t, err)
		require.Len(t, page.Hints, 1)
		found, err := store.Find(t.Context(), row.Handle)
		require.NoError(t, err)
		require.Equal(t, now, found.RevokedAt)
	})
}

// What is no transaction, or not of this kind of database, is refused by every method.
func TestInOfNoTransaction(t *testing.T) {
	t.Parallel()
	db := openMySQL(t)
	store := newStore(t, db)
	row := newRow("a")
	require.NoError(t, store.Insert(t.Context(), &row))
	pool, err := db.DB()
	require.NoError(t, err)
	conn, err := pool.Conn(t.Context())
	require.NoError(t, err)
	bound := db.Session(&gorm.Session{})
	bound.Statement = &gorm.Statement{DB: bound, ConnPool: conn, Context: t.Context()}
	other := openSQLite(t).Begin()
	defer other.Rollback()
	dry := db.Begin()
	defer dry.Rollback()
	for name, tx := range map[string]*gorm.DB{
		"nil": nil, "never opened": {}, "pool": db, "prepared": db.Session(&gorm.Session{PrepareStmt: true}),
		"connection": bound, "another dialect": other, "dry run": dry.Session(&gorm.Session{DryRun: true}),
	} {
		in := store.In(tx)
		for _, err := range []error{
			last(in.Revoke(t.Context(), models.Revocation{Handle: row.Handle, Now: now})),
			last(in.RevokeAll(t.Context(), models.RevocationOfUser{UserID: row.UserID, Now: now})),
			last(in.List(t.Context(), models.SessionsOfUser{UserID: row.UserID, Now: now})),
			in.WriteHint(t.Context(), models.Hint{Kind: models.HintAll}),
		} {
			require.ErrorIs(t, err, errors.ErrConfig, name)
			require.ErrorContains(t, err, "tx: ", name)
		}
	}
	require.NoError(t, conn.Close())
	found, err := store.Find(t.Context(), row.Handle)
	require.NoError(t, err)
	require.Equal(t, &row, found)
}

// A Begin that failed says why: the database may be back in a minute.
func TestInOfABeginThatFailed(t *testing.T) {
	t.Parallel()
	db := openSQLite(t)
	store := newStore(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := store.In(db.WithContext(ctx).Begin()).Revoke(t.Context(), models.Revocation{Handle: "a", Now: now})
	require.ErrorIs(t, err, errors.ErrUnavailable)
	require.NotErrorIs(t, err, errors.ErrConfig)
}

// With dbresolver a transaction stays where it was begun.
func TestInWithReplicas(t *testing.T) {
	t.Parallel()
	primary, replica := openMySQL(t), openMySQL(t)
	require.NoError(t, primary.Use(dbresolver.Register(dbresolver.Config{Replicas: []gorm.Dialector{dialectorOf(t, replica)}})))
	store := newStore(t, primary)
	row := newRow("a")
	require.NoError(t, store.Insert(t.Context(), &row))
	require.NoError(t, primary.Clauses(dbresolver.Write).Transaction(func(tx *gorm.DB) error {
		inTx(t, store.In(tx), row)
		return nil
	}))
}

// After a deadlock the transaction is gone: a statement that was repeated would commit
// by itself.
func TestInRepeatsNothing(t *testing.T) {
	t.Parallel()
	sent := 0
	db := gatedMySQL(t, func(query string) error {
		if len(query) > 6 && query[:6] == "UPDATE" {
			sent++
			return mysqlError(1213, "40001", "Deadlock found")
		}
		return nil
	})
	store, err := gormstore.New(db, gormstore.Config{})
	require.NoError(t, err)
	err = db.Transaction(func(tx *gorm.DB) error {
		return last(store.In(tx).Revoke(t.Context(), models.Revocation{Handle: "a", Now: now}))
	})
	require.ErrorIs(t, err, errors.ErrUnavailable)
	require.Equal(t, 1, sent)

	sent = 0
	_, err = store.Revoke(t.Context(), models.Revocation{Handle: "a", Now: now})
	require.ErrorIs(t, err, errors.ErrUnavailable)
	require.Greater(t, sent, 1, "by itself the store repeats it")
}

// The application's logger is the transaction's, and shows no values either.
func TestInLogsNoValues(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *gorm.DB, store *gormstore.Store) {
		logged := &recorder{}
		tx := db.Session(&gorm.Session{Logger: everything(logged)}).Begin(&sql.TxOptions{})
		require.NoError(t, tx.Error)
		row := secretRow()
		in := store.In(tx)
		require.NoError(t, last(in.List(t.Context(), models.SessionsOfUser{UserID: row.UserID, Now: now})))
		require.NoError(t, last(in.Revoke(t.Context(), models.Revocation{Handle: row.Handle, UserID: row.UserID, Now: now})))
		require.NoError(t, last(in.RevokeAll(t.Context(), models.RevocationOfUser{UserID: row.UserID, Except: row.Handle, Now: now})))
		require.NoError(t, in.WriteHint(t.Context(), models.Hint{Kind: models.HintUser, Subject: row.UserID, Owner: row.UserID}))
		require.NoError(t, tx.Session(&gorm.Session{Logger: logger.Discard}).Rollback().Error)
		require.Contains(t, logged.String(), "INSERT INTO")
		requireNoCanary(t, logged.String(), "the log")
	})
}
