package main

import (
	"encoding/json"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/session"
)

// maxBody bounds a request body: 64 KiB of data, and then some.
const maxBody = 128 << 10

// api holds the handlers of an application that uses the kit.
type api struct {
	svc *session.Service
	// signedIn is told of new sessions, for the page's feed.
	signedIn func(*gin.Context, *session.Session)
}

// login starts a session: {"userId":…, "payload":any, "data":any}. A payload or data
// that is left out stays absent, which is not null. An application would check a
// password here.
func (a *api) login(c *gin.Context) {
	var body struct {
		UserID  string          `json:"userId"`
		Payload json.RawMessage `json:"payload"`
		Data    json.RawMessage `json:"data"`
	}
	if !readJSON(c, &body) {
		return
	}
	var opts []session.CreateOption
	if body.Payload != nil {
		opts = append(opts, session.WithPayload(body.Payload))
	}
	if body.Data != nil {
		opts = append(opts, session.WithData(body.Data))
	}
	sess, err := middleware.Create(c, a.svc, body.UserID, opts...)
	if err != nil {
		a.fail(c, err)
		return
	}
	a.signedIn(c, sess)
	writeMe(c, sess)
}

// me answers {"userId","handle","payload"}, all of it from the access token.
// An absent payload is left out.
func (a *api) me(c *gin.Context) {
	writeMe(c, current(c))
}

func writeMe(c *gin.Context, sess *session.Session) {
	var payload json.RawMessage
	_ = sess.Payload(&payload) // any payload fits
	c.JSON(http.StatusOK, struct {
		UserID  string          `json:"userId"`
		Handle  string          `json:"handle"`
		Payload json.RawMessage `json:"payload,omitempty"`
	}{sess.UserID(), sess.Handle(), payload})
}

// data answers the session's data, any JSON value as it was stored; null when
// there is none.
func (a *api) data(c *gin.Context) {
	data := json.RawMessage("null")
	if err := current(c).Data(c.Request.Context(), &data); err != nil {
		a.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, data)
}

// putData replaces the data by the body, any JSON value, and answers it.
func (a *api) putData(c *gin.Context) {
	var data json.RawMessage
	if !readJSON(c, &data) {
		return
	}
	if err := current(c).UpdateData(c.Request.Context(), data); err != nil {
		a.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, data)
}

// device is a session as this program's own list has it; times are Unix milliseconds.
// The page goes by devices.Mount, which has more: the routes below are what an
// application writes whose list is to look its own way.
type device struct {
	Handle     string `json:"handle"`
	CreatedAt  int64  `json:"createdAt"`
	LastUsedAt int64  `json:"lastUsedAt"`
	UserAgent  string `json:"userAgent"`
}

// sessions answers {"handles":[…]}, oldest first, and with ?details=1 also
// {"sessions":[…]}.
func (a *api) sessions(c *gin.Context) {
	list, err := a.svc.List(c.Request.Context(), current(c).UserID())
	if err != nil {
		a.fail(c, err)
		return
	}
	body := struct {
		Handles  []string `json:"handles"`
		Sessions []device `json:"sessions,omitempty"`
	}{Handles: []string{}}
	for _, info := range list {
		body.Handles = append(body.Handles, info.Handle)
		if c.Query("details") != "" {
			body.Sessions = append(body.Sessions, device{
				info.Handle, info.CreatedAt.UnixMilli(), info.LastUsedAt.UnixMilli(), info.UserAgent,
			})
		}
	}
	c.JSON(http.StatusOK, body)
}

// endSession ends one of the user's sessions. Whether anybody else has a session
// of that name is none of the user's business: 404.
func (a *api) endSession(c *gin.Context) {
	ctx, sess, handle := c.Request.Context(), current(c), c.Param("handle")
	if handle == sess.Handle() {
		if err := sess.Revoke(ctx); err != nil {
			a.fail(c, err)
			return
		}
		c.Status(http.StatusNoContent)
		return
	}
	// The handle comes from a client: whose session it is, the statement asks.
	ended, err := a.svc.RevokeOf(ctx, sess.UserID(), handle)
	switch {
	case err != nil:
		a.fail(c, err)
	case !ended:
		answer(c, http.StatusNotFound, "no such session of yours")
	default:
		c.Status(http.StatusNoContent)
	}
}

// logoutEverywhere ends every session of the user, this one included, and
// answers {"revoked":n}.
func (a *api) logoutEverywhere(c *gin.Context) {
	ctx, sess := c.Request.Context(), current(c)
	n, err := a.svc.RevokeAll(ctx, sess.UserID())
	if err == nil {
		err = sess.Revoke(ctx) // it has ended: this clears the cookies
	}
	if err != nil {
		a.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"revoked": n})
}

// fail answers an error of the kit. Bad input is the client's mistake here,
// because the values come from it.
func (a *api) fail(c *gin.Context, err error) {
	if errors.Is(err, errors.ErrInvalidInput) {
		answer(c, http.StatusBadRequest, err.Error())
		return
	}
	middleware.Abort(c, a.svc, err)
}

// current is the session that middleware.Verify let pass. On a route without Verify
// it panics, at the first request: better than a handler that takes nobody for a user.
func current(c *gin.Context) *session.Session {
	return c.MustGet(middleware.Key).(*session.Session)
}

// readJSON reads one JSON value of bounded size into dst, or answers 400.
func readJSON(c *gin.Context, dst any) bool {
	decoder := json.NewDecoder(http.MaxBytesReader(c.Writer, c.Request.Body, maxBody))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(dst)
	if err == nil {
		if _, err = decoder.Token(); errors.Is(err, io.EOF) {
			return true
		}
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		answer(c, http.StatusRequestEntityTooLarge, "the body is too large")
		return false
	}
	answer(c, http.StatusBadRequest, "the body is not the JSON that this route takes")
	return false
}
