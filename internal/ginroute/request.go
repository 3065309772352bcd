package ginroute

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/internal/wire"
)

// Request is the request of c, which says who sends it by Gin's trusted proxies, as
// middleware.Create does: a theft tells who came.
func Request(c *gin.Context) *http.Request {
	return c.Request.WithContext(wire.WithClientIP(c.Request.Context(), c.ClientIP()))
}
