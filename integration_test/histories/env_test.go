package histories_test

import (
	"context"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

const (
	accessValidity = 5 * time.Minute
	idleValidity   = time.Hour
	window         = 10 * time.Second
)

// env is a database and a clock, which histories use one after the other.
type env struct {
	name   string
	store  *sessiontest.FaultyStore
	db     *gorm.DB   // nil for the in-memory store
	proxy  *rig.Proxy // nil where there is no connection to cut
	clock  *sessiontest.Clock
	client *rig.Client
	users  int
}

// onEach runs a test on the in-memory store, SQLite and MySQL or MariaDB.
func onEach(t *testing.T, test func(t *testing.T, e *env)) {
	t.Helper()
	for name, open := range map[string]func(*testing.T, *env) session.Store{
		"memory": func(*testing.T, *env) session.Store { return sessiontest.NewStore() },
		"sqlite": func(t *testing.T, e *env) session.Store {
			e.db = rig.OpenSQLite(t)
			return rig.Migrated(t, e.db)
		},
		"mysql": openMySQL,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &env{name: name, clock: sessiontest.NewClock(time.Now().Truncate(time.Second)), client: rig.NewClient(time.Minute)}
			t.Cleanup(e.client.Close)
			e.store = sessiontest.Faulty(open(t, e))
			test(t, e)
		})
	}
}

// openMySQL reaches the server through a proxy that can cut.
func openMySQL(t *testing.T, e *env) session.Store {
	t.Helper()
	dsn, err := mysql.ParseDSN(testdb.MySQLDSN(t))
	require.NoError(t, err)
	if dsn.Net == "tcp" {
		e.proxy = rig.NewProxy(t, dsn.Addr)
		dsn.Addr = e.proxy.Addr()
	}
	db := rig.OpenMySQL(t, dsn.FormatDSN(), 4)
	e.db = db
	return rig.Migrated(t, db)
}

// start runs a new instance of the application on the store.
func (e *env) start(ctx context.Context, w time.Duration) (*rig.App, error) {
	return rig.Start(ctx, e.store, rig.AppConfig{Session: session.Config{
		AccessTokenValidity: accessValidity, RefreshTokenValidity: idleValidity,
		ConcurrentRefreshWindow: w, Leeway: session.NoLeeway, Now: e.clock.Now,
		SigningKey:       session.SigningKey{Rotation: session.NoRotation},
		Cleanup:          session.Cleanup{Disabled: true},
		OperationTimeout: 30 * time.Second, // a busy test machine
	}})
}
