package rig

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/models/gormstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// operationTimeout is the default of the kit; window is longer than any request takes.
// patience is how long a client waits until a request counts as one that hangs: many
// servers on few cores may need longer than one does.
const (
	operationTimeout = 2 * time.Second
	window           = 6 * time.Second
	patience         = 30 * time.Second
)

// Stage is two instances of an application on a cluster.
type Stage struct {
	t              *testing.T
	pool           *gorm.DB
	store          session.Store
	ledger         *Ledger
	strict, window *App
	reasons        *Reasons
	baseline       Baseline
}

// SetUp makes the tables, as cfg has them, and starts both instances.
func SetUp(t *testing.T, dsn string, cfg gormstore.Config) *Stage {
	t.Helper()
	s := &Stage{t: t, ledger: &Ledger{}, reasons: &Reasons{}, baseline: TakeBaseline()}
	s.pool = OpenMySQL(t, dsn, 20)
	store, err := gormstore.New(s.pool, cfg)
	require.NoError(t, err)
	require.NoError(t, store.Migrate(t.Context()))
	s.store = &Hooked{Store: store, Failed: s.reasons.Failed}
	s.strict = s.start(3*time.Second, 0)
	s.window = s.start(window+time.Second, window)
	return s
}

func (s *Stage) start(access, w time.Duration) *App {
	s.t.Helper()
	app, err := Start(s.t.Context(), s.store, AppConfig{Ledger: s.ledger, Session: session.Config{
		AccessTokenValidity: access, ConcurrentRefreshWindow: w, RefreshTokenValidity: time.Hour,
		Leeway: session.Off, OperationTimeout: operationTimeout,
	}})
	require.NoError(s.t, err)
	return app
}

// Crowd lets the usual crowd work.
func (s *Stage) Crowd() *Crowd {
	s.t.Helper()
	return StartCrowd(s.t, CrowdConfig{
		Strict: []string{s.strict.URL}, Window: []string{s.window.URL}, Concurrent: window, Timeout: patience,
	})
}

// Finish checks all invariants and prints the line of the row.
func (s *Stage) Finish(crowd *Crowd, id, what string, extra ...string) Result {
	s.t.Helper()
	result := crowd.Check(s.t, s.store, s.ledger, false)
	s.strict.Close()
	s.window.Close()
	pool, err := s.pool.DB()
	require.NoError(s.t, err)
	require.NoError(s.t, pool.Close())
	s.baseline.Check(s.t)
	for _, reason := range s.reasons.Outages() {
		s.t.Log("503:", reason)
	}
	assert.Empty(s.t, s.reasons.Faults(), "what 500 is for")
	result.Print(id, what, extra...)
	return result
}

// Sleep lets the crowd work for a while.
func Sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// Stat is one more number of a row.
func Stat(name string, value any) string { return fmt.Sprintf("%s=%v", name, value) }

// Race lets eight requests use a new access token for the first time, at once
// and over whichever connections, and returns how many promotions there were.
func (s *Stage) Race(rounds int) (promotions int) {
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
func (s *Stage) racer() (*session.Service, *Ledger) {
	s.t.Helper()
	ledger := &Ledger{}
	svc, err := session.New(s.t.Context(), s.store, session.Config{OnEvent: ledger.Event, Logger: slog.New(slog.DiscardHandler), OperationTimeout: 10 * time.Second})
	require.NoError(s.t, err)
	return svc, ledger
}
