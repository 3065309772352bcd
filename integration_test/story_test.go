package integration_test

import (
	"context"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

// story is what a story is told on: an application that serves, and what lies below it.
type story struct {
	*rig.App
	t      *testing.T
	db     *gorm.DB // nil if there is none, or none that the story asks
	thefts chan *errors.TokenTheftError
}

// start runs an application on a fresh store of the engine.
func start(t *testing.T, e engine, change ...func(*session.Config)) *story {
	t.Helper()
	store, db := e.open(t)
	a := startOn(t, store, rig.AppConfig{}, change...)
	a.db = db
	return a
}

// startOn runs one more instance on a store and with a clock that may be shared.
func startOn(t *testing.T, store session.Store, cfg rig.AppConfig, change ...func(*session.Config)) *story {
	t.Helper()
	a := &story{t: t, thefts: make(chan *errors.TokenTheftError, 100)}
	cfg.Session.OnTheft = func(_ context.Context, theft *errors.TokenTheftError) { a.thefts <- theft }
	a.App = rig.Story(t, store, cfg, change...)
	a.Serve(nil)
	return a
}

// at is a configuration with a clock that stands at that time.
func at(now time.Time) rig.AppConfig { return rig.AppConfig{Clock: sessiontest.NewClock(now)} }

// count is how many events of a kind there were.
func (a *story) count(kind session.EventKind) int { return a.Ledger.Kind(kind) }
