package testdb

import (
	"database/sql"
	"os"
	"strings"
	"testing"

	driver "github.com/go-sql-driver/mysql"
	"gorm.io/driver/mysql"
	"gorm.io/gorm"
)

// EnvMySQL names the environment variable with the DSN of the MySQL or MariaDB
// server, in the form of github.com/go-sql-driver/mysql.
const EnvMySQL = "SESSIONKIT_TEST_MYSQL_DSN"

// EnvMySQLOne set to 1 says that the server has one database only, that of the DSN,
// which is the tests' own: Vitess makes no keyspace at CREATE DATABASE. Each test then
// waits for the one before it, and finds the kit's tables as [EmptyOne] leaves them.
const EnvMySQLOne = "SESSIONKIT_TEST_MYSQL_ONE"

// MySQL opens a database that nobody else uses, empty and dropped when t ends.
// params are further DSN parameters such as "clientFoundRows=true"; they win
// over those of the environment's DSN. Without a server t fails.
func MySQL(t testing.TB, params ...string) *gorm.DB {
	t.Helper()
	return open(t, mysql.Open(MySQLDSN(t, params...)))
}

// MySQLDSN is like [MySQL] but returns the DSN of the fresh database, for tests
// that open pools of their own or hand the DSN to another process.
func MySQLDSN(t testing.TB, params ...string) string {
	t.Helper()
	dsn := os.Getenv(EnvMySQL)
	if dsn == "" {
		t.Fatalf("testdb: %s is not set, and tests never leave out the database. "+
			"Run `make test`, or set it to the DSN that `scripts/mariadb.sh start` prints.", EnvMySQL)
	}
	if os.Getenv(EnvMySQLOne) == "1" {
		one := parseMySQL(t, dsn, params)
		takeOne(t, one)
		return one.FormatDSN()
	}
	admin := parseMySQL(t, dsn, nil)
	name := freshName(admin.DBName)
	createMySQL(t, admin, name)

	fresh := parseMySQL(t, dsn, params)
	fresh.DBName = name
	return fresh.FormatDSN()
}

// parseMySQL never repeats the DSN in a failure, as it holds a password.
func parseMySQL(t testing.TB, dsn string, params []string) *driver.Config {
	t.Helper()
	if len(params) > 0 {
		mark := "?"
		if strings.Contains(dsn[strings.LastIndex(dsn, "/")+1:], "?") {
			mark = "&"
		}
		dsn += mark + strings.Join(params, "&")
	}
	config, err := driver.ParseDSN(dsn)
	if err != nil {
		t.Fatalf("testdb: %s with parameters %q: %v", EnvMySQL, params, err)
	}
	return config
}

func createMySQL(t testing.TB, config *driver.Config, name string) {
	t.Helper()
	connector, err := driver.NewConnector(config)
	if err != nil {
		t.Fatalf("testdb: %v", err)
	}
	admin := sql.OpenDB(connector)
	closeLater(t, admin)
	if _, err := admin.ExecContext(t.Context(), "CREATE DATABASE "+quoted(name, "`")); err != nil {
		t.Fatalf("testdb: create a database on the server of %s: %v", EnvMySQL, err)
	}
	dropLater(t, admin, "DROP DATABASE "+quoted(name, "`"))
}
