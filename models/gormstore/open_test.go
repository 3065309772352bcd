package gormstore_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
	"github.com/gin-sessionkit/sessionkit/models/gormstore/sqlite"
)

// now is a time at which the rows of newRow are live.
const now = int64(1_750_000_000_000)

const hour = int64(3_600_000)

// engines are the databases that a test runs on; open returns an empty one.
var engines = []struct {
	name string
	open func(*testing.T) *gorm.DB
}{
	{"mysql", openMySQL},
	{"sqlite", openSQLite},
	{"postgres", openPostgres},
}

// onEach runs test on every engine at once, with a store whose tables are made.
func onEach(t *testing.T, test func(t *testing.T, db *gorm.DB, store *gormstore.Store)) {
	t.Helper()
	onEachDB(t, func(t *testing.T, db *gorm.DB) { test(t, db, newStore(t, db)) })
}

// onEachDB runs test on every engine at once, with an empty database.
func onEachDB(t *testing.T, test func(t *testing.T, db *gorm.DB)) {
	t.Helper()
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			test(t, engine.open(t))
		})
	}
}

func openMySQL(t *testing.T) *gorm.DB {
	t.Helper()
	return testdb.MySQL(t)
}

func openPostgres(t *testing.T) *gorm.DB {
	t.Helper()
	return testdb.Postgres(t)
}

func openSQLite(t *testing.T) *gorm.DB {
	t.Helper()
	return openSQLiteFile(t, filepath.Join(t.TempDir(), "auth.db"))
}

func openSQLiteFile(t *testing.T, path string) *gorm.DB {
	t.Helper()
	db, err := sqlite.Open(path)
	require.NoError(t, err)
	db.Logger = logger.Discard
	t.Cleanup(func() {
		pool, err := db.DB()
		require.NoError(t, err)
		require.NoError(t, pool.Close())
	})
	return db
}

// emptyStore returns a store whose tables may not be there.
func emptyStore(t *testing.T, db *gorm.DB) *gormstore.Store {
	t.Helper()
	store, err := gormstore.New(db, gormstore.Config{})
	require.NoError(t, err)
	return store
}

// newStore returns a store with its tables made.
func newStore(t *testing.T, db *gorm.DB) *gormstore.Store {
	t.Helper()
	store := emptyStore(t, db)
	require.NoError(t, store.Migrate(t.Context()))
	return store
}

// newRow returns a live row with every field set.
func newRow(handle string) models.Session {
	return models.Session{
		Handle: handle,
		UserID: "user of " + handle,
		Lineage: models.Lineage{
			Current: hashOf(handle), Previous: hashOf(handle + " before"), IssuedAt: now - hour, Generation: 7,
		},
		Payload: []byte(`{"a":1}`), Data: []byte(`[2]`), DataVersion: 3,
		CreatedAt: now - 2*hour, LastUsedAt: now - hour,
		ExpiresAt: now + hour, AbsoluteExpiresAt: now + 100*hour,
		UserAgent: "Mozilla/5.0 \U0001f98a", IP: "192.0.2.7", Label: "kitchen",
		AuthAt: now - hour, AMR: "pwd otp", Level: 2, IdleMillis: hour,
		Flags: models.FlagBrowserSession | models.FlagPending, Origin: "of " + handle,
	}
}

// hashOf returns bytes that depend on text, and hold quotes, NUL and 0xff.
func hashOf(text string) (h models.Hash) {
	copy(h[:], text)
	copy(h[len(h)-5:], "\x00'\"\\\xff")
	return h
}

func step(row models.Session, to string) models.Advance {
	return models.Advance{
		Handle: row.Handle, From: row.Lineage.Current, To: hashOf(to), Previous: row.Lineage.Current,
		IssuedAt: now, Generation: row.Lineage.Generation + 1, ExpiresAt: row.ExpiresAt + hour, Now: now,
	}
}

// rawExec runs SQL of the test's own, outside of the store.
func rawExec(t *testing.T, db *gorm.DB, query string) {
	t.Helper()
	require.NoError(t, db.Exec(query).Error)
}

// isMariaDB tells the two servers behind the dialect mysql apart.
func isMariaDB(t *testing.T, db *gorm.DB) bool {
	t.Helper()
	var version string
	require.NoError(t, db.Raw("SELECT VERSION()").Scan(&version).Error)
	return strings.Contains(version, "MariaDB")
}
