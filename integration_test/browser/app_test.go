//go:build e2e

package browser_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-contrib/cors"
	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/claim"
)

// backEnd is the application behind the pages, and what a story does to it. Its clock
// stands still until a story moves it, so that nothing waits for an expiry.
type backEnd struct {
	*rig.App
	role claim.Single[string]
	log  *requestLog
	gate *gate
	// loseRefresh makes the answer of the next refresh get lost on its way.
	loseRefresh atomic.Bool
}

const validity = time.Hour

// newBackEnd makes one that pages of the given origin may talk to; none means its own.
func newBackEnd(t *testing.T, pageOrigin string, change ...func(*session.Config)) *backEnd {
	t.Helper()
	a := &backEnd{log: &requestLog{}, gate: newGate()}
	var err error
	a.role, err = claim.NewSingle(claim.Config[string]{ID: "role"})
	require.NoError(t, err)
	a.App = rig.Story(t, memstore.New(), rig.AppConfig{
		Session: session.Config{AccessTokenValidity: validity, Cookie: session.CookieConfig{Insecure: true}},
		Routes: func(router *gin.Engine, app *rig.App) {
			router.Use(a.log.middleware)
			if pageOrigin != "" {
				router.Use(crossOrigin(pageOrigin))
			}
			router.Use(a.gate.count(app.Svc), a.losing(app.Svc))
			a.routes(router, app)
		},
	}, change...)
	return a
}

func crossOrigin(origin string) gin.HandlerFunc {
	return cors.New(cors.Config{
		AllowOrigins: []string{origin}, AllowCredentials: true,
		AllowMethods: []string{http.MethodGet, http.MethodPost},
		AllowHeaders: session.AllowHeaders(), ExposeHeaders: session.ExposeHeaders(),
	})
}

func (a *backEnd) routes(router *gin.Engine, app *rig.App) {
	router.GET("/admin", middleware.Verify(app.Svc, session.WithClaims(a.role.HasValue("admin"))), app.Me)
	recent := middleware.Verify(app.Svc, session.RequireRecentAuth(10*time.Minute))
	router.GET("/danger", recent, app.Me)
	router.POST("/danger", recent, echo)
	protected := router.Group("/", middleware.Verify(app.Svc))
	protected.POST("/echo", echo)
	protected.POST("/payload", func(c *gin.Context) {
		var members map[string]any
		if c.ShouldBindJSON(&members) != nil {
			c.Status(http.StatusBadRequest)
			return
		}
		_, err := app.Session(c).MergePayload(c.Request.Context(), members)
		app.Answer(c, err)
	})
	protected.POST("/role", func(c *gin.Context) {
		var body struct {
			Role string `json:"role"`
		}
		if c.ShouldBindJSON(&body) != nil {
			c.Status(http.StatusBadRequest)
			return
		}
		_, err := a.role.Set(c.Request.Context(), app.Session(c), body.Role)
		app.Answer(c, err)
	})
}

// echo answers the text that it was sent.
func echo(c *gin.Context) {
	var body struct {
		Text string `json:"text"`
	}
	if c.ShouldBindJSON(&body) != nil {
		c.Status(http.StatusBadRequest)
		return
	}
	c.JSON(http.StatusOK, body)
}

// isRefresh reports whether the request is one to the kit's refresh route.
func isRefresh(c *gin.Context, svc *session.Service) bool {
	return c.Request.Method == http.MethodPost && c.Request.URL.Path == svc.RefreshPaths()[0]
}

// losing runs a refresh and then cuts the connection, if a story wants that.
func (a *backEnd) losing(svc *session.Service) gin.HandlerFunc {
	return func(c *gin.Context) {
		if !isRefresh(c, svc) || !a.loseRefresh.CompareAndSwap(true, false) {
			return
		}
		c.Abort()
		_, err := svc.RefreshHTTP(httptest.NewRecorder(), c.Request)
		a.log.note("the refresh's answer got lost, its error: %v", err)
		conn, _, err := c.Writer.Hijack()
		if err != nil {
			panic(errors.Join(errors.New("cannot cut the connection"), err))
		}
		_ = conn.Close()
	}
}

// thefts is how many were noticed.
func (a *backEnd) thefts() int { return a.Ledger.Kind(session.EventTheft) }

// expire moves the clock past the end of every access token.
func (a *backEnd) expire() { a.Clock.Advance(validity + time.Second) }

// revokeAll ends the user's sessions, as from another device, and returns how many.
func (a *backEnd) revokeAll(ctx context.Context, t *testing.T, user string) int {
	t.Helper()
	n, err := a.Svc.RevokeAll(ctx, user)
	require.NoError(t, err)
	return n
}
