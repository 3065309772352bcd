package middleware

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Key is where the Gin context keeps the *session.Session.
const Key = "sessionkit.session"

// Verify lets requests with a session pass and answers all others itself,
// from the table in package errors; then no later handler runs. A CORS
// preflight carries no session and is answered with 204: put the CORS
// middleware first.
func Verify(svc *session.Service, opts ...session.VerifyOption) gin.HandlerFunc {
	return func(c *gin.Context) {
		if isPreflight(c.Request) {
			c.AbortWithStatus(http.StatusNoContent)
			return
		}
		sess, err := svc.VerifyHTTP(c.Writer, c.Request, opts...)
		if err != nil {
			Abort(c, svc, err)
			return
		}
		set(c, sess)
		c.Next()
	}
}

// VerifyOptional is Verify for routes that serve visitors too: a request
// without any token passes without a session. One whose token is no good
// gets the same answer as from Verify, because a refresh may restore it.
func VerifyOptional(svc *session.Service, opts ...session.VerifyOption) gin.HandlerFunc {
	return func(c *gin.Context) {
		sess, err := svc.VerifyHTTP(c.Writer, c.Request, opts...)
		switch {
		case err == nil:
			set(c, sess)
		case errors.Is(err, errors.ErrUnauthorised) && errors.Is(err, errors.ErrTokenMissing):
		default:
			Abort(c, svc, err)
			return
		}
		c.Next()
	}
}

// Create starts a session for userID in a handler that has just checked who
// that is, and sends its tokens. Call it before writing the body. Errors are
// those of session.Service.Create; Abort answers them.
func Create(c *gin.Context, svc *session.Service, userID string, opts ...session.CreateOption) (*session.Session, error) {
	device := session.WithDevice(c.Request.UserAgent(), c.ClientIP())
	sess, err := svc.CreateHTTP(c.Writer, c.Request, userID, append([]session.CreateOption{device}, opts...)...)
	if err != nil {
		return nil, err
	}
	set(c, sess)
	return sess, nil
}

// Session returns the session that Verify or Create put into c, and whether there is one.
func Session(c *gin.Context) (*session.Session, bool) {
	value, _ := c.Get(Key)
	sess, ok := value.(*session.Session)
	return sess, ok
}

// Abort answers with what err means and lets no later handler run. Use it for
// errors of the session's methods too.
func Abort(c *gin.Context, svc *session.Service, err error) {
	c.Abort()
	svc.WriteError(c.Writer, c.Request, err)
}

// set makes the session known to Gin handlers and, through the request's
// context, to what they call.
func set(c *gin.Context, sess *session.Session) {
	c.Set(Key, sess)
	c.Request = c.Request.WithContext(session.NewContext(c.Request.Context(), sess))
}

// isPreflight recognises a CORS preflight (Fetch standard, section 3.2.2).
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}
