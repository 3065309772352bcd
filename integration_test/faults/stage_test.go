//go:build faults

package faults_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/session"
)

const (
	operationTimeout = time.Second
	// window must be longer than any request takes; see Config.ConcurrentRefreshWindow.
	window = 3 * time.Second
	pool   = 20
)

// stage is a server, a proxy before it, and two instances of an application
// behind the proxy: one strict, one with a window.
type stage struct {
	t              *testing.T
	db             *rig.MariaDB
	proxy          *rig.Proxy
	pool           *gorm.DB
	store          session.Store
	ledger         *rig.Ledger
	strict, window *rig.App
	baseline       rig.Baseline
	admin          *sql.DB // an administrator's, without idle connections
}

// setting changes how a stage is set up.
type setting struct {
	dir     string   // of the server's data
	options []string // of the server
	conns   int      // of the pool
	session func(*session.Config)
	app     func(*rig.AppConfig)
}

func setUp(t *testing.T, set setting) *stage {
	t.Helper()
	s := &stage{t: t, ledger: &rig.Ledger{}}
	s.db = rig.StartMariaDB(t, set.dir, append([]string{"--innodb-flush-log-at-trx-commit=1"}, set.options...)...)
	s.proxy = rig.NewProxy(t, s.db.Addr())
	s.admin = openRaw(t, s.db.AdminDSN()+"app")
	s.admin.SetMaxIdleConns(0)
	s.db.Admin("CREATE TABLE app.weight (b INT)")
	s.baseline = rig.TakeBaseline()
	if set.conns == 0 {
		set.conns = pool
	}
	s.pool = rig.OpenMySQL(t, s.db.DSN(s.proxy.Addr()), set.conns)
	s.store = rig.Migrated(t, s.pool)
	s.strict = s.start(set, func(c *session.Config) { c.AccessTokenValidity = 2 * time.Second })
	s.window = s.start(set, func(c *session.Config) {
		c.AccessTokenValidity, c.ConcurrentRefreshWindow = window+time.Second, window
	})
	return s
}

func (s *stage) start(set setting, mode func(*session.Config)) *rig.App {
	s.t.Helper()
	cfg := rig.AppConfig{Ledger: s.ledger, Session: config()}
	mode(&cfg.Session)
	if set.session != nil {
		set.session(&cfg.Session)
	}
	if set.app != nil {
		set.app(&cfg)
	}
	app, err := rig.Start(s.t.Context(), s.store, cfg)
	require.NoError(s.t, err)
	return app
}

func config() session.Config {
	return session.Config{
		AccessTokenValidity: 10 * time.Minute, RefreshTokenValidity: time.Hour, Leeway: session.NoLeeway, OperationTimeout: operationTimeout,
		InsecureShortLifetimes: true, Logger: slog.New(slog.DiscardHandler),
	}
}

// crowd lets the usual crowd work.
func (s *stage) crowd() *rig.Crowd {
	s.t.Helper()
	return rig.StartCrowd(s.t, rig.CrowdConfig{Strict: []string{s.strict.URL}, Window: []string{s.window.URL}})
}

// finish checks all invariants and prints the row's line.
func (s *stage) finish(crowd *rig.Crowd, id, what string, lossy bool, extra ...string) rig.Result {
	s.t.Helper()
	s.proxy.Set(rig.Weather{})
	s.proxy.CutAt(0, rig.NoCut)
	result := crowd.Check(s.t, s.store, s.ledger, lossy)
	s.strict.Close()
	s.window.Close()
	closePool(s.t, s.pool)
	s.baseline.Check(s.t)
	result.Print(id, what, extra...)
	return result
}

func closePool(t *testing.T, db *gorm.DB) {
	t.Helper()
	pool, err := db.DB()
	require.NoError(t, err)
	_ = pool.Close() // connections that broke meanwhile are no news
}

// sleep lets the crowd work for a while.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func stat(name string, value any) string { return fmt.Sprintf("%s=%v", name, value) }
