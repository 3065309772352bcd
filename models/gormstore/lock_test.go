package gormstore_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// Somebody else migrates, for longer than the caller's context lives.
func TestMigrateWaitsForAnother(t *testing.T) {
	t.Parallel()
	onEachDB(t, func(t *testing.T, db *gorm.DB) {
		store := emptyStore(t, db)
		release := holdLock(t, db, store)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		err := store.Migrate(ctx)
		require.ErrorIs(t, err, errors.ErrUnavailable)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, store.Check(t.Context()), errors.ErrSchema, "nothing was made meanwhile")

		done := make(chan error, 1)
		go func() { done <- store.Migrate(t.Context()) }()
		release()
		require.NoError(t, <-done)
		require.NoError(t, store.Check(t.Context()))
	})
}

// holdLock takes the lock that Migrate wants.
func holdLock(t *testing.T, db *gorm.DB, store *gormstore.Store) (release func()) {
	t.Helper()
	if db.Name() == "sqlite" {
		db = sameSQLiteFile(t, db)
	}
	pool, err := db.DB()
	require.NoError(t, err)
	conn, err := pool.Conn(t.Context())
	require.NoError(t, err)
	take, give := "BEGIN IMMEDIATE", "ROLLBACK"
	switch db.Name() {
	case "mysql":
		var name string
		require.NoError(t, db.Raw("SELECT DATABASE()").Scan(&name).Error)
		lock := store.MySQLLock(name)
		take, give = "DO GET_LOCK('"+lock+"', 0)", "DO RELEASE_LOCK('"+lock+"')"
	case "postgres":
		lock := store.PostgresLock()
		take, give = fmt.Sprintf("SELECT pg_advisory_lock(%d)", lock), fmt.Sprintf("SELECT pg_advisory_unlock(%d)", lock)
	}
	_, err = conn.ExecContext(t.Context(), take)
	require.NoError(t, err)
	return func() {
		_, err := conn.ExecContext(t.Context(), give)
		require.NoError(t, err)
		require.NoError(t, conn.Close())
	}
}

// A migration that fails leaves neither a lock nor a transaction behind, on a
// pool whose only connection it had.
func TestMigrateFails(t *testing.T) {
	t.Parallel()
	onEachDB(t, func(t *testing.T, db *gorm.DB) {
		pool, err := db.DB()
		require.NoError(t, err)
		pool.SetMaxOpenConns(1)
		store := emptyStore(t, db)
		rawExec(t, db, "CREATE TABLE auth_meta (foreign_column INT)")
		for range 2 {
			err = store.Migrate(t.Context())
			require.ErrorIs(t, err, errors.ErrGeneral)
			require.NotErrorIs(t, err, errors.ErrUnavailable)
			require.ErrorIs(t, store.Check(t.Context()), errors.ErrSchema)
		}
		rawExec(t, db, "DROP TABLE auth_meta")
		require.NoError(t, store.Migrate(t.Context()))
		require.NoError(t, store.Check(t.Context()))
	})
}

// A table that was there before under the name is left as it is, and named.
func TestMigrateLeavesForeignTables(t *testing.T) {
	t.Parallel()
	onEachDB(t, func(t *testing.T, db *gorm.DB) {
		rawExec(t, db, "CREATE TABLE auth_signing_keys (id VARCHAR(32) PRIMARY KEY, theirs INT)")
		rawExec(t, db, "INSERT INTO auth_signing_keys VALUES ('kept', 5)")
		store := emptyStore(t, db)
		err := errors.Join(store.Migrate(t.Context()), store.Check(t.Context()))
		require.ErrorIs(t, err, errors.ErrSchema)
		var theirs int
		require.NoError(t, db.Raw("SELECT theirs FROM auth_signing_keys").Scan(&theirs).Error)
		require.Equal(t, 5, theirs)
	})
}
