package refresh

import (
	"fmt"
	"net/http"
	"path"
	"reflect"
	"runtime"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/session"
)

// Mount adds the refresh route and the sign-out route at the paths that the service is
// configured with (Config.Cookie.RefreshPath and SignOutPath), and the refresh routes
// of Config.Cookie.Older. middleware.Verify lets requests to them pass, wherever it
// stands.
//
// On a group whose path the configured ones do not begin with, Mount panics: the
// refresh cookie would never be sent to the route.
func Mount(router gin.IRoutes, svc *session.Service) {
	for _, path := range svc.RefreshPaths() {
		mount(router, svc, path, Handler(svc))
	}
	mount(router, svc, svc.SignOutPath(), SignOut(svc))
}

func mount(router gin.IRoutes, svc *session.Service, full string, handler gin.HandlerFunc) {
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
	svc.Mounted(full, nameOf(handler))
}

// nameOf is the handler's name as Gin has it (gin.Context.HandlerName).
func nameOf(handler gin.HandlerFunc) string {
	return runtime.FuncForPC(reflect.ValueOf(handler).Pointer()).Name()
}

// isAsked answers whose handler this is, if that is all that c asks
// (session.OwnerKey).
func isAsked(c *gin.Context, svc *session.Service) bool {
	value, _ := c.Get(session.OwnerKey)
	owner, asked := value.(**session.Service)
	if asked {
		*owner = svc
	}
	return asked
}

// Handler is the refresh route, for POST, at a path of the application's: for a proxy
// that takes off a prefix, which Config.Cookie.RefreshPath has. It answers 200 with a
// JSON null, or from the table in package errors.
func Handler(svc *session.Service) gin.HandlerFunc {
	return func(c *gin.Context) {
		if isAsked(c, svc) || !isPost(c) {
			return
		}
		if _, err := svc.RefreshHTTP(c.Writer, c.Request); err != nil {
			abort(c, svc, err)
			return
		}
		answer(c, "null")
	}
}

// SignOut is the sign-out route, for POST: it revokes the session and clears
// the client's tokens. Signing out twice, or as a visitor, is 401.
func SignOut(svc *session.Service) gin.HandlerFunc {
	return func(c *gin.Context) {
		if isAsked(c, svc) || !isPost(c) {
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
