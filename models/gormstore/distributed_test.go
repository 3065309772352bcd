//go:build distributed

package gormstore_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// These tests run on an engine that spreads tables over servers, and whose databases
// are not made by a test: SESSIONKIT_TEST_DISTRIBUTED_DSN names one that is theirs.
// Its sessions lie by home where SESSIONKIT_TEST_SHARDED is 1, else by user_id or as the
// engine likes.

func openDistributed(t *testing.T, params ...string) (*gorm.DB, *gormstore.Store) {
	t.Helper()
	dsn := os.Getenv("SESSIONKIT_TEST_DISTRIBUTED_DSN")
	require.NotEmpty(t, dsn, "SESSIONKIT_TEST_DISTRIBUTED_DSN is not set")
	mark := "?"
	if strings.Contains(dsn, "?") {
		mark = "&"
	}
	for _, param := range params {
		dsn, mark = dsn+mark+param, "&"
	}
	_, err := driver.ParseDSN(dsn)
	require.NoError(t, err)
	db, err := gorm.Open(mysql.Open(dsn), &gorm.Config{Logger: logger.Discard})
	require.NoError(t, err)
	t.Cleanup(func() {
		pool, err := db.DB()
		require.NoError(t, err)
		require.NoError(t, pool.Close())
	})
	store, err := gormstore.New(db, gormstore.Config{Sharded: os.Getenv("SESSIONKIT_TEST_SHARDED") == "1"})
	require.NoError(t, err)
	require.NoError(t, store.Migrate(t.Context()))
	require.NoError(t, store.Check(t.Context()))
	return db, store
}

// placedRow is newRow or homed, as the store has it.
func placedRow(store *gormstore.Store, name string) models.Session {
	if store.Sharded() {
		return homed(name)
	}
	return newRow(name)
}

func TestDistributedContract(t *testing.T) {
	for _, params := range [][]string{nil, {"clientFoundRows=true", "interpolateParams=true"}} {
		t.Run(strings.Join(params, " "), func(t *testing.T) {
			db, store := openDistributed(t, params...)
			conformWith(t, db, store, 30)
		})
	}
}

// On Vitess no statement on sessions goes to all shards.
func TestDistributedStatementsDoNotScatter(t *testing.T) {
	db, store := openDistributed(t, "interpolateParams=true") // VEXPLAIN is not prepared
	var version string
	require.NoError(t, db.Raw("SELECT VERSION()").Scan(&version).Error)
	if !strings.Contains(version, "Vitess") || !store.Sharded() {
		t.Skip("is about Vitess and sessions by home")
	}
	rawExec(t, db, "DELETE FROM auth_sessions")
	all := capture(t, db)
	row := placedRow(store, "planned")
	for _, m := range methodsOf(t, store, &row, placedRow(store, "planned too")) {
		require.NoError(t, m.call(), m.name)
	}
	pool, err := db.DB()
	require.NoError(t, err)
	seen := 0
	for _, s := range *all {
		if !strings.Contains(s.sql, "auth_sessions") || strings.HasPrefix(s.sql, "SELECT * FROM") {
			continue
		}
		seen++
		var plan string
		require.NoError(t, pool.QueryRowContext(t.Context(), "VEXPLAIN PLAN "+s.sql, s.args...).Scan(&plan), s.sql)
		require.NotContains(t, plan, "Scatter", s.sql)
		t.Log(strings.Join(variants(plan), " "), s.sql)
	}
	require.Greater(t, seen, 20)
}

// variants are the ways in which a plan goes to shards.
func variants(plan string) (found []string) {
	for line := range strings.Lines(plan) {
		if _, what, ok := strings.Cut(strings.TrimSpace(line), `"Variant": `); ok {
			found = append(found, strings.Trim(what, `",`))
		}
	}
	return found
}

// Revocations of one user that meet all succeed, each within the time that the service
// gives an operation, and nothing lives afterwards.
func TestDistributedRevokeAllStorm(t *testing.T) {
	_, store := openDistributed(t)
	made := 0
	for _, callers := range []int{2, 4} {
		for range 20 {
			user := fmt.Sprint("stormed ", callers, time.Now().UnixNano())
			for range 20 {
				made++
				row := newRow(fmt.Sprintf("storm %d %d", time.Now().UnixNano(), made))
				if row.UserID = user; store.Sharded() {
					row.Handle = handleAt(models.HomeOf(user), fmt.Sprintf("%d", time.Now().UnixNano()%1e9*1000+int64(made)))
				}
				require.NoError(t, store.Insert(t.Context(), &row))
			}
			var group sync.WaitGroup
			errs := make([]error, callers)
			for i := range callers {
				group.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
					defer cancel()
					_, errs[i] = store.RevokeAll(ctx, models.RevocationOfUser{UserID: user, Now: now})
				})
			}
			group.Wait()
			for _, err := range errs {
				require.NoError(t, err)
			}
			page, err := store.List(t.Context(), models.SessionsOfUser{UserID: user, Now: now})
			require.NoError(t, err)
			require.Empty(t, page.Sessions)
		}
	}
}
