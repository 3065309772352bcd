package refresh

import (
	"fmt"
	"net/http"
	"path"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/internal/ginroute"
	"github.com/gin-sessionkit/sessionkit/internal/page"
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
	o := optionsOf(opts)
	methods := []string{http.MethodPost}
	if o.page != nil {
		methods = page.Dancing()
	}
	for _, path := range svc.RefreshPaths() {
		mount(router, methods, path, ginroute.Of(svc, Handler(svc, opts...)))
	}
	if o.noSignOut {
		return
	}
	out := svc.SignOutPath()
	if out == "" {
		panic("refresh: Mount cannot make a sign-out route that no access token would reach:" +
			" set Config.Cookie.SignOutPath to a path below AccessPath, or mount WithoutSignOut")
	}
	mount(router, []string{http.MethodPost}, out, ginroute.Of(svc, SignOut(svc, opts...)))
}

func mount(router gin.IRoutes, methods []string, full string, handler gin.HandlerFunc) {
	base := "/"
	if group, ok := router.(interface{ BasePath() string }); ok {
		base = path.Clean("/" + group.BasePath())
	}
	relative, below := strings.CutPrefix(full, strings.TrimSuffix(base, "/")+"/")
	if !below {
		panic(fmt.Sprintf("refresh: Mount on the group %q cannot make the route %q, to which the cookie goes:"+
			" mount on the engine, or set Config.Cookie.RefreshPath and SignOutPath below the group", base, full))
	}
	router.Match(methods, "/"+relative, handler)
}

// Option changes what [Mount] makes. [Handler] and [SignOut] take those that are about
// their answers.
type Option func(*options)

type options struct {
	answer    func(*gin.Context, *session.Session)
	noSignOut bool
	// page is where pages send people; nil without pages.
	page *session.Site
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

// Pages has the routes take the browsers of pages from the server too, which have
// middleware.VerifyPage in front of them: they refresh on their way to a page, by a
// redirect and any method, and sign out by a form. login is the path of the sign-in
// page. Front ends of npm go on to use the same routes.
//
// Browsers say whether a page of this origin asks (Sec-Fetch-Site, Sec-Fetch-Dest):
// what foreign pages load, as images, frames, scripts and forms, gets 403 and changes
// nothing. A form that signs out needs no anti-CSRF token for the same reason, and is
// sent to login.
//
// As middleware.VerifyPage does, it panics where that could not work.
func Pages(login string) Option {
	return func(o *options) { o.page = &session.Site{Login: login} }
}

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
// JSON null, or from the table in package errors. With [Pages] it is for GET, HEAD,
// PUT, PATCH and DELETE too.
func Handler(svc *session.Service, opts ...Option) gin.HandlerFunc {
	o := checked(svc, "refresh.Handler", opts)
	return func(c *gin.Context) {
		if (o.page == nil || !page.Dances(c.Request)) && !isPost(c) {
			return
		}
		sess, err := o.refresh(svc, c)
		switch {
		case err != nil:
			c.Abort()
			o.abort(c, svc, err)
		case sess != nil:
			o.answer(c, sess)
		}
	}
}

// checked are the options, which the Service can take.
func checked(svc *session.Service, function string, opts []Option) options {
	ginroute.MustHave(svc, function)
	o := optionsOf(opts)
	if o.page != nil {
		ginroute.MustShow(svc, function+" with refresh.Pages", *o.page, nil)
	}
	return o
}

// refresh returns no session where the answer is written.
func (o options) refresh(svc *session.Service, c *gin.Context) (*session.Session, error) {
	r := ginroute.Request(c)
	if o.page != nil {
		return svc.RefreshPage(c.Writer, r, *o.page)
	}
	return svc.RefreshHTTP(c.Writer, r)
}

// SignOut is the sign-out route, for POST: it revokes the session and clears
// the client's tokens. Signing out twice, or as a visitor, is 401. With [Pages] forms
// are sent to the sign-in page, in that case too.
func SignOut(svc *session.Service, opts ...Option) gin.HandlerFunc {
	o := checked(svc, "refresh.SignOut", opts)
	return func(c *gin.Context) {
		if !isPost(c) {
			return
		}
		answered, err := o.signOut(svc, c)
		switch {
		case err != nil:
			c.Abort()
			o.abort(c, svc, err)
		case !answered:
			// Front ends from 12.1 on read a member of the object.
			answer(c, `{"status":"OK"}`)
		}
	}
}

func (o options) signOut(svc *session.Service, c *gin.Context) (answered bool, err error) {
	if o.page != nil {
		return svc.SignOutPage(c.Writer, c.Request, *o.page)
	}
	return false, svc.SignOutHTTP(c.Writer, c.Request)
}

func answer(c *gin.Context, json string) {
	c.Header("X-Content-Type-Options", "nosniff")
	c.Data(http.StatusOK, "application/json; charset=utf-8", []byte(json))
}

// abort answers people as the application does (middleware.OnError), and front ends by
// the table in package errors.
func (o options) abort(c *gin.Context, svc *session.Service, err error) {
	if o.page != nil {
		ginroute.Answer(c, svc, err)
		return
	}
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
