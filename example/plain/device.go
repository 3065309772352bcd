package plain

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/middleware"
)

// device is a line of the list.
type device struct {
	Handle, Name        string
	Current             bool
	CreatedAt, LastUsed time.Time
}

// devices shows where the user is signed in, this browser first.
func (s *shop) devices(c *gin.Context) {
	sess := current(c)
	list, err := s.svc.List(c.Request.Context(), sess.UserID())
	if err != nil {
		middleware.Abort(c, s.svc, err)
		return
	}
	var all []device
	for _, d := range list {
		one := device{d.Handle, agent(d.UserAgent), d.Handle == sess.Handle(), d.CreatedAt, d.LastUsedAt}
		if one.Current {
			all = slices.Insert(all, 0, one)
		} else {
			all = append(all, one)
		}
	}
	s.show(c, http.StatusOK, "devices", "Where you are signed in", gin.H{"Devices": all, "Ended": c.Query("ended")})
}

// endDevice ends one of the user's sessions. The handle comes from a client, so the
// statement asks whose it is.
func (s *shop) endDevice(c *gin.Context) {
	ctx, sess, handle := c.Request.Context(), current(c), c.PostForm("handle")
	if handle == sess.Handle() {
		if err := sess.Revoke(ctx); err != nil {
			middleware.Abort(c, s.svc, err)
			return
		}
		c.Redirect(http.StatusSeeOther, LoginPath)
		return
	}
	if _, err := s.svc.RevokeOf(ctx, sess.UserID(), handle); err != nil {
		middleware.Abort(c, s.svc, err)
		return
	}
	c.Redirect(http.StatusSeeOther, Root+"/devices?ended=one")
}

func (s *shop) endOthers(c *gin.Context) {
	sess := current(c)
	if _, err := s.svc.RevokeOthers(c.Request.Context(), sess.UserID(), sess.Handle()); err != nil {
		middleware.Abort(c, s.svc, err)
		return
	}
	c.Redirect(http.StatusSeeOther, Root+"/devices?ended=others")
}

// agent is what people call a browser. The JSON of package devices says it better, for
// pages with a script.
func agent(text string) string {
	name, system := "A program", ""
	for _, known := range [][2]string{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"Mozilla/", "A browser"},
	} {
		if strings.Contains(text, known[0]) {
			name = known[1]
			break
		}
	}
	for _, known := range [][2]string{
		{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"}, {"Mac OS", "macOS"}, {"Linux", "Linux"},
	} {
		if strings.Contains(text, known[0]) {
			system = known[1]
			break
		}
	}
	if system == "" {
		return name
	}
	return name + " on " + system
}
