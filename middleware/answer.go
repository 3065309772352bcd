package middleware

import (
	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/session"
)

// onErrorKey is where the Gin context keeps what OnError was given.
const onErrorKey = "sessionkit.onError"

// OnError lets the application answer in its own way what Verify, VerifyOptional and
// Abort would answer, on the routes below it:
//
//	router.Use(middleware.OnError(func(c *gin.Context, err error) bool {
//		if !errors.Is(err, errors.ErrUnauthorised) {
//			return false
//		}
//		c.Redirect(http.StatusSeeOther, "/login")
//		return true
//	}))
//
// A callback that has answered returns true. Cookies are set or cleared in its answer
// as in the kit's own, and a 401 gets the field WWW-Authenticate if it has none. Front
// ends go by the status: see package errors. The kit logs no failure that it answers.
func OnError(answer func(c *gin.Context, err error) bool) gin.HandlerFunc {
	return func(c *gin.Context) { c.Set(onErrorKey, answer) }
}

// Abort answers with what err means and lets no later handler run. Use it for
// errors of the session's methods too.
func Abort(c *gin.Context, svc *session.Service, err error) {
	c.Abort()
	if value, ok := c.Get(onErrorKey); ok {
		if answer, ok := value.(func(*gin.Context, error) bool); ok && answer != nil && answer(c, err) {
			return
		}
	}
	svc.WriteError(c.Writer, c.Request, err)
}
