package gormstore_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// A session may come back to life between the statement that finds it and the
// one that deletes it.
func TestDeleteEndedAsksAgain(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *gorm.DB, store *gormstore.Store) {
		revived, ended, endedAbsolutely := newRow("revived"), newRow("ended"), newRow("absolutely")
		revived.ExpiresAt, ended.ExpiresAt = now-1, now-1
		endedAbsolutely.AbsoluteExpiresAt, endedAbsolutely.ExpiresAt = now-1, now+hour
		for _, row := range []models.Session{revived, ended, endedAbsolutely} {
			require.NoError(t, store.Insert(t.Context(), &row))
		}
		pool, err := db.DB()
		require.NoError(t, err)
		deletes := 0
		require.NoError(t, db.Callback().Raw().Before("gorm:raw").Register("revive", func(db *gorm.DB) {
			if strings.HasPrefix(db.Statement.SQL.String(), "DELETE") {
				deletes++
				_, err := pool.ExecContext(t.Context(), fmt.Sprintf(
					"UPDATE auth_sessions SET expires_at = %d WHERE user_id = 'user of revived'", now+hour))
				require.NoError(t, err)
			}
		}))
		n, err := store.DeleteEnded(t.Context(), models.EndedSessions{Before: now, Limit: 100})
		require.NoError(t, err)
		require.Equal(t, 2, n)
		require.Equal(t, 1, deletes)
		found, err := store.Find(t.Context(), revived.Handle)
		require.NoError(t, err)
		require.NotNil(t, found)
	})
}

// DB-09: however much a caller asks for, one statement locks a thousand rows.
func TestDeleteEndedInBatches(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *gorm.DB, store *gormstore.Store) {
		rows := make([]models.Session, 1201)
		for i := range rows {
			rows[i] = newRow(fmt.Sprintf("h%05d", i))
			if i > 0 {
				rows[i].ExpiresAt, rows[i].AbsoluteExpiresAt = now-1-int64(i), now-int64(i)
			}
		}
		require.NoError(t, db.Table("auth_sessions").CreateInBatches(rows, 200).Error)
		for _, want := range []int{1000, 200, 0} {
			n, err := store.DeleteEnded(t.Context(), models.EndedSessions{Before: now, Limit: 5000})
			require.NoError(t, err)
			require.Equal(t, want, n)
		}
		found, err := store.Find(t.Context(), "h00000")
		require.NoError(t, err)
		require.NotNil(t, found)
	})
}
