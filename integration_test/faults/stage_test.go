//go:build faults

package faults_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
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
	// oneCall bounds an answer that takes one call of the kit: its deadline, and a
	// tenth of a second for what is no database work. twoCalls bounds one that
	// takes two, each with its deadline: a sign-out, and a write of data whose
	// access token must be promoted.
	oneCall  = operationTimeout + 100*time.Millisecond
	twoCalls = 2*operationTimeout + 500*time.Millisecond
	// threeCalls is for networks so slow that the second answer takes more than a tenth
	// of a second: then one more statement asks whether its tokens are still right.
	threeCalls = 3*operationTimeout + 500*time.Millisecond
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
		AccessTokenValidity: 10 * time.Minute, RefreshTokenValidity: time.Hour, Leeway: session.Off, OperationTimeout: operationTimeout,
		InsecureShortLifetimes: true, Logger: slog.New(slog.DiscardHandler),
	}
}

// crowd lets the usual crowd work.
func (s *stage) crowd() *rig.Crowd {
	s.t.Helper()
	return rig.StartCrowd(s.t, rig.CrowdConfig{Strict: []string{s.strict.URL}, Window: []string{s.window.URL}})
}

// lastingly is an instance whose access tokens outlive the row: those who use it
// need the database for nothing but their sign-in and their data.
func (s *stage) lastingly() *rig.App {
	s.t.Helper()
	return s.start(setting{}, func(c *session.Config) { c.AccessTokenValidity = 10 * time.Minute })
}

// mixedCrowd is the usual crowd, of which every fourth has lasting tokens.
func (s *stage) mixedCrowd(lasting *rig.App, pace time.Duration) *rig.Crowd {
	s.t.Helper()
	return rig.StartCrowd(s.t, rig.CrowdConfig{
		Strict: []string{s.strict.URL}, Window: []string{s.window.URL}, Long: []string{lasting.URL}, Pace: pace,
	})
}

// goesOn lets the crowd work and asserts that in each second requests succeed
// that need no database.
func (s *stage) goesOn(crowd *rig.Crowd, seconds int) {
	s.t.Helper()
	for second := range seconds {
		before := crowd.Tally().Numbers()
		sleep(s.t.Context(), time.Second)
		after := crowd.Tally().Numbers()
		assert.Greater(s.t, after.Stateless-after.StatelessFailed, before.Stateless-before.StatelessFailed,
			"second %d: requests without the database go on", second+1)
	}
}

// outage kills the server and starts it again after d. It returns how long
// nobody was there.
func (s *stage) outage(d time.Duration) time.Duration {
	s.t.Helper()
	begin := time.Now()
	s.db.Kill()
	sleep(s.t.Context(), d)
	s.db.Start()
	return time.Since(begin)
}

// keys is the number of keys that were made.
func (s *stage) keys() (n int) {
	s.t.Helper()
	require.NoError(s.t, s.admin.QueryRowContext(s.t.Context(), "SELECT COUNT(*) FROM auth_signing_keys").Scan(&n))
	return n
}

// finish checks all invariants and prints the row's line. further are instances
// beside the stage's own two.
func (s *stage) finish(crowd *rig.Crowd, id, what string, lossy bool, further []*rig.App, extra ...string) rig.Result {
	s.t.Helper()
	s.proxy.Set(rig.Weather{})
	s.proxy.CutAt(0, rig.NoCut)
	result := crowd.Check(s.t, s.store, s.ledger, lossy)
	s.close(further)
	result.Print(id, what, extra...)
	return result
}

// close ends all instances and the pool, and asserts that nothing is left of them.
func (s *stage) close(further []*rig.App) {
	s.t.Helper()
	for _, app := range append(further, s.strict, s.window) {
		app.Close()
	}
	closePool(s.t, s.pool)
	s.baseline.Check(s.t)
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
