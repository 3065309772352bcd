package gormstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/plugin/dbresolver"

	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/models"
)

// dialectorOf makes db a source or a replica of another one.
func dialectorOf(t *testing.T, db *gorm.DB) gorm.Dialector {
	t.Helper()
	pool, err := db.DB()
	require.NoError(t, err)
	return mysql.New(mysql.Config{Conn: pool})
}

// DB-07: a replica that knows nothing yet must not be asked. Here it never gets
// anything: every statement that went to it would fail or find no row.
func TestReadsThePrimary(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]bool{"plain": false, "prepared": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, replica := testdb.MySQL(t), testdb.MySQL(t)
			require.NoError(t, db.Use(dbresolver.Register(dbresolver.Config{
				Replicas: []gorm.Dialector{dialectorOf(t, replica)},
			})))
			db = db.Session(&gorm.Session{PrepareStmt: prepare})
			store := newStore(t, db)
			newStore(t, replica)
			require.NoError(t, store.Check(t.Context()))

			row := newRow("on the primary only")
			require.NoError(t, store.Insert(t.Context(), &row))
			var handles []string
			require.NoError(t, db.Raw("SELECT handle FROM auth_sessions").Scan(&handles).Error)
			require.Empty(t, handles, "the plugin sends other reading statements to the replica")

			found, err := store.Find(t.Context(), row.Handle)
			require.NoError(t, err)
			require.Equal(t, &row, found)
			_, err = store.Revoke(t.Context(), models.Revocation{Handle: row.Handle, Now: now})
			require.NoError(t, err)
			_, err = store.DeleteEnded(t.Context(), models.EndedSessions{Before: now * 2, Limit: 1})
			require.NoError(t, err)
			exercise(t, store)
		})
	}
}

// The plugin may move the primary away from the database that GORM opened, for
// all tables or some. Tables are made where they will be used.
func TestMigratesThePrimary(t *testing.T) {
	t.Parallel()
	for name, tables := range map[string][]any{
		"all":  nil,
		"some": {"auth_sessions", "auth_signing_keys", "auth_meta", "auth_feed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, source, replica := testdb.MySQL(t), testdb.MySQL(t), testdb.MySQL(t)
			require.NoError(t, db.Use(dbresolver.Register(dbresolver.Config{
				Sources:  []gorm.Dialector{dialectorOf(t, source)},
				Replicas: []gorm.Dialector{dialectorOf(t, replica)},
			}, tables...)))
			exercise(t, newStore(t, db))

			require.True(t, source.Migrator().HasTable("auth_sessions"))
			require.True(t, source.Migrator().HasTable("auth_feed"))
			require.False(t, replica.Migrator().HasTable("auth_sessions"))
			opened, err := db.DB()
			require.NoError(t, err)
			var n int
			require.NoError(t, opened.QueryRowContext(t.Context(),
				"SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()").Scan(&n))
			require.Zero(t, n, "the database that was opened first")
		})
	}
}
