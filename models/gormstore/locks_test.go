package gormstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/models"
)

// begin starts a transaction of somebody else's on the tables.
func begin(t *testing.T, db *gorm.DB) *sql.Tx {
	t.Helper()
	pool, err := db.DB()
	require.NoError(t, err)
	tx, err := pool.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback() })
	return tx
}

func execTx(t *testing.T, tx *sql.Tx, query string) {
	t.Helper()
	_, err := tx.ExecContext(t.Context(), query)
	require.NoError(t, err)
}

// counted counts the statements that fail on db.
func counted(db *gorm.DB) *errorLogger {
	seen := &errorLogger{Interface: db.Logger}
	db.Logger = seen
	return seen
}

// The lock of a row is held until the server has given up at least once.
func TestLockWaitIsRepeated(t *testing.T) {
	t.Parallel()
	db := testdb.MySQL(t, "innodb_lock_wait_timeout=1")
	failures := counted(db)
	store := newStore(t, db)
	row := newRow("locked")
	require.NoError(t, store.Insert(t.Context(), &row))

	tx := begin(t, db)
	execTx(t, tx, "SELECT * FROM auth_sessions FOR UPDATE")
	done := make(chan error, 1)
	go func() {
		won, err := store.Advance(t.Context(), step(row, "next"))
		if err == nil && !won {
			err = errors.New("did not match")
		}
		done <- err
	}()
	require.Eventually(t, func() bool { return failures.count() > 0 }, 30*time.Second, 10*time.Millisecond)
	require.NoError(t, tx.Rollback())
	require.NoError(t, <-done)
	require.ErrorContains(t, failures.first(), "1205")
}

// RevokeAll locks two rows one after the other; somebody else locks them the
// other way round, and has done more, so that the store is the victim.
func TestDeadlockIsRepeated(t *testing.T) {
	t.Parallel()
	db := testdb.MySQL(t)
	failures := counted(db)
	store := newStore(t, db)
	for i := range 2 {
		row := newRow(fmt.Sprintf("%02d", i))
		row.CreatedAt += int64(i)
		row.UserID = "victim"
		require.NoError(t, store.Insert(t.Context(), &row))
	}
	rawExec(t, db, "CREATE TABLE weight (n INT)")
	tx := begin(t, db)
	execTx(t, tx, "INSERT INTO weight VALUES (0)"+strings.Repeat(", (0)", 99))
	execTx(t, tx, "UPDATE auth_sessions SET refresh_gen = refresh_gen + 1 WHERE handle = '01'")

	type answer struct {
		n   int
		err error
	}
	done := make(chan answer, 1)
	go func() {
		did, err := store.RevokeAll(t.Context(), models.RevocationOfUser{UserID: "victim", Reason: models.RevokedByRevokeAll, Now: now})
		done <- answer{did.Count, err}
	}()
	// The store has 00 as soon as nobody else gets it.
	require.Eventually(t, func() bool { return !lockable(t.Context(), db) }, 30*time.Second, 10*time.Millisecond)
	execTx(t, tx, "UPDATE auth_sessions SET refresh_gen = refresh_gen + 1 WHERE handle = '00'")
	require.NoError(t, tx.Commit())

	got := <-done
	require.NoError(t, got.err)
	require.Equal(t, 2, got.n)
	require.ErrorContains(t, failures.first(), "1213", "the store was the victim once")
}

// lockable reports whether the row 00 can be locked at once.
func lockable(ctx context.Context, db *gorm.DB) bool {
	pool, err := db.DB()
	if err != nil {
		return true
	}
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return true
	}
	defer tx.Rollback() //nolint:errcheck // nothing was changed
	_, err = tx.ExecContext(ctx, "SELECT handle FROM auth_sessions WHERE handle = '00' FOR UPDATE NOWAIT")
	return err == nil
}

// A statement that waits for a lock ends with its context, and what became of it
// is not known: the class says that it may pass.
func TestWaitingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	onEachDB(t, func(t *testing.T, db *gorm.DB) {
		other := db
		if db.Name() == "sqlite" {
			other = sameSQLiteFile(t, db)
		}
		store := newStore(t, db)
		row := newRow("locked")
		require.NoError(t, store.Insert(t.Context(), &row))
		tx := begin(t, other)
		execTx(t, tx, "UPDATE auth_sessions SET refresh_gen = 8")

		for name, newContext := range map[string]func() (context.Context, context.CancelFunc){
			"deadline": func() (context.Context, context.CancelFunc) {
				return context.WithTimeout(t.Context(), 100*time.Millisecond)
			},
			"cancelled": func() (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(100*time.Millisecond, cancel)
				return ctx, cancel
			},
		} {
			ctx, cancel := newContext()
			_, err := store.Advance(ctx, step(row, name))
			require.ErrorIs(t, err, errors.ErrUnavailable, name)
			require.ErrorIs(t, err, ctx.Err(), name)
			cancel()
		}
		require.NoError(t, tx.Rollback())
		_, err := store.Find(t.Context(), row.Handle)
		require.NoError(t, err)
	})
}

// sameSQLiteFile opens the file of db once more.
func sameSQLiteFile(t *testing.T, db *gorm.DB) *gorm.DB {
	t.Helper()
	var path string
	require.NoError(t, db.Raw("SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&path).Error)
	return openSQLiteFile(t, path)
}
