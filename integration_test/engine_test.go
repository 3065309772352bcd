package integration_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
	"github.com/gin-sessionkit/sessionkit/models/gormstore/sqlite"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// engine is a kind of store to tell a story on. db is nil for the in-memory one.
type engine struct {
	name string
	db   func(t *testing.T) *gorm.DB
}

var sqlEngines = []engine{
	{"mysql", func(t *testing.T) *gorm.DB { return testdb.MySQL(t) }},
	{"sqlite", openSQLite},
	{"postgres", func(t *testing.T) *gorm.DB { return testdb.Postgres(t) }},
}

var memory = engine{name: "memory"}

var allEngines = append([]engine{memory}, sqlEngines...)

func openSQLite(t *testing.T) *gorm.DB {
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "sessions.db"))
	require.NoError(t, err)
	pool, err := db.DB()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, pool.Close()) })
	return db.Session(&gorm.Session{Logger: logger.Discard})
}

// open returns a fresh store, and the database below it if there is one.
func (e engine) open(t *testing.T) (session.Store, *gorm.DB) {
	t.Helper()
	if e.db == nil {
		return memstore.New(), nil
	}
	db := e.db(t)
	return migrated(t, db), db
}

func migrated(t *testing.T, db *gorm.DB) session.Store {
	t.Helper()
	store, err := gormstore.New(db, gormstore.Config{})
	require.NoError(t, err)
	require.NoError(t, store.Migrate(t.Context()))
	return store
}

// onEach tells a story on every engine of the list.
func onEach(t *testing.T, engines []engine, story func(t *testing.T, e engine)) {
	t.Helper()
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			story(t, e)
		})
	}
}
