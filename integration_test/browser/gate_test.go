//go:build e2e

package browser_test

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/session"
)

// gate makes races real: it holds refreshes back until so many requests have
// been told to refresh.
type gate struct {
	mu     sync.Mutex
	wanted int
	opened chan struct{}
}

func newGate() *gate {
	g := &gate{opened: make(chan struct{})}
	close(g.opened)
	return g
}

// holdFor holds the next refreshes back until n more requests got a 401.
func (g *gate) holdFor(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wanted, g.opened = n, make(chan struct{})
}

// count runs in front of all routes, and holds back those of the refresh. A gate that
// nobody opens lets pass after a while: the story then fails by its own counts.
func (g *gate) count(svc *session.Service) gin.HandlerFunc {
	return func(c *gin.Context) {
		if isRefresh(c, svc) {
			g.wait(c.Request.Context())
			return
		}
		c.Next()
		if c.Writer.Status() != http.StatusUnauthorized {
			return
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.wanted--; g.wanted == 0 {
			close(g.opened)
		}
	}
}

func (g *gate) wait(ctx context.Context) {
	g.mu.Lock()
	opened := g.opened
	g.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	select {
	case <-opened:
	case <-ctx.Done():
	}
}
