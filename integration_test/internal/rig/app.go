package rig

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/refresh"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Paths of the application.
const (
	RefreshPath = "/auth/session/refresh"
	SignOutPath = "/auth/signout"
)

// App is one instance of an application that uses the kit, over HTTPS on
// 127.0.0.1.
type App struct {
	Svc    *session.Service
	Ledger *Ledger
	URL    string
	server *httptest.Server
}

// AppConfig says how to start an App.
type AppConfig struct {
	Session session.Config
	// Ledger, if set, is shared with other instances.
	Ledger *Ledger
	// Listener, if set, is where to serve.
	Listener net.Listener
	// Middleware is added to what the application does by itself.
	Middleware []gin.HandlerFunc
}

// Start runs an instance on a store. Config.Logger is silent unless set.
func Start(ctx context.Context, store session.Store, cfg AppConfig) (*App, error) {
	a := &App{Ledger: cfg.Ledger}
	if a.Ledger == nil {
		a.Ledger = &Ledger{}
	}
	own := cfg.Session.OnEvent
	cfg.Session.OnEvent = func(e session.Event) {
		a.Ledger.Event(e)
		if own != nil {
			own(e)
		}
	}
	told := cfg.Session.OnTheft
	cfg.Session.OnTheft = func(ctx context.Context, theft *errors.TokenTheftError) {
		a.Ledger.callback(theft.SessionHandle)
		if told != nil {
			told(ctx, theft)
		}
	}
	cfg.Session.Logger = cmp.Or(cfg.Session.Logger, slog.New(slog.DiscardHandler))
	svc, err := session.New(ctx, store, cfg.Session)
	if err != nil {
		return nil, err
	}
	a.Svc = svc
	a.server = httptest.NewUnstartedServer(a.router(cfg))
	if cfg.Listener != nil {
		_ = a.server.Listener.Close()
		a.server.Listener = cfg.Listener
	}
	a.server.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that hang up are no news
	a.server.Config.ReadHeaderTimeout = time.Minute
	a.server.StartTLS()
	a.URL = a.server.URL
	return a, nil
}

// Close ends the instance after the requests under way.
func (a *App) Close() {
	a.server.Close()
	a.Svc.Close()
}

// Crash ends the instance under its clients: connections break, and nothing
// that it knew outlives it but what the store has.
func (a *App) Crash() {
	a.server.CloseClientConnections()
	a.Close()
}

func (a *App) router(cfg AppConfig) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	router.Use(gin.RecoveryWithWriter(io.Discard))
	router.Use(cfg.Middleware...)
	refresh.Mount(router, a.Svc)
	router.POST("/login", a.login)
	router.GET("/strict", middleware.Verify(a.Svc, session.WithRevocation(session.RevokeImmediately)), a.me)

	protected := router.Group("/", middleware.Verify(a.Svc))
	protected.GET("/me", a.me)
	protected.GET("/data", a.readData)
	protected.PUT("/data", a.writeData)
	protected.POST("/revoke-all", a.revokeAll)
	return router
}

func mustSession(c *gin.Context) *session.Session {
	return c.MustGet(middleware.Key).(*session.Session)
}

// login trusts whoever says who they are: the load is about what comes after.
func (a *App) login(c *gin.Context) {
	_, err := middleware.Create(c, a.Svc, c.Query("user"))
	a.answer(c, err)
}

func (a *App) me(c *gin.Context) {
	a.Ledger.handlerRan(mustSession(c).Handle())
	c.JSON(http.StatusOK, gin.H{"user": mustSession(c).UserID()})
}

func (a *App) readData(c *gin.Context) {
	a.Ledger.handlerRan(mustSession(c).Handle())
	var data json.RawMessage
	if err := mustSession(c).Data(c.Request.Context(), &data); err != nil {
		middleware.Abort(c, a.Svc, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"data": data})
}

func (a *App) writeData(c *gin.Context) {
	a.Ledger.handlerRan(mustSession(c).Handle())
	if err := mustSession(c).UpdateData(c.Request.Context(), c.Query("value")); err != nil {
		middleware.Abort(c, a.Svc, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"ok": true, "user": mustSession(c).UserID()})
}

func (a *App) revokeAll(c *gin.Context) {
	a.Ledger.handlerRan(mustSession(c).Handle())
	_, err := a.Svc.RevokeAll(c.Request.Context(), mustSession(c).UserID())
	a.answer(c, err)
}

func (a *App) answer(c *gin.Context, err error) {
	if err != nil {
		middleware.Abort(c, a.Svc, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"ok": true})
}
