package rig

import (
	"cmp"
	"context"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http/httptest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// App is one instance of an application that uses the kit. See the package's
// comment for its routes.
type App struct {
	Svc    *session.Service
	Ledger *Ledger
	Router *gin.Engine
	// URL is where it serves HTTPS, on 127.0.0.1; empty before Serve.
	URL string

	// Clock and Log are those of AppConfig.
	Clock *sessiontest.Clock
	Log   *Log
	// Store fails when it is told to. Only a Story has one.
	Store *storetest.FaultyStore

	server *httptest.Server
	client *Client
}

// AppConfig says how to make an App.
type AppConfig struct {
	Session session.Config
	// Ledger, if set, is shared with other instances.
	Ledger *Ledger
	// Clock, if set, is what the service goes by.
	Clock *sessiontest.Clock
	// Log, if set, gets what is logged, at every level, unless Session.Logger does.
	Log *Log
	// Listener, if set, is where Start serves.
	Listener net.Listener
	// Pages adds a page for browsers without scripts, and has the routes of the kit take
	// them. It needs a window.
	Pages bool
	// Prefix is put before the paths of the application's own routes.
	Prefix string
	// Routes, if set, adds a test's own routes. The application's come after, so that
	// what it gives to Use runs in front of them.
	Routes func(*gin.Engine, *App)
}

// New makes an instance on a store.
func New(ctx context.Context, store session.Store, cfg AppConfig) (*App, error) {
	a := &App{Ledger: cfg.Ledger, Clock: cfg.Clock, Log: cfg.Log}
	if a.Ledger == nil {
		a.Ledger = &Ledger{}
	}
	if cfg.Clock != nil && cfg.Session.Now == nil {
		cfg.Session.Now = cfg.Clock.Now
	}
	if cfg.Log != nil && cfg.Session.Logger == nil {
		// Debug, so that what must not be logged has every chance to be.
		cfg.Session.Logger = slog.New(slog.NewTextHandler(cfg.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	cfg.Session.Logger = cmp.Or(cfg.Session.Logger, slog.New(slog.DiscardHandler))
	a.keepBooks(&cfg.Session)
	svc, err := session.New(ctx, store, cfg.Session)
	if err != nil {
		return nil, err
	}
	a.Svc = svc
	a.addRoutes(cfg)
	return a, nil
}

// keepBooks has the ledger told of events and thefts, besides whoever is told already.
func (a *App) keepBooks(cfg *session.Config) {
	own, told := cfg.OnEvent, cfg.OnTheft
	cfg.OnEvent = func(e session.Event) {
		a.Ledger.Event(e)
		if own != nil {
			own(e)
		}
	}
	cfg.OnTheft = func(ctx context.Context, theft *errors.TokenTheftError) {
		a.Ledger.callback(theft.SessionHandle)
		if told != nil {
			told(ctx, theft)
		}
	}
}

// Start makes an instance that serves.
func Start(ctx context.Context, store session.Store, cfg AppConfig) (*App, error) {
	a, err := New(ctx, store, cfg)
	if err != nil {
		return nil, err
	}
	a.Serve(cfg.Listener)
	return a, nil
}

// Serve serves HTTPS at the listener; nil is a new one.
func (a *App) Serve(listener net.Listener) {
	a.server = httptest.NewUnstartedServer(a.Router)
	if listener != nil {
		_ = a.server.Listener.Close()
		a.server.Listener = listener
	}
	a.server.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that hang up are no news
	a.server.Config.ReadHeaderTimeout = time.Minute
	a.server.StartTLS()
	a.URL = a.server.URL
	a.client = Over(a.server.Client())
}

// Do is a Way to the instance: over HTTPS if it serves, else straight to its handler.
func (a *App) Do(ctx context.Context, r Request) (Reply, error) {
	if a.server == nil {
		return Into(a.Router)(ctx, r)
	}
	return a.client.Do(ctx, a.URL, r)
}

// Close ends the instance after the requests under way.
func (a *App) Close() {
	if a.server != nil {
		a.server.Close()
	}
	a.Svc.Close()
}

// Crash ends the instance under its clients: connections break, and nothing
// that it knew outlives it but what the store has.
func (a *App) Crash() {
	a.server.CloseClientConnections()
	a.Close()
}
