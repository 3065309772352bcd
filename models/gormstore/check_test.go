package gormstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

func TestCheckNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	onEachDB(t, func(t *testing.T, db *gorm.DB) {
		store := emptyStore(t, db)
		names := func(parts ...string) {
			t.Helper()
			err := store.Check(t.Context())
			require.ErrorIs(t, err, errors.ErrSchema)
			require.NotErrorIs(t, err, errors.ErrUnavailable)
			for _, part := range parts {
				require.ErrorContains(t, err, part)
			}
		}
		names("table auth_sessions is missing", "call Migrate")

		require.NoError(t, store.Migrate(t.Context()))
		require.NoError(t, store.Check(t.Context()))
		rawExec(t, db, "DELETE FROM auth_meta WHERE name = 'cleanup'")
		names("auth_meta: row cleanup is missing")
		rawExec(t, db, "UPDATE auth_meta SET name = 'cleanup' WHERE name = 'schema_version'")
		names("auth_meta: row schema_version is missing")
		rawExec(t, db, "INSERT INTO auth_meta (name, value) VALUES ('schema_version', 0)")
		names("auth_meta: schema version 0, needed is 3", "Migrate")
		rawExec(t, db, "UPDATE auth_meta SET value = 3 WHERE name = 'schema_version'")
		for _, row := range []string{"feed_cleanup", "feed"} {
			rawExec(t, db, "DELETE FROM auth_meta WHERE name = '"+row+"'")
			names("auth_meta: row " + row + " is missing")
		}
		rawExec(t, db, "ALTER TABLE auth_meta RENAME COLUMN value TO val")
		names("table auth_meta lacks value")
		rawExec(t, db, "DROP TABLE auth_meta")
		names("table auth_meta is missing")
		rawExec(t, db, "ALTER TABLE auth_signing_keys RENAME COLUMN secret TO hidden")
		names("table auth_signing_keys lacks secret")
		rawExec(t, db, "DROP TABLE auth_signing_keys")
		names("table auth_signing_keys is missing")
		rawExec(t, db, "ALTER TABLE auth_sessions DROP COLUMN ip")
		rawExec(t, db, "ALTER TABLE auth_sessions DROP COLUMN refresh_gen")
		names("table auth_sessions lacks refresh_gen, ip")
	})
}

// A meta table is that of one set of tables: beside others it says that they are there.
// Migrate must not say so, too, since Check says to call it.
func TestMigrateWithTheMetaTableOfOthers(t *testing.T) {
	t.Parallel()
	onEachDB(t, func(t *testing.T, db *gorm.DB) {
		newStore(t, db)
		for name, cfg := range map[string]gormstore.Config{
			"sessions": {Tables: gormstore.Tables{Sessions: "other"}},
			"sharded":  {Tables: gormstore.Tables{Sessions: "other"}, Sharded: true},
			"keys":     {Tables: gormstore.Tables{SigningKeys: "other"}},
			"feed":     {Tables: gormstore.Tables{Feed: "other"}},
		} {
			if cfg.Sharded && db.Name() != "mysql" {
				continue
			}
			store, err := gormstore.New(db, cfg)
			require.NoError(t, err)
			err = store.Migrate(t.Context())
			require.ErrorIs(t, err, errors.ErrSchema, name)
			require.NotErrorIs(t, err, errors.ErrUnavailable)
			require.ErrorContains(t, err, "table other is missing, and auth_meta says that it is there")
			require.ErrorContains(t, err, "Tables.Meta")
		}
		require.NoError(t, emptyStore(t, db).Migrate(t.Context()))
	})
}

// Columns in another order, and further ones, are no fault.
func TestCheckAllowsMore(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *gorm.DB, store *gormstore.Store) {
		rawExec(t, db, "ALTER TABLE auth_meta ADD COLUMN note VARCHAR(10)")
		rawExec(t, db, "ALTER TABLE auth_sessions ADD COLUMN note VARCHAR(10)")
		rawExec(t, db, "INSERT INTO auth_meta (name, value) VALUES ('something', 5)")
		require.NoError(t, store.Check(t.Context()))
	})
}

// A value that is no number where one belongs is not repeated in the error.
func TestColumnOfAnotherType(t *testing.T) {
	t.Parallel()
	db := openSQLite(t)
	store := newStore(t, db)
	row := newRow("odd")
	require.NoError(t, store.Insert(t.Context(), &row))
	for _, set := range []string{"created_at = 'canary'", "created_at = 5, refresh_cur_hash = 'canary'"} {
		rawExec(t, db, "UPDATE auth_sessions SET "+set)
		_, err := store.Find(t.Context(), row.Handle)
		require.ErrorIs(t, err, errors.ErrSchema)
		require.NotContains(t, err.Error(), "canary")
	}
	rawExec(t, db, "UPDATE auth_meta SET value = 'canary'")
	err := store.Check(t.Context())
	require.ErrorIs(t, err, errors.ErrSchema)
	require.NotContains(t, err.Error(), "canary")
	err = store.Migrate(t.Context())
	require.ErrorIs(t, err, errors.ErrGeneral)
	require.NotContains(t, err.Error(), "canary")
}

// DB-11: an account that may not create tables works on those that are there,
// and is told what is missing where they are not. (That Migrate changes nothing
// on MySQL either is shown by TestReadOnlyServer.)
func TestWithoutTheRightToCreate(t *testing.T) {
	t.Parallel()
	const revoke = "REVOKE CREATE ON SCHEMA public FROM pg_database_owner, PUBLIC"
	db := testdb.Postgres(t)
	store := newStore(t, db)
	rawExec(t, db, revoke)
	require.Error(t, db.Exec("CREATE TABLE refused (a INT)").Error)
	require.NoError(t, store.Migrate(t.Context()))
	require.NoError(t, store.Check(t.Context()))
	exercise(t, store)

	db = testdb.Postgres(t)
	rawExec(t, db, revoke)
	store = emptyStore(t, db)
	err := store.Migrate(t.Context())
	require.ErrorIs(t, err, errors.ErrGeneral)
	require.NotErrorIs(t, err, errors.ErrUnavailable)
	require.ErrorContains(t, err, "42501")
	require.ErrorIs(t, store.Check(t.Context()), errors.ErrSchema)
}
