package middleware

import (
	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/internal/ginroute"
	"github.com/gin-sessionkit/sessionkit/session"
)

// OnError lets the application answer in its own way what Verify, VerifyOptional,
// VerifyPage, VerifyPageOptional and Abort would answer, and the routes of
// refresh.Pages too, if it stands before them. What sends a browser to another page it
// is not asked about. It is for the routes below it:
//
//	router.Use(middleware.OnError(func(c *gin.Context, err error) bool {
//		if !errors.Is(err, errors.ErrUnavailable) {
//			return false
//		}
//		c.HTML(http.StatusServiceUnavailable, "later.html", nil)
//		return true
//	}))
//
// A callback that has answered returns true. Cookies are set or cleared in its answer
// as in the kit's own, and a 401 gets the field WWW-Authenticate if it has none. Front
// ends go by the status: see package errors. The kit logs no failure that it answers.
func OnError(answer func(c *gin.Context, err error) bool) gin.HandlerFunc {
	return func(c *gin.Context) { c.Set(ginroute.OnErrorKey, answer) }
}

// Abort answers with what err means and lets no later handler run. Use it for
// errors of the session's methods too.
func Abort(c *gin.Context, svc *session.Service, err error) {
	c.Abort()
	ginroute.Answer(c, svc, err)
}
