package middleware

import (
	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/ginroute"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Adopt takes over sessions that the application still keeps in another way, such as by
// scs, gin-contrib/sessions or gin-jwt: whoever comes with one of those and none of
// ours gets ours, with the answer to a GET. Put it behind the earlier library's
// middleware and before Verify or VerifyOptional.
//
// old asks the earlier library who this is. It must ask that library's store, as what
// it says is as good as a sign-in. It is called for requests of a safe method that have
// no session of ours, until Config.Import.Sunset. Handlers find the session under Key,
// and where nothing could be sent, as another tab has got it already, the earlier one
// goes on to serve the request: let routes take both until Sunset.
//
// Sign-out must end both. So must whatever else ends sessions: an earlier session that
// lives on serves requests on its own. See docs/cookbook.md, and [session.Imported].
//
// Without a Service, without old and without Config.Import.Key it panics at once.
func Adopt(svc *session.Service, old func(c *gin.Context) (session.Imported, bool)) gin.HandlerFunc {
	ginroute.MustHave(svc, "middleware.Adopt")
	if err := svc.CheckAdopt(); errors.Is(err, errors.ErrConfig) {
		panic("middleware.Adopt: " + err.Error())
	}
	if old == nil {
		panic("middleware.Adopt needs a function that asks the earlier library")
	}
	return func(c *gin.Context) {
		if isMounted(c, svc) {
			c.Next()
			return
		}
		x, received := enter(c, svc), c.Request
		defer leave(c, x, received)
		device := session.WithDevice(c.Request.UserAgent(), c.ClientIP())
		sess, err := x.Adopt(func() (session.Imported, bool) { return old(c) }, device)
		if err == nil && sess != nil {
			keep(c, x, sess)
		}
		c.Next()
	}
}
