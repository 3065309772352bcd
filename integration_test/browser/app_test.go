//go:build e2e

package browser_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-contrib/cors"
	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/refresh"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/claim"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

// app is a Gin application on the kit, as its users write them. Its clock
// stands still until a story moves it, so that nothing waits for an expiry.
type app struct {
	clock  *sessiontest.Clock
	svc    *session.Service
	role   claim.Single[string]
	log    *requestLog
	gate   *gate
	thefts atomic.Int64
	// loseRefresh makes the answer of the next refresh get lost on its way.
	loseRefresh atomic.Bool
	engine      *gin.Engine
}

const validity = time.Hour

// newApp makes an application that pages of the given origin may talk to; none
// means its own.
func newApp(t *testing.T, pageOrigin string, change ...func(*session.Config)) *app {
	t.Helper()
	a := &app{clock: sessiontest.NewClock(time.Now().Truncate(time.Second)), log: &requestLog{}, gate: newGate()}
	cfg := session.Config{
		Now: a.clock.Now, Leeway: session.Off, AccessTokenValidity: validity,
		Cookie: session.CookieConfig{Insecure: true}, Logger: slog.New(slog.DiscardHandler),
		OperationTimeout: 30 * time.Second,
		OnEvent: func(e session.Event) {
			if e.Kind == session.EventTheft {
				a.thefts.Add(1)
			}
		},
	}
	for _, f := range change {
		f(&cfg)
	}
	var err error
	a.svc, err = session.New(t.Context(), memstore.New(), cfg)
	require.NoError(t, err)
	t.Cleanup(a.svc.Close)
	a.role, err = claim.NewSingle(claim.Config[string]{ID: "role"})
	require.NoError(t, err)
	a.engine = gin.New()
	a.engine.Use(a.log.middleware)
	if pageOrigin != "" {
		a.engine.Use(crossOrigin(pageOrigin))
	}
	a.routes()
	return a
}

func crossOrigin(origin string) gin.HandlerFunc {
	return cors.New(cors.Config{
		AllowOrigins: []string{origin}, AllowCredentials: true,
		AllowMethods: []string{http.MethodGet, http.MethodPost},
		AllowHeaders: session.AllowHeaders(), ExposeHeaders: session.ExposeHeaders(),
	})
}

func (a *app) routes() {
	a.engine.POST(a.svc.RefreshPaths()[0], a.gate.refresh, a.losing, refresh.Handler(a.svc))
	a.engine.POST(a.svc.SignOutPath(), refresh.SignOut(a.svc))
	a.engine.POST("/login", a.login)
	a.engine.GET("/strict", middleware.Verify(a.svc, session.WithRevocation(session.RevokeImmediately)), a.me)
	a.engine.GET("/admin", middleware.Verify(a.svc, session.WithClaims(a.role.HasValue("admin"))), a.me)

	protected := a.engine.Group("/", a.gate.count, middleware.Verify(a.svc))
	protected.GET("/me", a.me)
	protected.POST("/act", a.act)
	protected.POST("/payload", a.mergePayload)
	protected.POST("/role", a.setRole)
	protected.POST("/logout", func(c *gin.Context) {
		a.answer(c, mustSession(c).Revoke(c.Request.Context()))
	})
}

func mustSession(c *gin.Context) *session.Session {
	return c.MustGet(middleware.Key).(*session.Session)
}

func (a *app) login(c *gin.Context) {
	var body struct {
		User    string          `json:"user"`
		Payload json.RawMessage `json:"payload"`
	}
	if err := c.ShouldBindJSON(&body); err != nil {
		c.Status(http.StatusBadRequest)
		return
	}
	_, err := middleware.Create(c, a.svc, body.User, session.WithPayload(body.Payload))
	a.answer(c, err)
}

func (a *app) me(c *gin.Context) {
	sess := mustSession(c)
	var payload json.RawMessage
	err := sess.Payload(&payload)
	if err != nil {
		middleware.Abort(c, a.svc, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"user": sess.UserID(), "handle": sess.Handle(), "payload": payload})
}

// act answers the text that it was sent.
func (a *app) act(c *gin.Context) {
	var body struct {
		Text string `json:"text"`
	}
	if err := c.ShouldBindJSON(&body); err != nil {
		c.Status(http.StatusBadRequest)
		return
	}
	c.JSON(http.StatusOK, gin.H{"text": body.Text})
}

func (a *app) mergePayload(c *gin.Context) {
	var members map[string]any
	if err := c.ShouldBindJSON(&members); err != nil {
		c.Status(http.StatusBadRequest)
		return
	}
	_, err := mustSession(c).MergePayload(c.Request.Context(), members)
	a.answer(c, err)
}

func (a *app) setRole(c *gin.Context) {
	var body struct {
		Role string `json:"role"`
	}
	if err := c.ShouldBindJSON(&body); err != nil {
		c.Status(http.StatusBadRequest)
		return
	}
	_, err := a.role.Set(c.Request.Context(), mustSession(c), body.Role)
	a.answer(c, err)
}

func (a *app) answer(c *gin.Context, err error) {
	if err != nil {
		middleware.Abort(c, a.svc, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"ok": true})
}

// losing runs the refresh and then cuts the connection, if a story wants that.
func (a *app) losing(c *gin.Context) {
	if !a.loseRefresh.CompareAndSwap(true, false) {
		return
	}
	c.Abort()
	_, err := a.svc.RefreshHTTP(httptest.NewRecorder(), c.Request)
	a.log.note("the refresh's answer got lost, its error: %v", err)
	conn, _, err := c.Writer.Hijack()
	if err != nil {
		panic(errors.Join(errors.New("cannot cut the connection"), err))
	}
	_ = conn.Close()
}

// expire moves the clock past the end of every access token.
func (a *app) expire() { a.clock.Advance(validity + time.Second) }

// revokeAll ends the user's sessions, as from another device, and returns how many.
func (a *app) revokeAll(ctx context.Context, t *testing.T, user string) int {
	t.Helper()
	n, err := a.svc.RevokeAll(ctx, user)
	require.NoError(t, err)
	return n
}
