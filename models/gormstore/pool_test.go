package gormstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// DB-01: fifty callers of all methods share one connection. A method that took a
// second one would wait for itself.
func TestOneConnectionForFiftyCallers(t *testing.T) {
	t.Parallel()
	onEachDB(t, func(t *testing.T, db *gorm.DB) {
		pool, err := db.DB()
		require.NoError(t, err)
		pool.SetMaxOpenConns(1)
		store := newStore(t, db)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		errs := make([]error, 50)
		var group sync.WaitGroup
		for i := range errs {
			group.Go(func() {
				row := newRow(fmt.Sprintf("caller %d", i))
				twin := row
				twin.UserID = "other"
				key := models.SigningKey{ID: fmt.Sprint(i), Purpose: "p", Slot: int64(i % 3), Secret: []byte("s"), RetireAt: now}
				errs[i] = errors.Join(
					store.Insert(ctx, &row),
					unless(errors.ErrDuplicate, store.Insert(ctx, &twin)),
					last(store.Find(ctx, row.Handle)),
					last(store.Advance(ctx, step(row, "next"))),
					last(store.List(ctx, models.SessionsOfUser{UserID: row.UserID, Now: now})),
					store.InsertKey(ctx, key),
					last(store.Keys(ctx, 0)),
					last(store.RevokeAll(ctx, models.RevocationOfUser{UserID: row.UserID, Reason: models.RevokedByRevokeAll, Now: now})),
					last(store.DeleteEnded(ctx, models.EndedSessions{Before: now, Limit: 10})),
					store.Check(ctx),
					store.Migrate(ctx),
				)
			})
		}
		group.Wait()
		require.NoError(t, errors.Join(errs...))
		allGivenBack(t, pool)
	})
}

// allGivenBack waits for what prepares statements off the callers' way.
func allGivenBack(t *testing.T, pool *sql.DB) {
	t.Helper()
	require.Eventually(t, func() bool { return pool.Stats().InUse == 0 }, 10*time.Second, time.Millisecond)
}

// unless returns nil for the error that was expected.
func unless(expected, err error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return fmt.Errorf("expected %w, got %w", expected, err)
}

// insertOutOfTime holds the one connection of the pool until the context of an Insert
// has ended, and returns the handle that was to be stored.
func insertOutOfTime(t *testing.T, pool *sql.DB, store *gormstore.Store) (handle string) {
	t.Helper()
	conn, err := pool.Conn(t.Context())
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	row := newRow("late")
	require.ErrorIs(t, store.Insert(ctx, &row), context.DeadlineExceeded)
	require.NoError(t, conn.Close())
	return row.Handle
}

// DB-17: who waits for a connection waits as long as its context lives, and no
// method keeps one when it ends badly.
func TestWaitingForThePool(t *testing.T) {
	t.Parallel()
	onEachDB(t, func(t *testing.T, db *gorm.DB) {
		pool, err := db.DB()
		require.NoError(t, err)
		pool.SetMaxOpenConns(1)
		store := newStore(t, db)
		handle := insertOutOfTime(t, pool, store)

		found, err := store.Find(t.Context(), handle)
		require.NoError(t, err)
		require.Nil(t, found)
		allGivenBack(t, pool)
	})
}
