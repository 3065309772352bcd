package gormstore_test

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// DB-10: a deployment starts many instances at once, on an empty database.
func TestMigrateFromManyProcesses(t *testing.T) {
	t.Parallel()
	const processes, rounds = 16, 10
	family := startChildren(t, processes)
	for range rounds {
		family.migrate(t, "mysql", testdb.MySQLDSN(t))
		family.migrate(t, "sqlite", filepath.Join(t.TempDir(), "auth.db"))
	}
	t.Run("postgres", func(t *testing.T) {
		for range rounds {
			family.migrate(t, "postgres", postgresName(t, testdb.Postgres(t)))
		}
	})
}

// One pool, many goroutines, and one connection for them all.
func TestMigrateFromManyGoroutines(t *testing.T) {
	t.Parallel()
	onEachDB(t, func(t *testing.T, db *gorm.DB) {
		for _, connections := range []int{1, 8} {
			db := db
			pool, err := db.DB()
			require.NoError(t, err)
			pool.SetMaxOpenConns(connections)
			store := emptyStore(t, db)
			errs := make([]error, 16)
			var group sync.WaitGroup
			for i := range errs {
				group.Go(func() { errs[i] = store.Migrate(t.Context()) })
			}
			group.Wait()
			require.NoError(t, errors.Join(errs...))
			require.NoError(t, store.Check(t.Context()))
		}
	})
}

// Vitess shows new columns a moment after the ALTER TABLE. This server shows them late
// because they come late.
func TestMigrateWaitsForTheColumns(t *testing.T) {
	t.Parallel()
	for _, table := range []string{"auth_sessions", "auth_signing_keys"} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			db := testdb.MySQL(t)
			store := newStore(t, db)
			column := "created_at"
			rawExec(t, db, "ALTER TABLE "+table+" RENAME COLUMN "+column+" TO late")
			require.ErrorIs(t, store.Check(t.Context()), errors.ErrSchema)

			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			require.ErrorIs(t, store.Migrate(ctx), errors.ErrUnavailable)

			var group sync.WaitGroup
			group.Go(func() {
				time.Sleep(100 * time.Millisecond)
				rawExec(t, db, "ALTER TABLE "+table+" RENAME COLUMN late TO "+column)
			})
			require.NoError(t, store.Migrate(t.Context()))
			require.NoError(t, store.Check(t.Context()))
			group.Wait()
		})
	}
}

// A crash may have left anything behind: nothing is lost, the rest is made.
func TestMigrateGoesOnAfterACrash(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *gorm.DB, store *gormstore.Store) {
		row := newRow("kept")
		require.NoError(t, store.Insert(t.Context(), &row))
		for _, spoil := range []string{
			"DROP TABLE auth_signing_keys",
			"DELETE FROM auth_meta",
			"DROP TABLE auth_meta",
		} {
			rawExec(t, db, spoil)
			if !strings.Contains(spoil, "meta") {
				rawExec(t, db, "UPDATE auth_meta SET value = 0 WHERE name = 'schema_version'")
			}
			require.ErrorIs(t, store.Check(t.Context()), errors.ErrSchema, spoil)
			require.NoError(t, store.Migrate(t.Context()), spoil)
			require.NoError(t, store.Check(t.Context()), spoil)
		}
		found, err := store.Find(t.Context(), row.Handle)
		require.NoError(t, err)
		require.Equal(t, &row, found)
	})
}

