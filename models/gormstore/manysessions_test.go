package gormstore_test

import (
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// envMany sets how many sessions the user of TestManySessionsOfOneUser has. The
// figures of docs/operations.md are of 400000.
const envMany = "SESSIONKIT_TEST_MANY_SESSIONS"

// A monitor that signs in every 20 seconds has 400,000 sessions after 90 days.
// One call ends them, while others sign in and refresh; every third has ended
// long before and was never cleaned up.
func TestManySessionsOfOneUser(t *testing.T) {
	t.Parallel()
	size := 6000
	if text := os.Getenv(envMany); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(t, err)
		size = n
	}
	onEach(t, func(t *testing.T, db *gorm.DB, store *gormstore.Store) {
		svc, err := session.New(t.Context(), store, session.Config{
			Now: func() time.Time { return time.UnixMilli(now) }, Logger: slog.New(slog.DiscardHandler),
			OperationTimeout: time.Minute, // a batch on SQLite, under -race on a busy machine, took over 3 s
		})
		require.NoError(t, err)
		t.Cleanup(svc.Close)
		live := fillUser(t, db, size)

		begin := time.Now()
		list, err := svc.List(t.Context(), "monitor")
		require.NoError(t, err)
		require.Len(t, list, live)
		t.Logf("%d sessions, %d of them live: listed in %v", size, live, time.Since(begin))
		begin = time.Now()
		page, err := svc.ListPage(t.Context(), "monitor", "", 20)
		require.NoError(t, err)
		require.Len(t, page.Sessions, 20)
		t.Logf("the first twenty in %v", time.Since(begin))

		stop := make(chan struct{})
		var group sync.WaitGroup
		group.Go(func() { signInUntil(t, store, stop) })
		begin = time.Now()
		n, err := svc.RevokeAll(t.Context(), "monitor")
		t.Logf("revoked %d in %v", n, time.Since(begin))
		close(stop)
		group.Wait()
		require.NoError(t, err)
		require.GreaterOrEqual(t, n, live)

		var left int64
		require.NoError(t, db.Raw("SELECT COUNT(*) FROM auth_sessions WHERE user_id = ? AND revoked_at = 0 AND "+
			"expires_at > ? AND created_at < ?", []byte("monitor"), now, now).Scan(&left).Error)
		if db.Name() != "sqlite" { // whose ids are text
			require.Zero(t, left)
		}
	})
}

// fillUser makes the sessions of one user and returns how many of them live.
func fillUser(t *testing.T, db *gorm.DB, size int) (live int) {
	t.Helper()
	const batch = 500
	for start := 0; start < size; start += batch {
		rows := make([]models.Session, min(batch, size-start))
		for i := range rows {
			rows[i] = newRow(fmt.Sprintf("m%07d", start+i))
			rows[i].UserID, rows[i].CreatedAt, rows[i].Flags = "monitor", now-int64(size-start-i), 0
			if (start+i)/1000%3 == 1 {
				rows[i].ExpiresAt = now - 1
			} else {
				live++
			}
		}
		require.NoError(t, db.Table("auth_sessions").Create(rows).Error)
	}
	return live
}

// signInUntil goes on signing in as the same user, and using what it got.
func signInUntil(t *testing.T, store *gormstore.Store, stop chan struct{}) {
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		default:
		}
		row := newRow(fmt.Sprintf("z%07d", i))
		row.UserID, row.CreatedAt = "monitor", now+int64(i)
		if err := errors.Join(store.Insert(t.Context(), &row), last(store.Advance(t.Context(), step(row, "next")))); err != nil {
			t.Errorf("sign-in %d: %v", i, err)
			return
		}
	}
}
