package testdb

import (
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
)

// EnvPostgres names the environment variable with the DSN of the PostgreSQL
// server, as a URL or as keywords. Its account needs CREATEDB.
const EnvPostgres = "SESSIONKIT_TEST_POSTGRES_DSN"

// Postgres opens a database that nobody else uses, empty and dropped when t
// ends. Without a server t is skipped.
func Postgres(t testing.TB) *gorm.DB {
	t.Helper()
	dsn := os.Getenv(EnvPostgres)
	if dsn == "" {
		t.Skipf("testdb: %s is not set and no PostgreSQL was started", EnvPostgres)
	}
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		// pgx leaves the password out of its message.
		t.Fatalf("testdb: %s: %v", EnvPostgres, err)
	}
	admin := stdlib.OpenDB(*config)
	closeLater(t, admin)
	name := freshName(config.Database)
	if _, err := admin.ExecContext(t.Context(), "CREATE DATABASE "+quoted(name, `"`)); err != nil {
		t.Fatalf("testdb: create a database on the server of %s: %v", EnvPostgres, err)
	}
	// Without FORCE: that needs rights over the server's own vacuum worker, which
	// may be at work there. The plain statement sends the worker away and gives
	// connections five seconds to end.
	dropLater(t, admin, "DROP DATABASE "+quoted(name, `"`))

	fresh := config.Copy()
	fresh.Database = name
	pool := stdlib.OpenDB(*fresh)
	return open(t, postgres.New(postgres.Config{Conn: pool}))
}
