package histories_test

import (
	"context"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

const (
	accessValidity = 5 * time.Minute
	idleValidity   = time.Hour
	window         = 10 * time.Second
)

// env is a database and a clock, which histories use one after the other.
type env struct {
	name   string
	store  *storetest.FaultyStore
	proxy  *rig.Proxy // nil where there is no connection to cut
	clock  *sessiontest.Clock
	client *rig.Client
	ledger *rig.Ledger
	tally  tally
	users  int

	// share is how many of the histories asked for this engine leaves out for
	// each one that it does; histories is how many it did.
	share, asked, histories int
}

// engine opens a store. In the quick run, one that is slow under the race
// detector does one history of slow.
type engine struct {
	open func(*testing.T, *env) session.Store
	slow int
}

// engines are the in-memory store, SQLite, MySQL or MariaDB, and PostgreSQL
// where there is one.
var engines = map[string]engine{
	"memory":   {open: func(*testing.T, *env) session.Store { return memstore.New() }, slow: 1},
	"sqlite":   {open: func(t *testing.T, _ *env) session.Store { return rig.Migrated(t, rig.OpenSQLite(t)) }, slow: 8},
	"mysql":    {open: openMySQL, slow: 1},
	"postgres": {open: func(t *testing.T, _ *env) session.Store { return rig.Migrated(t, testdb.Postgres(t)) }, slow: 8},
}

// onEach runs a test on every engine.
func onEach(t *testing.T, test func(t *testing.T, e *env)) {
	t.Helper()
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &env{
				name: name, clock: sessiontest.NewClock(time.Now().Truncate(time.Second)), client: rig.NewClient(time.Minute),
				ledger: &rig.Ledger{}, tally: tally{}, share: 1,
			}
			if quick() {
				e.share = engine.slow
			}
			t.Cleanup(e.client.Close)
			e.store = storetest.Faulty(engine.open(t, e))
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
	return rig.Migrated(t, rig.OpenMySQL(t, dsn.FormatDSN(), 4))
}

// start runs a new instance of the application on the store.
func (e *env) start(ctx context.Context, w time.Duration) (*rig.App, error) {
	return rig.Start(ctx, e.store, rig.AppConfig{Ledger: e.ledger, Session: session.Config{
		AccessTokenValidity: accessValidity, RefreshTokenValidity: idleValidity,
		ConcurrentRefreshWindow: w, Leeway: session.Off, Now: e.clock.Now,
		SigningKey:       session.SigningKeyConfig{Rotation: session.Off},
		Cleanup:          session.CleanupConfig{Every: session.Off},
		OperationTimeout: 30 * time.Second, // a busy test machine
	}})
}
