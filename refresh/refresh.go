package refresh

import (
	"fmt"
	"net/http"
	"path"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/internal/ginroute"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Mount adds the refresh route and the sign-out route at the paths that the service is
// configured with (Config.Cookie.RefreshPath and SignOutPath), and the refresh routes
// of Config.Cookie.Older. middleware.Verify lets requests to them pass, wherever it
// stands.
//
// It panics where the cookies would never be sent to a route: on a group whose path
// the configured ones do not begin with, and with a SignOutPath that is not below
// Config.Cookie.AccessPath.
func Mount(router gin.IRoutes, svc *session.Service, opts ...Option) {
	ginroute.MustHave(svc, "refresh.Mount")
	for _, path := range svc.RefreshPaths() {
		mount(router, path, ginroute.Of(svc, Handler(svc, opts...)))
	}
	if optionsOf(opts).noSignOut {
		return
	}
	out := svc.SignOutPath()
	if out == "" {
		panic("refresh: Mount cannot make a sign-out route that no access token would reach:" +
			" set Config.Cookie.SignOutPath to a path below AccessPath, or mount WithoutSignOut")
	}
	mount(router, out, ginroute.Of(svc, SignOut(svc)))
}

func mount(router gin.IRoutes, full string, handler gin.HandlerFunc) {
	base := "/"
	if group, ok := router.(interface{ BasePath() string }); ok {
		base = path.Clean("/" + group.BasePath())
	}
	relative, below := strings.CutPrefix(full, strings.TrimSuffix(base, "/")+"/")
	if !below {
		panic(fmt.Sprintf("refresh: Mount on the group %q cannot make the route %q, to which the cookie goes:"+
			" mount on the engine, or set Config.Cookie.RefreshPath and SignOutPath below the group", base, full))
	}
	router.POST("/"+relative, handler)
}

// Option changes what [Mount] makes. [Handler] takes those that are about its answer.
type Option func(*options)

type options struct {
	answer    func(*gin.Context, *session.Session)
	noSignOut bool
}

func optionsOf(opts []Option) options {
	o := options{answer: func(c *gin.Context, _ *session.Session) { answer(c, "null") }}
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// WithoutSignOut has Mount make no sign-out route, for applications that have one of
// their own: [SignOut] at another path, or a handler that calls
// [session.Session.Revoke].
func WithoutSignOut() Option { return func(o *options) { o.noSignOut = true } }

// WithAnswer has answer write the body of a refresh that succeeded, in place of a JSON
// null. The status must be 200; front ends from npm do not read the body. Refused
// refreshes are answered as ever.
func WithAnswer(answer func(c *gin.Context, sess *session.Session)) Option {
	if answer == nil {
		panic("refresh: WithAnswer needs a function")
	}
	return func(o *options) { o.answer = answer }
}

// Handler is the refresh route, for POST, at a path of the application's: for a proxy
// that takes off a prefix, which Config.Cookie.RefreshPath has. It answers 200 with a
// JSON null, or from the table in package errors.
func Handler(svc *session.Service, opts ...Option) gin.HandlerFunc {
	ginroute.MustHave(svc, "refresh.Handler")
	o := optionsOf(opts)
	return func(c *gin.Context) {
		if !isPost(c) {
			return
		}
		sess, err := svc.RefreshHTTP(c.Writer, c.Request)
		if err != nil {
			abort(c, svc, err)
			return
		}
		o.answer(c, sess)
	}
}

// SignOut is the sign-out route, for POST: it revokes the session and clears
// the client's tokens. Signing out twice, or as a visitor, is 401.
func SignOut(svc *session.Service) gin.HandlerFunc {
	ginroute.MustHave(svc, "refresh.SignOut")
	return func(c *gin.Context) {
		if !isPost(c) {
			return
		}
		if err := svc.SignOutHTTP(c.Writer, c.Request); err != nil {
			abort(c, svc, err)
			return
		}
		// Front ends from 12.1 on read a member of the object.
		answer(c, `{"status":"OK"}`)
	}
}

func answer(c *gin.Context, json string) {
	c.Header("X-Content-Type-Options", "nosniff")
	c.Data(http.StatusOK, "application/json; charset=utf-8", []byte(json))
}

func abort(c *gin.Context, svc *session.Service, err error) {
	c.Abort()
	svc.WriteError(c.Writer, c.Request, err)
}

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
