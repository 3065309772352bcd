//go:build distributed

package gormstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// These tests are about engines that spread tables over servers; scripts/distributed.sh
// starts such, and runs them on each. Sessions lie by home where SESSIONKIT_TEST_SHARDED is 1, else by
// user_id or as the engine likes.

const envSharded = "SESSIONKIT_TEST_SHARDED"

func openDistributed(t *testing.T, params ...string) (*gorm.DB, *gormstore.Store) {
	t.Helper()
	db := testdb.MySQL(t, params...)
	store, err := gormstore.New(db, gormstore.Config{Sharded: os.Getenv(envSharded) == "1"})
	require.NoError(t, err)
	require.NoError(t, store.Migrate(t.Context()))
	require.NoError(t, store.Check(t.Context()))
	// The suite empties tables by DELETE with LIMIT, which Vitess takes of a new table
	// once it knows its columns.
	require.Eventually(t, func() bool { return db.Exec("DELETE FROM auth_sessions LIMIT 1").Error == nil },
		30*time.Second, 50*time.Millisecond)
	return db, store
}

// reported has t, when it ends, print a row of the table that scripts/distributed.sh
// makes, which adds what became of t. figures may be filled in meanwhile.
func reported(t *testing.T, db *gorm.DB, store *gormstore.Store, what string) (figures *string) {
	t.Helper()
	engine, layout := engineOf(t), "by user"
	switch {
	case store.Sharded():
		layout = "by home"
	case engine != "Vitess":
		layout = "not sharded"
	}
	if engine == "TiDB" {
		var mode string
		require.NoError(t, db.Raw("SELECT @@tidb_txn_mode").Scan(&mode).Error)
		require.Contains(t, []string{"pessimistic", "optimistic"}, mode)
		engine += ", " + mode
	}
	figures = new(string)
	t.Cleanup(func() { fmt.Printf("ROW|%s|%s|%s|%s|%s\n", engine, layout, what, t.Name(), *figures) })
	return figures
}

// engineOf goes by what the engine says of itself.
func engineOf(t *testing.T) string {
	t.Helper()
	pool, err := sql.Open("mysql", os.Getenv(testdb.EnvMySQL))
	require.NoError(t, err)
	defer func() { require.NoError(t, pool.Close()) }()
	var version string
	require.NoError(t, pool.QueryRowContext(t.Context(), "SELECT VERSION()").Scan(&version))
	for _, engine := range []string{"Vitess", "TiDB"} {
		if strings.Contains(version, engine) {
			return engine
		}
	}
	return "MySQL"
}

// settings are those of the connections under which the contract is tried.
func settings(t *testing.T) [][]string {
	t.Helper()
	all := [][]string{nil, {"clientFoundRows=true", "interpolateParams=true"}}
	if engineOf(t) == "TiDB" {
		optimistic := "tidb_txn_mode=%27optimistic%27"
		all = append(all, []string{optimistic}, []string{optimistic, "tidb_retry_limit=0"})
	}
	return all
}

func TestDistributedContract(t *testing.T) {
	for _, params := range settings(t) {
		t.Run(strings.Join(params, " "), func(t *testing.T) {
			db, store := openDistributed(t, params...)
			what := "conformance"
			if len(params) > 0 {
				what += ", `" + strings.ReplaceAll(strings.Join(params, "&"), "%27", "'") + "`"
			}
			reported(t, db, store, what)
			conformWith(t, db, store, 30)
		})
	}
}

// scattering are the methods of which a statement may go to all shards. By home none
// may. By user the cleanup and RevokeWhere look everywhere, for sessions of anybody.
var scattering = map[bool][]string{true: nil, false: {"Walk", "DeleteEnded"}}

// On Vitess these statements on sessions go to all shards, and no others.
func TestDistributedStatementsDoNotScatter(t *testing.T) {
	if engineOf(t) != "Vitess" {
		t.Skip("is about Vitess")
	}
	db, store := openDistributed(t, "interpolateParams=true") // VEXPLAIN is not prepared
	figures := reported(t, db, store, "no statement on sessions goes to all shards")
	pool, err := db.DB()
	require.NoError(t, err)
	all := capture(t, db)
	row := placedRow(store, "planned")
	seen, scattered := 0, []string{}
	for _, m := range methodsOf(t, store, &row, placedRow(store, "planned too")) {
		*all = nil
		require.NoError(t, m.call(), m.name)
		for _, s := range *all {
			if !strings.Contains(s.sql, "auth_sessions") || strings.HasPrefix(s.sql, "SELECT * FROM") {
				continue
			}
			seen++
			var plan string
			require.NoError(t, pool.QueryRowContext(t.Context(), "VEXPLAIN PLAN "+s.sql, s.args...).Scan(&plan), s.sql)
			t.Log(m.name, variants(plan), s.sql)
			name, _, _ := strings.Cut(m.name, " ")
			if strings.Contains(plan, "Scatter") && !slices.Contains(scattered, name) {
				scattered = append(scattered, name)
			}
		}
	}
	require.Greater(t, seen, 20)
	require.ElementsMatch(t, scattering[store.Sharded()], scattered)
	*figures = fmt.Sprintf("%d statements", seen)
	if len(scattered) > 0 {
		*figures += "; only those of " + strings.Join(scattered, " and ") + " do"
	}
}

// The five hot statements stay prepared, under eight callers: the engine takes them, and
// forgets none.
func TestDistributedPrepared(t *testing.T) {
	db, store := openDistributed(t)
	figures := reported(t, db, store, "the hot statements stay prepared")
	warm(t, store)
	eightSendHot(t, store, 50)
	require.Equal(t, 5, store.Prepared())
	*figures = "5 of 5 after 2,000 uses"
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
	db, store := openDistributed(t)
	figures := reported(t, db, store, "`RevokeAll` of one user, 2 and 4 at once, 20 times each, 20 sessions")
	made, slowest := 0, time.Duration(0)
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
			errs, took := make([]error, callers), make([]time.Duration, callers)
			for i := range callers {
				group.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
					defer cancel()
					begin := time.Now()
					_, errs[i] = store.RevokeAll(ctx, models.RevocationOfUser{UserID: user, Now: now})
					took[i] = time.Since(begin)
				})
			}
			group.Wait()
			for _, err := range errs {
				require.NoError(t, err)
			}
			slowest = max(slowest, slices.Max(took))
			page, err := store.List(t.Context(), models.SessionsOfUser{UserID: user, Now: now})
			require.NoError(t, err)
			require.Empty(t, page.Sessions)
		}
	}
	*figures = fmt.Sprintf("120 of 120 calls, the slowest %d ms", slowest.Milliseconds())
}

// Doctor finds nothing wrong with the tables as the pages say that they are to be made.
func TestDistributed_Diagnose(t *testing.T) {
	db, store := openDistributed(t)
	reported(t, db, store, "Doctor finds nothing wrong")
	require.NoError(t, store.TurnFeedOn(t.Context()))
	require.NoError(t, store.Check(t.Context()))
	d := store.Diagnose(t.Context())
	require.Empty(t, d.Findings)
	require.InDelta(t, time.Now().UnixMilli(), d.Clock, 30_000)
}
