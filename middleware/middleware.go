package middleware

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/session"
)

// Key is where the Gin context keeps the *session.Session.
const Key = "sessionkit.session"

// Verify lets requests with a session pass and answers all others itself,
// from the table in package errors; then no later handler runs. Handlers find the session
// under Key, and what they call in the request's context (session.FromContext).
//
// A CORS preflight carries no session and is answered with 204: put the CORS
// middleware first. Requests to the routes that refresh.Mount has made pass: they are
// what an expired session needs.
func Verify(svc *session.Service, opts ...session.VerifyOption) gin.HandlerFunc {
	return func(c *gin.Context) {
		switch {
		case isPreflight(c.Request):
			c.AbortWithStatus(http.StatusNoContent)
		case isMounted(c, svc):
			c.Next()
		default:
			within(c, svc, opts)
		}
	}
}

// VerifyOptional is Verify for routes that serve visitors too: a request
// without any token passes without a session. One whose token is no good
// gets the same answer as from Verify, because a refresh may restore it.
func VerifyOptional(svc *session.Service, opts ...session.VerifyOption) gin.HandlerFunc {
	opts = append([]session.VerifyOption{session.Optional()}, opts...)
	return func(c *gin.Context) {
		if isMounted(c, svc) {
			c.Next()
			return
		}
		within(c, svc, opts)
	}
}

// within runs the later handlers inside of an Exchange that has a session, or a visitor.
func within(c *gin.Context, svc *session.Service, opts []session.VerifyOption) {
	x, received := enter(c, svc), c.Request
	// Also when a handler panics: the recovery answers with the header as it is then.
	defer leave(c, x, received)
	sess, err := x.Verify(opts...)
	if err != nil {
		Abort(c, svc, err)
		return
	}
	if sess != nil {
		set(c, x, sess)
	}
	c.Next()
}

// enter puts the writer of the request's Exchange in the place of Gin's.
func enter(c *gin.Context, svc *session.Service) *session.Exchange {
	x := svc.Exchange(c.Writer, c.Request)
	if w, ok := x.Writer().(gin.ResponseWriter); ok {
		c.Writer = w
	}
	return x
}

// leave ends an Exchange. Gin writes an answer of a status alone past c.Writer, so what is to be sent
// must be in the header by now. A form that a handler has read goes to the request that net/http
// knows, which removes the temporary files.
func leave(c *gin.Context, x *session.Exchange, received *http.Request) {
	if received.MultipartForm == nil {
		received.MultipartForm = c.Request.MultipartForm
	}
	x.Close()
}

// Create starts a session for userID in a handler that has just checked who
// that is, and sends its tokens. Call it before writing the body. Errors are
// those of session.Service.CreateHTTP; Abort answers them.
func Create(c *gin.Context, svc *session.Service, userID string, opts ...session.CreateOption) (*session.Session, error) {
	begun := c.Writer.Written()
	x := enter(c, svc)
	device := session.WithDevice(c.Request.UserAgent(), c.ClientIP())
	opts = append([]session.CreateOption{device}, opts...)
	if begun {
		return svc.CreateHTTP(c.Writer, c.Request, userID, opts...) // which refuses
	}
	sess, err := x.Create(userID, opts...)
	if err != nil {
		return nil, err
	}
	set(c, x, sess)
	return sess, nil
}

// Session returns the session that Verify or Create put into c, and whether there is one.
func Session(c *gin.Context) (*session.Session, bool) {
	value, _ := c.Get(Key)
	sess, ok := value.(*session.Session)
	return sess, ok
}

// set makes the session known to Gin handlers and, through the request's
// context, to what they call.
func set(c *gin.Context, x *session.Exchange, sess *session.Session) {
	c.Set(Key, sess)
	if known, ok := session.FromContext(c.Request.Context()); !ok || known != sess {
		c.Request = x.Request()
	}
}

// isPreflight recognises a CORS preflight (Fetch standard, section 3.2.2).
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// isMounted reports whether the matched route is one that refresh.Mount made for svc. A
// catch-all that happens to match its path is not.
func isMounted(c *gin.Context, svc *session.Service) bool {
	return c.Request.Method == http.MethodPost && svc.IsMounted(c.FullPath(), c.HandlerName)
}
