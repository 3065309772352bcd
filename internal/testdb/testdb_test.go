package testdb_test

import (
	"database/sql"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/driver/mysql"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/internal/testdb"
)

type item struct {
	ID   int64 `gorm:"primaryKey"`
	Name string
}

// outcome is a test whose end is looked at: like a real one, its goroutine ends
// with Fatalf and Skipf.
type outcome struct {
	testing.TB
	fatal, skip string
}

func (o *outcome) Fatalf(format string, args ...any) {
	o.fatal = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (o *outcome) Skipf(format string, args ...any) {
	o.skip = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func run(t *testing.T, f func(testing.TB)) outcome {
	t.Helper()
	o := outcome{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(&o)
	}()
	<-done
	return o
}

func TestWithoutServer(t *testing.T) {
	t.Setenv(testdb.EnvMySQL, "")
	t.Setenv(testdb.EnvPostgres, "")

	o := run(t, func(t testing.TB) { testdb.MySQL(t) })
	require.Contains(t, o.fatal, "make test", "the failure says what to do")
	require.Contains(t, o.fatal, testdb.EnvMySQL)
	require.Empty(t, o.skip, "MySQL is never skipped")

	o = run(t, func(t testing.TB) { testdb.Postgres(t) })
	require.Contains(t, o.skip, testdb.EnvPostgres)
	require.Empty(t, o.fatal)
}

func TestBadDSNKeepsPassword(t *testing.T) {
	for name, dsn := range map[string]string{
		"no slash":    "app:sesame@tcp(127.0.0.1:1)",
		"no address":  "app:sesame@tcp(127.0.0.1:1/app",
		"nobody home": "app:sesame@tcp(127.0.0.1:1)/app",
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(testdb.EnvMySQL, dsn)
			o := run(t, func(t testing.TB) { testdb.MySQL(t) })
			require.Contains(t, o.fatal, testdb.EnvMySQL)
			require.NotContains(t, o.fatal, "sesame")
		})
	}
	t.Setenv(testdb.EnvPostgres, "postgres://app:sesame@127.0.0.1:1/app")
	o := run(t, func(t testing.TB) { testdb.Postgres(t) })
	require.Contains(t, o.fatal, testdb.EnvPostgres)
	require.NotContains(t, o.fatal, "sesame")
}

func TestBadParameter(t *testing.T) {
	o := run(t, func(t testing.TB) { testdb.MySQLDSN(t, "parseTime=perhaps") })
	require.Contains(t, o.fatal, "parseTime=perhaps")
}

func TestMySQLFreshAndDropped(t *testing.T) {
	var first, second string
	t.Run("two databases", func(t *testing.T) {
		first, second = useTwo(t, testdb.MySQL(t), testdb.MySQL(t), "SELECT DATABASE()")
	})

	admin, err := sql.Open("mysql", os.Getenv(testdb.EnvMySQL))
	require.NoError(t, err)
	defer admin.Close()
	require.Zero(t, countRows(t, admin,
		"SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name IN (?, ?)", first, second))
}

func TestPostgresFreshAndDropped(t *testing.T) {
	var first, second string
	t.Run("two databases", func(t *testing.T) {
		first, second = useTwo(t, testdb.Postgres(t), testdb.Postgres(t), "SELECT current_database()")
	})
	if first == "" {
		t.Skip("no server")
	}

	admin, err := sql.Open("pgx", os.Getenv(testdb.EnvPostgres))
	require.NoError(t, err)
	defer admin.Close()
	require.Zero(t, countRows(t, admin, "SELECT COUNT(*) FROM pg_database WHERE datname IN ($1, $2)", first, second))
}

// useTwo shows that two databases are there, work and don't see each other, and
// returns their names.
func useTwo(t *testing.T, a, b *gorm.DB, nameQuery string) (first, second string) {
	t.Helper()
	require.NoError(t, a.Raw(nameQuery).Scan(&first).Error)
	require.NoError(t, b.Raw(nameQuery).Scan(&second).Error)
	require.NotEqual(t, first, second)
	require.NoError(t, a.AutoMigrate(&item{}))
	require.NoError(t, a.Create(&item{Name: "in a"}).Error)
	require.True(t, a.Migrator().HasTable(&item{}))
	require.False(t, b.Migrator().HasTable(&item{}))
	return first, second
}

