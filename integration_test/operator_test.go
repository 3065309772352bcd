package integration_test

import (
	"context"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testseed"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Twenty thousand sessions, half of which an operator ends, in calls that are broken off
// at random moments and gone on with, while users sign in, use their sessions and
// refresh: what was selected has ended, everything else is as it was, and nobody who
// works is out.
func TestRevokeWhere_BesideOthers(t *testing.T) {
	t.Parallel()
	mariadb := engine{"mysql", sqlEngines[0].db}
	onEach(t, []engine{memory, mariadb}, func(t *testing.T, e engine) {
		store, db := e.open(t)
		svc := limited(t, store, 0, session.LimitConfig{})
		cut := time.Now().Add(-time.Hour)
		size := 20_000
		if db == nil {
			size = 4000 // the store in memory sorts all of them for each page
		}
		fillTable(t, store, db, size, cut)

		stop := make(chan struct{})
		var others sync.WaitGroup
		var rounds atomic.Int64
		failures := make(chan error, 4)
		for i := range 4 {
			others.Go(func() {
				for user := 0; ; user++ {
					select {
					case <-stop:
						return
					default:
					}
					if err := liveOn(svc, fmt.Sprintf("worker-%d-%d", i, user)); err != nil {
						failures <- err
						return
					}
					rounds.Add(1)
					time.Sleep(5 * time.Millisecond) // the machine has others to serve
				}
			})
		}
		count := endInPieces(t, svc, session.Filter{CreatedBefore: cut}, testseed.Random(t))
		close(stop)
		others.Wait()
		close(failures)
		require.NoError(t, <-failures)
		require.Positive(t, rounds.Load())
		require.LessOrEqual(t, count, size/2)

		left, err := svc.RevokeWhere(t.Context(), session.Filter{CreatedBefore: cut}, session.DryRun())
		require.NoError(t, err)
		require.Zero(t, left.Count, "everything that was selected has ended")
		left, err = svc.RevokeWhere(t.Context(), session.Filter{All: true}, session.DryRun())
		require.NoError(t, err)
		require.Equal(t, size/2+int(rounds.Load()), left.Count, "and nothing else")
		t.Logf("%d counted, %d users worked on", count, rounds.Load())
	})
}

// endInPieces calls RevokeWhere until it is through, and cuts most calls short.
func endInPieces(t *testing.T, svc *session.Service, filter session.Filter, random *rand.Rand) (count int) {
	t.Helper()
	after := ""
	for try := 0; ; try++ {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.IntN(400))*time.Millisecond)
		if try > 50 {
			ctx = context.WithoutCancel(ctx)
		}
		done, err := svc.RevokeWhere(ctx, filter, session.ResumeAfter(after))
		cancel()
		count += done.Count
		if err == nil {
			require.Greater(t, try, 0, "the first call was cut short")
			return count
		}
		require.ErrorIs(t, err, errors.ErrUnavailable)
		if after = done.After; random.IntN(3) == 0 {
			after = "" // it was lost: from the begin
		}
	}
}

// liveOn is a user's day: sign in, refresh and use what came of it, twice.
func liveOn(svc *session.Service, user string) error {
	ctx := context.Background()
	tokens, err := svc.Create(ctx, user)
	if err != nil {
		return err
	}
	for range 2 {
		if tokens, err = svc.Refresh(ctx, tokens.Refresh.Value); err != nil {
			return err
		}
		if _, _, err = svc.Verify(ctx, tokens.Access.Value, tokens.AntiCSRF); err != nil {
			return err
		}
	}
	return nil
}

// filled is a row with the column that only a sharded store has.
type filled struct {
	models.Session `gorm:"embedded"`

	Home []byte `gorm:"column:home"`
}

// fillTable stores sessions of many users: every other one was created before cut. Their
// handles are in no order of time.
func fillTable(t *testing.T, store session.Store, db *gorm.DB, size int, cut time.Time) {
	t.Helper()
	const batch = 500
	for start := 0; start < size; start += batch {
		rows := make([]filled, batch)
		for i := range rows {
			n := start + i
			created := cut.Add(time.Duration(n%1000+1) * time.Second)
			if n%2 == 0 {
				created = cut.Add(-time.Duration(n%1000+1) * time.Second)
			}
			rows[i].Session = models.Session{
				Handle: fmt.Sprintf("%026d", (n*7919)%size), UserID: fmt.Sprint("user-", n%3000),
				Lineage:   models.Lineage{Current: models.Hash{1, byte(n), byte(n >> 8)}},
				CreatedAt: created.UnixMilli(), LastUsedAt: created.UnixMilli(),
				ExpiresAt: time.Now().Add(24 * time.Hour).UnixMilli(),
			}
			if store.Sharded() {
				rows[i].place()
			}
		}
		storeFilled(t, store, db, rows)
	}
}

// place puts the home of the user before the handle, as a sharded store has it.
func (f *filled) place() {
	f.Home = binary.BigEndian.AppendUint16(nil, uint16(models.HomeOf(f.UserID)))
	b := append(slices.Clone(f.Home), f.Handle[8:]...)
	f.Handle = strings.ToLower(base32.HexEncoding.EncodeToString(b))
}

// storeFilled goes past a store that has a database, which takes many rows at once.
func storeFilled(t *testing.T, store session.Store, db *gorm.DB, rows []filled) {
	t.Helper()
	switch {
	case db == nil:
		for i := range rows {
			require.NoError(t, store.Insert(t.Context(), &rows[i].Session))
		}
	case store.Sharded():
		require.NoError(t, db.Table("auth_sessions").Create(&rows).Error)
	default:
		require.NoError(t, db.Table("auth_sessions").Omit("Home").Create(&rows).Error)
	}
}
