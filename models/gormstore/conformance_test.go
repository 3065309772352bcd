package gormstore_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
	"github.com/gin-sessionkit/sessionkit/models/gormstore/sqlite"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

var (
	_ session.FeedStore = (*gormstore.Store)(nil)
	_ session.TxStore   = (*gormstore.Tx)(nil)
)

// conform runs the contract's suite on db, which is made once and emptied for
// each check.
func conform(t *testing.T, db *gorm.DB, rounds int) {
	t.Helper()
	conformWith(t, db, newStore(t, db), rounds)
}

func conformWith(t *testing.T, db *gorm.DB, store *gormstore.Store, rounds int) {
	t.Helper()
	db = db.Session(&gorm.Session{NewDB: true})
	storetest.Run(t, func(t *testing.T) session.Store {
		t.Helper()
		sessions, keys, feed := "", "", ""
		if db.Name() == "mysql" { // what sql_safe_updates asks for
			sessions, keys = " WHERE handle >= x'00' LIMIT 1000000", " WHERE id >= x'00' LIMIT 1000000"
			feed = " WHERE at >= 0 LIMIT 1000000"
		}
		rawExec(t, db, "DELETE FROM auth_sessions"+sessions)
		rawExec(t, db, "DELETE FROM auth_signing_keys"+keys)
		rawExec(t, db, "DELETE FROM auth_feed"+feed)
		for _, row := range slices.Concat(gormstore.CleanupRows(store), []string{"feed", "feed_cleanup"}) {
			rawExec(t, db, "UPDATE auth_meta SET value = 0 WHERE name = '"+row+"'")
		}
		return store
	}, storetest.Rounds(rounds), storetest.WithTransactions(storetest.Transactions{
		Begin: func(ctx context.Context, _ session.Store) (session.TxStore, func(bool) error, error) {
			tx := db.WithContext(ctx).Begin()
			end := func(commit bool) error {
				if commit {
					return tx.Commit().Error
				}
				return tx.Rollback().Error
			}
			return store.In(tx), end, tx.Error
		},
		Outside: func(session.Store) session.TxStore { return store.In(db) },
	}))
}

func TestContract(t *testing.T) {
	t.Parallel()
	onEachDB(t, func(t *testing.T, db *gorm.DB) {
		conform(t, db, 30)
	})
}

// SM-02, DB-06, DB-13, DB-14: every isolation level with either count of rows
// and either protocol, and upon each of these one more thing that an
// application may have set.
func TestContractOnMySQLSettings(t *testing.T) {
	t.Parallel()
	level, further := "transaction_isolation", []string{
		"sql_mode=''",
		"parseTime=false&loc=Asia%2FKathmandu",
		"time_zone=" + url.QueryEscape("'-09:30'") + "&loc=Pacific%2FApia",
		"charset=latin1",
		"charset=utf8mb4&sql_mode=" + url.QueryEscape("'ANSI,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES'"),
	}
	if isMariaDB(t, testdb.MySQL(t)) {
		level = "tx_isolation"
		further = append(further, "innodb_snapshot_isolation=ON", "innodb_snapshot_isolation=OFF")
	}
	for i, isolation := range []string{"READ-COMMITTED", "REPEATABLE-READ", "SERIALIZABLE"} {
		for j := range 4 {
			params := []string{
				fmt.Sprintf("clientFoundRows=%t", j&1 != 0),
				fmt.Sprintf("interpolateParams=%t", j&2 != 0),
				level + "=" + url.QueryEscape("'"+isolation+"'"),
				further[(4*i+j)%len(further)],
			}
			t.Run(fmt.Sprint(params), func(t *testing.T) {
				t.Parallel()
				conform(t, testdb.MySQL(t, params...), 2)
			})
		}
	}
}

// DB-08: the tables do not inherit the database's character set.
func TestContractInLatin1Database(t *testing.T) {
	t.Parallel()
	db := testdb.MySQL(t)
	var name string
	require.NoError(t, db.Raw("SELECT DATABASE()").Scan(&name).Error)
	rawExec(t, db, "ALTER DATABASE `"+name+"` CHARACTER SET latin1 COLLATE latin1_swedish_ci")
	conform(t, db, 2)
}

func TestContractOnPostgresSettings(t *testing.T) {
	t.Parallel()
	for _, isolation := range []string{"repeatable read", "serializable"} {
		t.Run(isolation, func(t *testing.T) {
			t.Parallel()
			conform(t, reopenedPostgres(t, "default_transaction_isolation = '"+isolation+"'", func(*pgx.ConnConfig) {}), 3)
		})
	}
	// Those that work behind pgbouncer.
	for name, mode := range map[string]pgx.QueryExecMode{
		"exec": pgx.QueryExecModeExec, "simple protocol": pgx.QueryExecModeSimpleProtocol,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conform(t, reopenedPostgres(t, "", func(c *pgx.ConnConfig) { c.DefaultQueryExecMode = mode }), 2)
		})
	}
}

// DB-01, DB-21: with all that applications set in GORM, and a pool of one.
func TestContractUnderGormSettings(t *testing.T) {
	t.Parallel()
	onEachDB(t, func(t *testing.T, db *gorm.DB) {
		pool, err := db.DB()
		require.NoError(t, err)
		pool.SetMaxOpenConns(1)
		db.TranslateError = true
		db.NamingStrategy = schema.NamingStrategy{TablePrefix: "x_", NoLowerCase: true}
		conform(t, db.Table("elsewhere").Where("1 = 0").Limit(1).Unscoped().
			Session(&gorm.Session{PrepareStmt: true, QueryFields: true, AllowGlobalUpdate: true}), 1)
	})
}

func TestContractInMemory(t *testing.T) {
	t.Parallel()
	conform(t, openSQLiteFile(t, sqlite.Memory), 3)
}
