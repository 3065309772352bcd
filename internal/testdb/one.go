package testdb

import (
	"database/sql"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	driver "github.com/go-sql-driver/mysql"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// turn is for the test that uses the only database, whose name is holder.
var (
	turn   sync.Mutex
	holder atomic.Pointer[string]
)

// takeOne waits until no other test uses the only database, and empties it. A test that
// asks once more, also in a subtest, is one that is done with the rows of before.
func takeOne(t testing.TB, config *driver.Config) {
	t.Helper()
	name := t.Name()
	if h := holder.Load(); h == nil || name != *h && !strings.HasPrefix(name, *h+"/") {
		turn.Lock()
		holder.Store(&name)
		// It runs last, when the test's pools are closed.
		t.Cleanup(func() {
			holder.Store(nil)
			turn.Unlock()
		})
	}
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
		// Vitess takes no statement that is about more than 10,000 rows.
		"DELETE FROM auth_sessions LIMIT 2000",
		"DELETE FROM auth_signing_keys LIMIT 2000",
		"DELETE FROM auth_feed LIMIT 2000",
		"UPDATE auth_meta SET value = 0 WHERE name <> 'schema_version' AND value <> 0",
	} {
		for more := true; more; {
			result, err := db.ExecContext(t.Context(), statement)
			if missing(err) {
				break
			}
			if err != nil {
				t.Fatalf("testdb: %s: %v", statement, err)
			}
			affected, err := result.RowsAffected()
			more = err == nil && affected > 0
		}
	}
}

// missing reports whether err says that there is no such table, or, as Vitess has it
// where there is none yet, that nothing is known of it.
func missing(err error) bool {
	e, ok := errors.AsType[*driver.MySQLError](err)
	return ok && (e.Number == 1146 || strings.HasPrefix(e.Message, "VT09015"))
}
