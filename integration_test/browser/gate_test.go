//go:build e2e

package browser_test

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
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

// count runs in front of the protected routes.
func (g *gate) count(c *gin.Context) {
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

// refresh runs in front of the refresh route. A gate that nobody opens lets
// pass after a while: the story then fails by its own counts.
func (g *gate) refresh(c *gin.Context) {
	g.mu.Lock()
	opened := g.opened
	g.mu.Unlock()
	ctx, cancel := context.WithTimeout(c.Request.Context(), 10*time.Second)
	defer cancel()
	select {
	case <-opened:
	case <-ctx.Done():
	}
}
