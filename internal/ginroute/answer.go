package ginroute

import (
	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/internal/page"
	"github.com/gin-sessionkit/sessionkit/session"
)

// OnErrorKey is where the Gin context keeps what middleware.OnError was given.
const OnErrorKey = "sessionkit.onError"

// Answer answers with what err means, or has the application do it
// (middleware.OnError). That is not asked where the browser is sent to another page.
func Answer(c *gin.Context, svc *session.Service, err error) {
	if value, ok := c.Get(OnErrorKey); ok && !page.Sends(err) {
		if answer, ok := value.(func(*gin.Context, error) bool); ok && answer != nil && answer(c, err) {
			return
		}
	}
	svc.WriteError(c.Writer, c.Request, err)
}
