//go:build cluster

package cluster_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/session"
)

func TestMain(m *testing.M) {
	_ = mysql.SetLogger(&mysql.NopLogger{}) // connections break on purpose
	os.Exit(m.Run())
}

// operationTimeout is the default of the kit; window is longer than any request takes.
const (
	operationTimeout = 2 * time.Second
	window           = 6 * time.Second
)

// stage is two instances of an application on a cluster.
type stage struct {
	t              *testing.T
	pool           *gorm.DB
	store          session.Store
	ledger         *rig.Ledger
	strict, window *rig.App
	baseline       rig.Baseline
}

func setUp(t *testing.T, dsn string) *stage {
	t.Helper()
	s := &stage{t: t, ledger: &rig.Ledger{}, baseline: rig.TakeBaseline()}
	s.pool = rig.OpenMySQL(t, dsn, 20)
	s.store = rig.Migrated(t, s.pool)
	s.strict = s.start(3*time.Second, 0)
	s.window = s.start(window+time.Second, window)
	return s
}

func (s *stage) start(access, w time.Duration) *rig.App {
	s.t.Helper()
	app, err := rig.Start(s.t.Context(), s.store, rig.AppConfig{Ledger: s.ledger, Session: session.Config{
		AccessTokenValidity: access, ConcurrentRefreshWindow: w, RefreshTokenValidity: time.Hour,
		Leeway: session.Off, OperationTimeout: operationTimeout,
	}})
	require.NoError(s.t, err)
	return app
}

func (s *stage) crowd() *rig.Crowd {
	s.t.Helper()
	return rig.StartCrowd(s.t, rig.CrowdConfig{Strict: []string{s.strict.URL}, Window: []string{s.window.URL}, Concurrent: window})
}

func (s *stage) finish(crowd *rig.Crowd, id, what string, extra ...string) rig.Result {
	s.t.Helper()
	result := crowd.Check(s.t, s.store, s.ledger, false)
	s.strict.Close()
	s.window.Close()
	pool, err := s.pool.DB()
	require.NoError(s.t, err)
	require.NoError(s.t, pool.Close())
	s.baseline.Check(s.t)
	result.Print(id, what, extra...)
	return result
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

// race lets eight requests use a new access token for the first time, at once
// and over whichever connections, and returns how many promotions there were.
func (s *stage) race(rounds int) (promotions int) {
	s.t.Helper()
	svc, ledger := s.racer()
	defer svc.Close()
	for range rounds {
		tokens, err := svc.Create(s.t.Context(), "racer")
		require.NoError(s.t, err)
		next, err := svc.Refresh(s.t.Context(), tokens.Refresh.Value)
		require.NoError(s.t, err)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				_, _, err := svc.Verify(s.t.Context(), next.Access.Value, next.AntiCSRF)
				assert.NoError(s.t, err)
			})
		}
		all.Wait()
	}
	return ledger.Kind(session.EventPromoted)
}

// racer is an instance with books of its own.
func (s *stage) racer() (*session.Service, *rig.Ledger) {
	s.t.Helper()
	ledger := &rig.Ledger{}
	svc, err := session.New(s.t.Context(), s.store, session.Config{OnEvent: ledger.Event, Logger: slog.New(slog.DiscardHandler), OperationTimeout: 10 * time.Second})
	require.NoError(s.t, err)
	return svc, ledger
}
