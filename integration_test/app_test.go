package integration_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/refresh"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// app is a Gin application that uses the kit as its users do.
type app struct {
	t      *testing.T
	clock  *sessiontest.Clock
	store  *storetest.FaultyStore
	db     *gorm.DB
	svc    *session.Service
	server *httptest.Server
	logs   *logBuffer
	thefts chan *errors.TokenTheftError
	events *eventLog
	// ran counts the protected handlers that were reached.
	ran atomic.Int64
}

// start runs an application on a fresh store of the engine.
func start(t *testing.T, e engine, change ...func(*session.Config)) *app {
	t.Helper()
	store, db := e.open(t)
	a := startOn(t, store, sessiontest.NewClock(time.Now().Truncate(time.Second)), change...)
	a.db = db
	return a
}

// startOn runs one more instance on a store that may be shared.
func startOn(t *testing.T, store session.Store, clock *sessiontest.Clock, change ...func(*session.Config)) *app {
	t.Helper()
	a := &app{
		t: t, clock: clock, store: storetest.Faulty(store), logs: &logBuffer{},
		thefts: make(chan *errors.TokenTheftError, 100), events: &eventLog{},
	}
	cfg := session.Config{
		Now: clock.Now, OnEvent: a.events.add, Leeway: session.Off,
		OnTheft: func(_ context.Context, theft *errors.TokenTheftError) { a.thefts <- theft },
		// Debug, so that what must not be logged has every chance to be.
		Logger: slog.New(slog.NewTextHandler(a.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
		// Databases on a busy test machine.
		OperationTimeout: 30 * time.Second,
	}
	for _, f := range change {
		f(&cfg)
	}
	svc, err := session.New(t.Context(), a.store, cfg)
	require.NoError(t, err)
	t.Cleanup(svc.Close)
	a.svc = svc
	a.server = httptest.NewUnstartedServer(a.router())
	a.server.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that hang up are no news
	a.server.StartTLS()
	t.Cleanup(a.server.Close)
	return a
}

func (a *app) router() http.Handler {
	router := gin.New()
	refresh.Mount(router, a.svc)
	router.POST("/login", a.login)
	router.GET("/visitor", middleware.VerifyOptional(a.svc), func(c *gin.Context) {
		_, signedIn := middleware.Session(c)
		c.JSON(http.StatusOK, gin.H{"signedIn": signedIn})
	})
	router.GET("/strict", middleware.Verify(a.svc, session.WithRevocation(session.RevokeImmediately)), a.me)

	protected := router.Group("/", middleware.Verify(a.svc))
	protected.GET("/me", a.me)
	protected.POST("/act", a.me)
	protected.GET("/slow", func(c *gin.Context) {
		a.clock.Advance(time.Second)
		a.me(c)
	})
	protected.GET("/data", a.readData)
	protected.PUT("/data", a.writeData)
	protected.POST("/revoke", func(c *gin.Context) {
		a.answer(c, mustSession(c).Revoke(c.Request.Context()))
	})
	return router
}

func mustSession(c *gin.Context) *session.Session {
	return c.MustGet(middleware.Key).(*session.Session)
}

func (a *app) login(c *gin.Context) {
	var body struct {
		User    string           `json:"user"`
		Payload *json.RawMessage `json:"payload"`
		Data    *json.RawMessage `json:"data"`
	}
	if err := c.ShouldBindJSON(&body); err != nil {
		c.Status(http.StatusBadRequest)
		return
	}
	var opts []session.CreateOption
	if body.Payload != nil {
		opts = append(opts, session.WithPayload(*body.Payload))
	}
	if body.Data != nil {
		opts = append(opts, session.WithData(*body.Data))
	}
	_, err := middleware.Create(c, a.svc, body.User, opts...)
	a.answer(c, err)
}

func (a *app) me(c *gin.Context) {
	a.ran.Add(1)
	sess := mustSession(c)
	var payload json.RawMessage
	if err := sess.Payload(&payload); err != nil {
		middleware.Abort(c, a.svc, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"user": sess.UserID(), "handle": sess.Handle(), "payload": payload})
}

func (a *app) readData(c *gin.Context) {
	var data json.RawMessage
	if err := mustSession(c).Data(c.Request.Context(), &data); err != nil {
		middleware.Abort(c, a.svc, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"data": data})
}

func (a *app) writeData(c *gin.Context) {
	var data json.RawMessage
	if err := c.ShouldBindJSON(&data); err != nil {
		c.Status(http.StatusBadRequest)
		return
	}
	a.answer(c, mustSession(c).UpdateData(c.Request.Context(), data))
}

func (a *app) answer(c *gin.Context, err error) {
	if err != nil {
		middleware.Abort(c, a.svc, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"ok": true})
}

// logBuffer collects log lines.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// eventLog counts events.
type eventLog struct {
	mu   sync.Mutex
	seen []session.Event
}

func (l *eventLog) add(e session.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen = append(l.seen, e)
}

func (l *eventLog) count(kind session.EventKind) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, e := range l.seen {
		if e.Kind == kind {
			n++
		}
	}
	return n
}
