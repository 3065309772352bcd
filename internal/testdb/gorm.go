package testdb

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// dropTimeout bounds the wait for a database that a test still uses.
const dropTimeout = 20 * time.Second

// open connects GORM without its logger, which prints every failing statement,
// and tests make many fail on purpose. The pool is closed when t ends.
func open(t testing.TB, dialector gorm.Dialector) *gorm.DB {
	t.Helper()
	db, err := gorm.Open(dialector, &gorm.Config{Logger: logger.Discard})
	if err != nil {
		t.Fatalf("testdb: %v", err)
	}
	pool, err := db.DB()
	if err != nil {
		t.Fatalf("testdb: %v", err)
	}
	closeLater(t, pool)
	return db
}

func closeLater(t testing.TB, pool *sql.DB) {
	t.Helper()
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Errorf("testdb: close: %v", err)
		}
	})
}

// dropLater removes a database when t ends. A drop that hangs means that a
// transaction of the test is still open: that is reported, not waited for.
func dropLater(t testing.TB, admin *sql.DB, statement string) {
	t.Helper()
	t.Cleanup(func() {
		// t.Context has ended by now.
		ctx, cancel := context.WithTimeout(context.Background(), dropTimeout)
		defer cancel()
		if _, err := admin.ExecContext(ctx, statement); err != nil {
			t.Errorf("testdb: %s: %v (does the test leave a transaction open?)", statement, err)
		}
	})
}
