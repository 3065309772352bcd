package middleware

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/ginroute"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Key is where the Gin context keeps the *session.Session.
const Key = "sessionkit.session"

// Verify lets requests with a session pass and answers all others itself, from the
// table in package errors; then no later handler runs. Handlers find the session under
// Key, and what they call in the request's context (session.FromContext).
//
// A WebSocket handshake with cookies passes if its Origin is the request's own host or
// in Config.TrustedOrigins. The first use of a refreshed token is answered with a new
// one: caches of pages inside of Gin must not keep that.
//
// A CORS preflight carries no session and is answered with 204: put the CORS
// middleware first. Requests to the routes that refresh.Mount has made pass: they are
// what an expired session needs.
//
// Without a Service, or with options that it cannot take, it panics at once.
func Verify(svc *session.Service, opts ...session.VerifyOption) gin.HandlerFunc {
	ginroute.MustVerify(svc, "middleware.Verify", opts)
	return func(c *gin.Context) {
		switch {
		case isPreflight(c.Request):
			c.AbortWithStatus(http.StatusNoContent)
		case isMounted(c, svc):
			c.Next()
		default:
			within(c, svc, func(x *session.Exchange) (*session.Session, error) { return x.Verify(opts...) })
		}
	}
}

// VerifyOptional is Verify for routes that serve visitors too: a request
// without any token passes without a session, and so does one with something else under
// its name. One whose token is no good gets the same answer as from Verify, because a
// refresh may restore it: for pages that people open, which cannot refresh from JSON,
// use VerifyPageOptional.
func VerifyOptional(svc *session.Service, opts ...session.VerifyOption) gin.HandlerFunc {
	ginroute.MustVerify(svc, "middleware.VerifyOptional", opts)
	opts = append([]session.VerifyOption{session.Optional()}, opts...)
	return func(c *gin.Context) {
		if isMounted(c, svc) {
			c.Next()
			return
		}
		within(c, svc, func(x *session.Exchange) (*session.Session, error) { return x.Verify(opts...) })
	}
}

// within runs the later handlers inside of an Exchange that has a session, or a
// visitor.
func within(c *gin.Context, svc *session.Service, verify func(*session.Exchange) (*session.Session, error)) {
	x, received := enter(c, svc), c.Request
	// Also when a handler panics: the recovery answers with the header as it is then.
	defer leave(c, x, received)
	sess, err := verify(x)
	if err != nil {
		Abort(c, svc, err)
		return
	}
	if sess != nil {
		c.Set(Key, sess)
		passOn(c, x, sess)
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

// leave ends an Exchange. Gin writes an answer of a status alone past c.Writer, so what
// is to be sent must be in the header by now. A form that a handler has read goes to
// the request that net/http knows, which removes the temporary files.
func leave(c *gin.Context, x *session.Exchange, received *http.Request) {
	if received.MultipartForm == nil {
		received.MultipartForm = c.Request.MultipartForm
	}
	x.Close()
}

// passOn gives what the handlers call a request whose context finds the session.
func passOn(c *gin.Context, x *session.Exchange, sess *session.Session) {
	if known, ok := session.FromContext(c.Request.Context()); !ok || known != sess {
		c.Request = x.Request()
	}
}

// Create starts a session for userID in a handler that has just checked who
// that is, and sends its tokens. Call it before writing the body. Errors are
// those of session.Service.CreateHTTP; Abort answers them. A wrong password must not
// be answered with Config.SessionExpiredStatus, which tells front ends to refresh.
//
// Where a visitor's request has an upload that no handler has read yet, c.Request stays
// as it is, so that net/http removes the temporary files: Key has the session then,
// session.FromContext has not.
func Create(c *gin.Context, svc *session.Service, userID string, opts ...session.CreateOption) (*session.Session, error) {
	ginroute.MustHave(svc, "middleware.Create")
	device := session.WithDevice(c.Request.UserAgent(), c.ClientIP())
	opts = append([]session.CreateOption{device}, opts...)
	if c.Writer.Written() {
		return svc.CreateHTTP(c.Writer, c.Request, userID, opts...) // which refuses
	}
	x := enter(c, svc)
	sess, err := x.Create(userID, opts...)
	if err != nil {
		return nil, err
	}
	return keep(c, x, sess), nil
}

// CreateAnonymous starts a session for a visitor, such as for a cart before the
// sign-in; see session.Service.CreateAnonymous, also for what it costs. Where the
// request has a session already, a visitor's or a user's, that is the result, and none
// is made. Call it before writing the body. Errors are those of Create and Verify;
// Abort answers them.
func CreateAnonymous(c *gin.Context, svc *session.Service, opts ...session.CreateOption) (*session.Session, error) {
	ginroute.MustHave(svc, "middleware.CreateAnonymous")
	device := session.WithDevice(c.Request.UserAgent(), c.ClientIP())
	opts = append([]session.CreateOption{device}, opts...)
	if c.Writer.Written() {
		return svc.CreateAnonymousHTTP(c.Writer, c.Request, opts...)
	}
	x := enter(c, svc)
	sess, err := x.CreateAnonymous(opts...)
	if err != nil {
		return nil, err
	}
	return keep(c, x, sess), nil
}

// keep makes sess the session of the request.
func keep(c *gin.Context, x *session.Exchange, sess *session.Session) *session.Session {
	c.Set(Key, sess)
	if !hasUpload(c.Request) {
		passOn(c, x, sess)
	}
	return sess
}

// Reauthenticate notes that the user of the request's session has just proven to be
// userID; see session.Session.Reauthenticate. The session that goes on is under Key
// from then on. Call it behind Verify, and before writing the body.
//
// Errors: as there, and [errors.ErrUnauthorised] where the request has no session;
// Abort answers them.
func Reauthenticate(c *gin.Context, svc *session.Service, userID string, opts ...session.ReplaceOption) (*session.Session, error) {
	ginroute.MustHave(svc, "middleware.Reauthenticate")
	sess, ok := Session(c)
	if !ok {
		return nil, errors.WithReason(errors.ErrUnauthorised, errors.ErrTokenMissing)
	}
	tokens, err := sess.Reauthenticate(c.Request.Context(), userID, opts...)
	if err != nil {
		return nil, err
	}
	c.Set(Key, tokens.Session)
	return tokens.Session, nil
}

// hasUpload reports whether a form with files may still be read from r.
func hasUpload(r *http.Request) bool {
	return r.MultipartForm == nil && strings.HasPrefix(strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Type"))), "multipart/")
}

// Session returns the session that Verify or Create put into c, and whether there is
// one.
func Session(c *gin.Context) (*session.Session, bool) {
	value, _ := c.Get(Key)
	sess, ok := value.(*session.Session)
	return sess, ok
}

// isPreflight recognises a CORS preflight (Fetch standard, section 3.2.2).
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// isMounted reports whether the matched route is one that refresh.Mount made for svc. A
// catch-all that happens to match its path is not, nor is another Service's.
func isMounted(c *gin.Context, svc *session.Service) bool { return ginroute.IsOf(c, svc) }
