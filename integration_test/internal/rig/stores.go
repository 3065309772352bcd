package rig

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gin-sessionkit/sessionkit/models/gormstore"
	"github.com/gin-sessionkit/sessionkit/models/gormstore/sqlite"
)

// OpenMySQL opens a pool of conns connections, closed when t ends.
func OpenMySQL(t testing.TB, dsn string, conns int) *gorm.DB {
	t.Helper()
	db, err := gorm.Open(mysql.New(mysql.Config{DSN: dsn, SkipInitializeWithVersion: true}), &gorm.Config{
		Logger: logger.Discard, DisableAutomaticPing: true,
	})
	require.NoError(t, err)
	pool, err := db.DB()
	require.NoError(t, err)
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	t.Cleanup(func() { _ = pool.Close() }) // connections that broke meanwhile are no news
	return db
}

// OpenSQLite opens a fresh database file, closed when t ends.
func OpenSQLite(t testing.TB) *gorm.DB {
	t.Helper()
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "sessions.db"))
	require.NoError(t, err)
	pool, err := db.DB()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, pool.Close()) })
	return db.Session(&gorm.Session{Logger: logger.Discard})
}

// EnvSharded set to 1 has the stores on MySQL sharded by home.
const EnvSharded = "SESSIONKIT_TEST_SHARDED"

// NewStore is a store on db, without making its tables.
func NewStore(t testing.TB, db *gorm.DB) *gormstore.Store {
	t.Helper()
	sharded := os.Getenv(EnvSharded) == "1" && db.Name() == "mysql"
	store, err := gormstore.New(db, gormstore.Config{Sharded: sharded})
	require.NoError(t, err)
	return store
}

// Migrated is a store on db with its tables made.
func Migrated(t testing.TB, db *gorm.DB) *gormstore.Store {
	t.Helper()
	store := NewStore(t, db)
	require.NoError(t, store.Migrate(t.Context()))
	return store
}
