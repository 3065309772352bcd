package refresh

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Option adds to the refresh route.
type Option func(*options)

type options struct {
	onTheft func(context.Context, *errors.TokenTheftError)
}

// callbackTimeout ends the context of a callback.
const callbackTimeout = 10 * time.Second

// OnTheft is called once for every stolen refresh token that gave itself away,
// after its session was revoked: the place to tell the user, and to end the other
// sessions. It runs apart from the request, with a context of its own that ends after 10 s; a
// panic in it is recovered.
func OnTheft(callback func(ctx context.Context, theft *errors.TokenTheftError)) Option {
	return func(o *options) { o.onTheft = callback }
}

// Mount adds the refresh route and the sign-out route at the paths that the
// service is configured with (Config.Cookie.RefreshPath and SignOutPath). Mount them outside of
// middleware.Verify: a refresh is what an expired session needs.
func Mount(router gin.IRoutes, svc *session.Service, opts ...Option) {
	router.POST(svc.RefreshPath(), Handler(svc, opts...))
	router.POST(svc.SignOutPath(), SignOut(svc))
}

// Handler is the refresh route, for POST. It answers 200 with a JSON null, or
// from the table in package errors.
func Handler(svc *session.Service, opts ...Option) gin.HandlerFunc {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	return func(c *gin.Context) {
		if !isPost(c) {
			return
		}
		_, err := svc.RefreshHTTP(c.Writer, c.Request)
		if theft, ok := errors.AsType[*errors.TokenTheftError](err); ok && o.onTheft != nil {
			go o.tell(context.WithoutCancel(c.Request.Context()), svc, theft)
		}
		if err != nil {
			c.Abort()
			svc.WriteError(c.Writer, c.Request, err)
			return
		}
		c.Data(http.StatusOK, jsonType, []byte("null"))
	}
}

// SignOut is the sign-out route, for POST: it revokes the session and clears
// the client's tokens.
func SignOut(svc *session.Service) gin.HandlerFunc {
	return func(c *gin.Context) {
		if !isPost(c) {
			return
		}
		if err := svc.SignOutHTTP(c.Writer, c.Request); err != nil {
			c.Abort()
			svc.WriteError(c.Writer, c.Request, err)
			return
		}
		// Front ends from 12.1 on read a member of the object.
		c.Data(http.StatusOK, jsonType, []byte(`{"status":"OK"}`))
	}
}

const jsonType = "application/json; charset=utf-8"

// isPost turns other methods away, whichever way the route was mounted: a
// link or an image must not refresh or sign out. The body is never read.
func isPost(c *gin.Context) bool {
	if c.Request.Method != http.MethodPost {
		c.Header("Allow", http.MethodPost)
		c.AbortWithStatus(http.StatusMethodNotAllowed)
		return false
	}
	return true
}

// tell calls the callback, whose failure is nobody else's.
func (o *options) tell(ctx context.Context, svc *session.Service, theft *errors.TokenTheftError) {
	ctx, cancel := context.WithTimeout(ctx, callbackTimeout)
	defer cancel()
	defer func() {
		if recover() != nil {
			svc.Logger().ErrorContext(ctx, "sessionkit: the theft callback panicked")
		}
	}()
	o.onTheft(ctx, theft)
}
