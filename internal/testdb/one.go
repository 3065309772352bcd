package testdb

import (
	"database/sql"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	driver "github.com/go-sql-driver/mysql"
)

// turn is for the test that uses the only database, whose name is holder.
var (
	turn   sync.Mutex
	holder atomic.Pointer[string]
)

// takeOne waits until no other test uses the only database, and empties it. A test that
// asks for a second one, also in a subtest, would wait for itself, and fails.
func takeOne(t testing.TB, config *driver.Config) {
	t.Helper()
	name := t.Name()
	if h := holder.Load(); h != nil && (name == *h || strings.HasPrefix(name, *h+"/")) {
		t.Fatalf("testdb: there is one database (%s), and %s has it", EnvMySQLOne, *h)
	}
	turn.Lock()
	holder.Store(&name)
	// It runs last, when the test's pools are closed.
	t.Cleanup(func() {
		holder.Store(nil)
		turn.Unlock()
	})
	connector, err := driver.NewConnector(config)
	if err != nil {
		t.Fatalf("testdb: %v", err)
	}
	db := sql.OpenDB(connector)
	closeLater(t, db)
	EmptyOne(t, db)
}

// EmptyOne deletes the rows of the kit's tables, as far as these are there. The version
// of the schema stays.
func EmptyOne(t testing.TB, db *sql.DB) {
	t.Helper()
	for _, statement := range []string{
		"DELETE FROM auth_sessions",
		"DELETE FROM auth_signing_keys",
		"DELETE FROM auth_feed",
		"UPDATE auth_meta SET value = 0 WHERE name <> 'schema_version'",
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil && !missing(err) {
			t.Fatalf("testdb: %s: %v", statement, err)
		}
	}
}

// missing reports whether err says that there is no such table.
func missing(err error) bool {
	const noSuchTable = 1146
	e, ok := errors.AsType[*driver.MySQLError](err)
	return ok && e.Number == noSuchTable
}