func countRows(t *testing.T, db *sql.DB, query string, args ...any) int {
	t.Helper()
	var n int
	require.NoError(t, db.QueryRowContext(t.Context(), query, args...).Scan(&n))
	return n
}

// The count of rows that an UPDATE without a change reports tells whether the
// parameter has arrived at the connection.
func TestMySQLParameters(t *testing.T) {
	t.Parallel()
	for params, want := range map[string]int64{"clientFoundRows=false": 0, "clientFoundRows=true": 1} {
		db := testdb.MySQL(t, params, "interpolateParams=true")
		require.NoError(t, db.AutoMigrate(&item{}))
		require.NoError(t, db.Create(&item{ID: 1, Name: "same"}).Error)
		res := db.Exec("UPDATE items SET name = ? WHERE id = 1", "same")
		require.NoError(t, res.Error)
		require.Equal(t, want, res.RowsAffected, params)
	}
}

func TestMySQLDSNOpensTheSameDatabaseTwice(t *testing.T) {
	t.Parallel()
	dsn := testdb.MySQLDSN(t)
	for i := range 2 {
		db, err := gorm.Open(mysql.Open(dsn))
		require.NoError(t, err)
		pool, err := db.DB()
		require.NoError(t, err)
		require.Equal(t, i == 1, db.Migrator().HasTable(&item{}))
		require.NoError(t, db.AutoMigrate(&item{}))
		require.NoError(t, pool.Close())
	}
}

// A long database name in the DSN must not push the random part over the
// server's limit.
func TestLongBaseName(t *testing.T) {
	dsn := os.Getenv(testdb.EnvMySQL)
	require.NotEmpty(t, dsn)
	base, params, _ := strings.Cut(dsn, "?")
	long := base[:strings.LastIndex(base, "/")+1] + "app_" + strings.Repeat("x", 59)

	owner, err := sql.Open("mysql", dsn)
	require.NoError(t, err)
	defer owner.Close()
	name := long[strings.LastIndex(long, "/")+1:]
	_, err = owner.ExecContext(t.Context(), "CREATE DATABASE IF NOT EXISTS "+name)
	require.NoError(t, err)
	defer func() {
		_, err := owner.ExecContext(t.Context(), "DROP DATABASE "+name)
		require.NoError(t, err)
	}()

	t.Setenv(testdb.EnvMySQL, long+"?"+params)
	t.Run("use", func(t *testing.T) {
		first, second := useTwo(t, testdb.MySQL(t), testdb.MySQL(t), "SELECT DATABASE()")
		require.LessOrEqual(t, len(first), 64)
		require.Equal(t, first[:40], second[:40])
	})
}

// With one database for all, a test finds no row, also when it asks again, and waits for
// the one before it.
func TestOneDatabase(t *testing.T) {
	dsn := testdb.MySQLDSN(t)
	t.Setenv(testdb.EnvMySQL, dsn)
	t.Setenv(testdb.EnvMySQLOne, "1")
	var users atomic.Int32
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				for range 2 {
					require.Equal(t, dsn, testdb.MySQLDSN(t))
					require.LessOrEqual(t, users.Add(1), int32(1))
					db, err := sql.Open("mysql", dsn)
					require.NoError(t, err)
					defer db.Close()
					_, err = db.ExecContext(t.Context(), "CREATE TABLE IF NOT EXISTS auth_feed (at BIGINT)")
					require.NoError(t, err)
					require.Zero(t, countRows(t, db, "SELECT COUNT(*) FROM auth_feed"))
					_, err = db.ExecContext(t.Context(), "INSERT INTO auth_feed VALUES (1)")
					require.NoError(t, err)
					users.Add(-1)
				}
			})
		})
	}
	group.Wait()
}
