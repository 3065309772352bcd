package gormstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"net"
	"syscall"
	"testing"
	"time"

	mysqldriver "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// poolOf returns a pool that is closed when t ends.
func poolOf(t *testing.T, connector driver.Connector) *sql.DB {
	t.Helper()
	pool := sql.OpenDB(connector)
	t.Cleanup(func() { require.NoError(t, pool.Close()) })
	return pool
}

// reopenMySQL opens the database of dsn without asking the server anything.
func reopenMySQL(t *testing.T, dsn string, change func(*mysqldriver.Config)) *gorm.DB {
	t.Helper()
	config, err := mysqldriver.ParseDSN(dsn)
	require.NoError(t, err)
	change(config)
	connector, err := mysqldriver.NewConnector(config)
	require.NoError(t, err)
	db, err := gorm.Open(
		mysql.New(mysql.Config{Conn: poolOf(t, connector), SkipInitializeWithVersion: true}),
		&gorm.Config{Logger: logger.Discard, DisableAutomaticPing: true},
	)
	require.NoError(t, err)
	return db
}

// DB-16: a server that has become read-only answers reads, and writes are
// unavailable rather than refused.
func TestReadOnlyServer(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *gorm.DB, store *gormstore.Store) {
		row := newRow("kept")
		require.NoError(t, store.Insert(t.Context(), &row))
		pool, err := db.DB()
		require.NoError(t, err)
		pool.SetMaxOpenConns(1)
		rawExec(t, db, map[string]string{
			"mysql":    "SET SESSION TRANSACTION READ ONLY",
			"sqlite":   "PRAGMA query_only = 1",
			"postgres": "SET default_transaction_read_only = on",
		}[db.Name()])

		_, err = store.Advance(t.Context(), step(row, "next"))
		require.ErrorIs(t, err, errors.ErrUnavailable)
		other := newRow("other")
		require.ErrorIs(t, store.Insert(t.Context(), &other), errors.ErrUnavailable)
		found, err := store.Find(t.Context(), row.Handle)
		require.NoError(t, err)
		require.Equal(t, &row, found)
		// DB-11: what is up to date is left alone, right or no right.
		require.NoError(t, store.Check(t.Context()))
		require.NoError(t, store.Migrate(t.Context()))
	})
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // returns at once
	require.NoError(t, err)
	addr := listener.Addr().String()
	require.NoError(t, listener.Close())

	db := reopenMySQL(t, "canaryuser:canarypassword@tcp("+addr+")/canarybase", func(*mysqldriver.Config) {})
	store := emptyStore(t, db)
	row := newRow("nowhere")
	for name, err := range map[string]error{
		"Find":    last(store.Find(t.Context(), "x")),
		"Insert":  store.Insert(t.Context(), &row),
		"Migrate": store.Migrate(t.Context()),
		"Check":   store.Check(t.Context()),
	} {
		require.ErrorIs(t, err, errors.ErrUnavailable, name)
		require.ErrorContains(t, err, "connection refused", name)
		require.NotContains(t, err.Error(), "canary", name)
	}
}

// A server that takes the connection and says nothing more.
func TestSilentServer(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // returns at once
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()

	db := reopenMySQL(t, "u:p@tcp("+listener.Addr().String()+")/b", func(c *mysqldriver.Config) {
		c.ReadTimeout, c.Logger = 20*time.Millisecond, &mysqldriver.NopLogger{}
	})
	store := emptyStore(t, db)
	_, err = store.Find(t.Context(), "x")
	require.ErrorIs(t, err, errors.ErrUnavailable)
}

func TestClosedPool(t *testing.T) {
	t.Parallel()
	dsn := testdb.MySQLDSN(t)
	db := reopenMySQL(t, dsn, func(*mysqldriver.Config) {})
	store := newStore(t, db)
	pool, err := db.DB()
	require.NoError(t, err)
	require.NoError(t, pool.Close())
	_, err = store.Find(t.Context(), "x")
	require.ErrorIs(t, err, errors.ErrUnavailable)
}

func TestWrongPassword(t *testing.T) {
	t.Parallel()
	db := reopenMySQL(t, testdb.MySQLDSN(t), func(c *mysqldriver.Config) { c.Passwd, c.User = "canarypassword", "canaryuser" })
	store := emptyStore(t, db)
	_, err := store.Find(t.Context(), "x")
	require.ErrorIs(t, err, errors.ErrGeneral)
	require.ErrorIs(t, err, errors.ErrUnavailable, "a password that is being changed")
	require.ErrorContains(t, err, "access denied")
	require.NotContains(t, err.Error(), "canary")
}

// breaksInHandshake is a connection on which nothing can be sent.
type breaksInHandshake struct{ net.Conn }

func (c breaksInHandshake) Write([]byte) (int, error) {
	return 0, &net.OpError{Op: "write", Net: "tcp", Err: syscall.EPIPE}
}

// A server that has too many connections, or a proxy that fails over, may break a new
// one while it introduces itself. The driver has an error of its own for that.
func TestConnectionBreaksInHandshake(t *testing.T) {
	t.Parallel()
	db := reopenMySQL(t, testdb.MySQLDSN(t), func(c *mysqldriver.Config) {
		c.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return breaksInHandshake{conn}, nil
		}
	})
	store := emptyStore(t, db)
	_, err := store.Find(t.Context(), "a")
	require.ErrorIs(t, err, errors.ErrUnavailable)
}