// Releases live side by side for a while: this one works on the next one's
// schema, where that has further columns with defaults, and not beyond.
func TestMigrateMeetsANewerSchema(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *gorm.DB, store *gormstore.Store) {
		rawExec(t, db, "ALTER TABLE auth_sessions ADD COLUMN added BIGINT NOT NULL DEFAULT 7")
		rawExec(t, db, "ALTER TABLE auth_signing_keys ADD COLUMN added BIGINT NOT NULL DEFAULT 7")
		rawExec(t, db, "UPDATE auth_meta SET value = 4 WHERE name = 'schema_version'")
		require.NoError(t, store.Migrate(t.Context()))
		require.NoError(t, store.Check(t.Context()))
		require.EqualValues(t, 4, schemaVersion(t, db), "never set back")
		exercise(t, store)

		rawExec(t, db, "UPDATE auth_meta SET value = 5 WHERE name = 'schema_version'")
		for _, err := range []error{store.Migrate(t.Context()), store.Check(t.Context())} {
			require.ErrorIs(t, err, errors.ErrSchema)
			require.ErrorContains(t, err, "schema version 5")
		}
	})
}

func schemaVersion(t *testing.T, db *gorm.DB) (version int64) {
	t.Helper()
	require.NoError(t, db.Raw("SELECT value FROM auth_meta WHERE name = 'schema_version'").Scan(&version).Error)
	return version
}

// What Schema returns, run statement by statement by other means and twice, is
// all that Check asks for. The second time a client has to go on where columns are
// there already, but on PostgreSQL.
func TestSchemaText(t *testing.T) {
	t.Parallel()
	onEachDB(t, func(t *testing.T, db *gorm.DB) {
		cfg := gormstore.Config{Tables: gormstore.Tables{Sessions: "S", SigningKeys: "K", Meta: "M"}}
		text, err := gormstore.Schema(db.Name(), cfg)
		require.NoError(t, err)
		require.NotContains(t, text, "{")
		runText(t, db, text, false)
		runText(t, db, text, true)
		store, err := gormstore.New(db, cfg)
		require.NoError(t, err)
		require.NoError(t, store.Check(t.Context()))
		exercise(t, store)
	})
	_, err := gormstore.Schema("oracle", gormstore.Config{Tables: gormstore.Tables{Meta: ";"}})
	require.ErrorIs(t, err, errors.ErrConfig)
	require.ErrorContains(t, err, "Tables.Meta")
	require.ErrorContains(t, err, "oracle")
}

// runText runs what Schema returned, as other means do. Again, a column that is there
// already is no fault.
func runText(t *testing.T, db *gorm.DB, text string, again bool) {
	t.Helper()
	for statement := range strings.SplitSeq(text, ";\n") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		err := db.Exec(statement).Error
		if err != nil && again && db.Name() != "postgres" && strings.Contains(statement, "ADD COLUMN") {
			require.ErrorContains(t, err, map[string]string{"mysql": "1060", "sqlite": "duplicate column name"}[db.Name()])
			continue
		}
		require.NoError(t, err, statement)
	}
}

// Migrate waits for another one only as long as its context lives, and leaves
// the pool usable.
func TestMigrateEndsWithItsContext(t *testing.T) {
	t.Parallel()
	onEachDB(t, func(t *testing.T, db *gorm.DB) {
		store := emptyStore(t, db)
		pool, err := db.DB()
		require.NoError(t, err)
		pool.SetMaxOpenConns(1)
		conn, err := pool.Conn(t.Context())
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err = store.Migrate(ctx)
		require.ErrorIs(t, err, errors.ErrUnavailable)
		require.ErrorIs(t, err, context.DeadlineExceeded)

		require.NoError(t, conn.Close())
		require.NoError(t, store.Migrate(t.Context()))
	})
}

// Several kits may share one database, under other names.
func TestSeveralSchemasInOneDatabase(t *testing.T) {
	t.Parallel()
	onEachDB(t, func(t *testing.T, db *gorm.DB) {
		exercise(t, newStore(t, db))
		store, err := gormstore.New(db, gormstore.Config{Tables: gormstore.Tables{Sessions: "b", SigningKeys: "c", Meta: "d"}})
		require.NoError(t, err)
		require.ErrorIs(t, store.Check(t.Context()), errors.ErrSchema)
		require.NoError(t, store.Migrate(t.Context()))
		exercise(t, store)
	})
}
