package revoked_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	drivermysql "github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
	"github.com/gin-sessionkit/sessionkit/models/gormstore/sqlite"
)

// The engines.
const (
	onMySQL    = "mysql"
	onPostgres = "postgres"
	onSQLite   = "sqlite"
)

// database is one that several processes open, each by a pool of its own.
type database struct {
	engine string
	// dsn is the file of SQLite.
	dsn string
	// name, if set, is the database at a PostgreSQL server.
	name string
	// addr and port, if set, are those of a proxy before the server.
	addr string
	port uint16
}

// fresh makes an empty database with the kit's tables, and one of the application.
func fresh(t testing.TB, engine string) database {
	t.Helper()
	d := database{engine: engine}
	switch engine {
	case onMySQL:
		d.dsn = testdb.MySQLDSN(t)
	case onPostgres:
		db := testdb.Postgres(t)
		d.dsn = os.Getenv(testdb.EnvPostgres)
		require.NoError(t, db.Raw("SELECT current_database()").Scan(&d.name).Error)
	case onSQLite:
		d.dsn = filepath.Join(t.TempDir(), "sessions.db")
	}
	d.prepare(t)
	return d
}

// prepare makes the tables.
func (d database) prepare(t testing.TB) {
	t.Helper()
	db := d.pool(t, 2)
	store, err := gormstore.New(db, gormstore.Config{})
	require.NoError(t, err)
	require.NoError(t, store.Migrate(t.Context()))
	require.NoError(t, db.Exec("CREATE TABLE accounts (user_id VARCHAR(64) PRIMARY KEY, password VARCHAR(64) NOT NULL)").Error)
}

// pool opens the database; it is closed when t ends.
func (d database) pool(t testing.TB, conns int) *gorm.DB {
	t.Helper()
	db, err := d.open(conns)
	require.NoError(t, err)
	pool, err := db.DB()
	require.NoError(t, err)
	t.Cleanup(func() { _ = pool.Close() })
	return db
}

func (d database) open(conns int) (*gorm.DB, error) {
	db, err := d.connect()
	if err != nil {
		return nil, err
	}
	pool, err := db.DB()
	if err == nil && d.engine != onSQLite {
		pool.SetMaxOpenConns(conns)
		pool.SetMaxIdleConns(conns)
	}
	return db, err
}

func (d database) connect() (*gorm.DB, error) {
	quiet := &gorm.Config{Logger: logger.Discard}
	switch d.engine {
	case onSQLite:
		db, err := sqlite.Open(d.dsn)
		if err != nil {
			return nil, err
		}
		return db.Session(&gorm.Session{Logger: logger.Discard}), nil
	case onPostgres:
		config, err := pgx.ParseConfig(d.dsn)
		if err != nil {
			return nil, err
		}
		config.Database = d.name
		if d.addr != "" {
			config.Host, config.Port = d.addr, d.port
		}
		return gorm.Open(postgres.New(postgres.Config{Conn: stdlib.OpenDB(*config)}), quiet)
	case onMySQL:
		config, err := drivermysql.ParseDSN(d.dsn)
		if err != nil {
			return nil, err
		}
		if d.addr != "" {
			config.Addr = d.addr + ":" + strconv.Itoa(int(d.port))
		}
		quiet.DisableAutomaticPing = true
		return gorm.Open(mysql.New(mysql.Config{DSN: config.FormatDSN(), SkipInitializeWithVersion: true}), quiet)
	}
	return nil, errors.New("no such engine: " + d.engine)
}

// environ is how a child is told of the database.
func (d database) environ() []string {
	return []string{envEngine + "=" + d.engine, envDSN + "=" + d.dsn, envName + "=" + d.name}
}

// fromEnviron is the child's database.
func fromEnviron() database {
	return database{engine: os.Getenv(envEngine), dsn: os.Getenv(envDSN), name: os.Getenv(envName)}
}
