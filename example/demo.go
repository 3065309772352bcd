package main

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/session"
)

// demo is what the page shows and plays: a feed of events, further devices, and
// a thief. An application has none of it.
type demo struct {
	feed *feed
	self *loopback
}

func newDemo() *demo { return &demo{feed: newFeed()} }

// viewerCookie tells one browser from another: each sees its own feed and
// commands its own thief. It is no part of the session.
const viewerCookie = "demo_viewer"

// mountDemo adds the routes below /demo/, and one below the refresh route, the
// only place where the browser sends its refresh token along.
func mountDemo(router gin.IRoutes, svc *session.Service, d *demo) {
	router.GET("/demo/events", d.events)
	router.POST("/demo/device", middleware.Verify(svc), d.addDevice(svc))
	router.POST(svc.RefreshPaths()[0]+"/demo-copy", middleware.Verify(svc), d.copySession(svc))
	router.POST("/demo/thief/read", d.act(http.MethodGet, "/api/me"))
	router.POST("/demo/thief/refresh", d.act(http.MethodPost, svc.RefreshPaths()[0]))
	router.DELETE("/demo/thief", d.dismiss)
}

// viewerOf is the viewer of this browser, a new one where none is known.
func (d *demo) viewerOf(c *gin.Context) string {
	if cookie, err := c.Request.Cookie(viewerCookie); err == nil && d.feed.knows(cookie.Value) {
		return cookie.Value
	}
	id := d.feed.add()
	http.SetCookie(c.Writer, &http.Cookie{ //nolint:gosec // Secure wherever the program serves HTTPS
		Name: viewerCookie, Value: id, Path: "/",
		HttpOnly: true, Secure: c.Request.TLS != nil, SameSite: http.SameSiteStrictMode,
	})
	return id
}

// signedIn connects a new session with the browser's feed.
func (d *demo) signedIn(c *gin.Context, sess *session.Session) {
	if cookie, err := c.Request.Cookie(viewerCookie); err == nil {
		d.feed.follow(cookie.Value, sess.Handle(), sess.UserID())
		d.feed.publish(sess.Handle(), sess.UserID(), entry{Kind: string(session.EventCreated)})
	}
}

// onEvent is the service's Config.OnEvent. It runs within requests and only
// writes to memory.
func (d *demo) onEvent(e session.Event) {
	if e.Kind == session.EventCreated {
		return // nobody follows the session yet, see signedIn
	}
	d.feed.publish(e.Handle, e.UserID, entry{
		Kind: string(e.Kind), Reason: string(e.Reason), SinceMS: e.SinceRotation.Milliseconds(),
	})
}

// onTheft is the theft callback: the place where an application would write to
// its user. The session has been revoked already.
func (d *demo) onTheft(_ context.Context, theft *errors.TokenTheftError) {
	d.feed.publish(theft.SessionHandle, theft.UserID, entry{
		Kind: "theft_callback", UserID: theft.UserID, SinceMS: theft.SinceRotation.Milliseconds(),
	})
}

// events answers what happened after ?after=n: {"events":[…],"last":n,"cookies":bool}.
// cookies tells a page that has lost its storage whether to ask for a session.
func (d *demo) events(c *gin.Context) {
	after, _ := strconv.Atoi(c.Query("after"))
	events, last := d.feed.after(d.viewerOf(c), after)
	c.Header("Cache-Control", "no-store")
	_, err := c.Request.Cookie("sAccessToken")
	c.JSON(http.StatusOK, gin.H{"events": events, "last": last, "cookies": err == nil})
}

// maxDevices bounds how many sessions the button may pile up.
const maxDevices = 6

// addDevice signs the same user in from somewhere else.
func (d *demo) addDevice(svc *session.Service) gin.HandlerFunc {
	agents := [...]string{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
		"Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/138.0.0.0 Mobile Safari/537.36",
	}
	return func(c *gin.Context) {
		ctx, userID := c.Request.Context(), current(c).UserID()
		devices, err := svc.List(ctx, userID)
		switch {
		case err != nil:
			middleware.Abort(c, svc, err)
			return
		case len(devices) >= maxDevices:
			answer(c, http.StatusConflict, "that is enough devices for a demonstration")
			return
		}
		if err := d.self.login(ctx, userID, agents[len(devices)%len(agents)]); err != nil {
			answer(c, http.StatusBadGateway, "the other device could not sign in")
			return
		}
		c.Status(http.StatusNoContent)
	}
}

// copySession gives the thief what this request carries: both tokens of the
// caller's own session, which is what malware on the device would find.
func (d *demo) copySession(svc *session.Service) gin.HandlerFunc {
	return func(c *gin.Context) {
		sess, viewer := current(c), d.viewerOf(c)
		thief, err := d.self.newThief(c.Request, svc.RefreshPaths()[0])
		if err != nil {
			answer(c, http.StatusBadRequest, err.Error())
			return
		}
		d.feed.follow(viewer, sess.Handle(), sess.UserID())
		d.feed.setThief(viewer, thief)
		c.JSON(http.StatusOK, gin.H{"copiedAt": time.Now().UnixMilli()})
	}
}

// act lets the browser's thief send one request, and answers what came of it.
func (d *demo) act(method, path string) gin.HandlerFunc {
	return func(c *gin.Context) {
		thief := d.thiefOf(c)
		if thief == nil {
			answer(c, http.StatusNotFound, "no thief is at work")
			return
		}
		outcome, err := thief.send(c.Request.Context(), method, path)
		if err != nil {
			answer(c, http.StatusBadGateway, "the thief got no answer")
			return
		}
		c.Header("Cache-Control", "no-store")
		c.JSON(http.StatusOK, outcome)
	}
}

// dismiss sends the thief away, and the copy with it.
func (d *demo) dismiss(c *gin.Context) {
	if cookie, err := c.Request.Cookie(viewerCookie); err == nil {
		d.feed.setThief(cookie.Value, nil)
	}
	c.Status(http.StatusNoContent)
}

func (d *demo) thiefOf(c *gin.Context) *thief {
	cookie, err := c.Request.Cookie(viewerCookie)
	if err != nil {
		return nil
	}
	return d.feed.thief(cookie.Value)
}
