package integration_test

import (
	"testing"

	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/internal/testdb"
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
	{"sqlite", func(t *testing.T) *gorm.DB { return rig.OpenSQLite(t) }},
	{"postgres", func(t *testing.T) *gorm.DB { return testdb.Postgres(t) }},
}

var memory = engine{name: "memory"}

var allEngines = append([]engine{memory}, sqlEngines...)

// open returns a fresh store, and the database below it if there is one.
func (e engine) open(t *testing.T) (session.Store, *gorm.DB) {
	t.Helper()
	if e.db == nil {
		return memstore.New(), nil
	}
	db := e.db(t)
	return rig.Migrated(t, db), db
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
