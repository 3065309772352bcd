package integration_test

import (
	"encoding/json"
	"html/template"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/devices"
	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

func mountDevices(router *gin.Engine, svc *session.Service) {
	devices.Mount(router.Group("/auth"), svc, devices.Config{})
}

// mountDevicePage takes the group of the pages above, behind Verify.
func mountDevicePage(pages *gin.RouterGroup, svc *session.Service) {
	list := template.Must(template.New("list").Parse(`<!doctype html><title>Devices</title><ul>{{range .}}
<li>{{or .Label .UserAgent}}, since {{.CreatedAt.Format "2 January 2006"}}
<form method="post" action="/devices/{{.Handle}}/end"><button>Sign out</button></form>{{end}}</ul>`))
	pages.GET("/devices", func(c *gin.Context) {
		sess := c.MustGet(middleware.Key).(*session.Session)
		all, err := svc.List(c.Request.Context(), sess.UserID())
		if err != nil {
			middleware.Abort(c, svc, err)
			return
		}
		c.Header("Content-Type", "text/html; charset=utf-8")
		_ = list.Execute(c.Writer, all)
	})
	pages.POST("/devices/:handle/end", func(c *gin.Context) {
		sess := c.MustGet(middleware.Key).(*session.Session)
		// RevokeOf, and not Revoke: the handle comes from a form, and may be anybody's.
		if _, err := svc.RevokeOf(c.Request.Context(), sess.UserID(), c.Param("handle")); err != nil {
			middleware.Abort(c, svc, err)
			return
		}
		c.Redirect(http.StatusSeeOther, "/devices")
	})
}

func TestCookbook_Devices(t *testing.T) {
	t.Parallel()
	svc, _ := newService(t, session.Config{})
	router := gin.New()
	mountDevices(router, svc)
	tokens, err := svc.Create(t.Context(), "ada")
	require.NoError(t, err)
	send := func(method, path, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, "https://app.example/auth/sessions"+path, strings.NewReader(body))
		r.Header.Set("Cookie", "sAccessToken="+tokens.Access.Value)
		r.Header.Set("Anti-Csrf", tokens.AntiCSRF)
		w := httptest.NewRecorder()
		router.ServeHTTP(w, r)
		return w
	}
	own := "/" + tokens.Session.Handle()
	for _, label := range []string{"kitchen tablet", "kitchen tablet", "Küche 👩\u200d🍳", `<b>"`} { // twice: MySQL counts no row then
		require.Equal(t, http.StatusNoContent, send(http.MethodPatch, own, `{"label":`+string(quoted(t, label))+`}`).Code)
		require.Contains(t, send(http.MethodGet, "", "").Body.String(), `"label":`+string(quoted(t, label)))
	}
	require.JSONEq(t, `{"revoked":0}`, send(http.MethodPost, "/revoke-others", "").Body.String())
	require.Equal(t, http.StatusNoContent, send(http.MethodDelete, own, "").Code)
	require.Equal(t, http.StatusUnauthorized, send(http.MethodGet, "", "").Code)
}

// A label and a user agent are text, whatever is in them, and a form ends the user's own
// sessions only.
func TestCookbook_DevicePage(t *testing.T) {
	t.Parallel()
	svc, router := sessiontest.NewOn(t, memstore.New(), sessiontest.NewClock(time.Now()), session.Config{}).Service, gin.New()
	router.POST("/login", func(c *gin.Context) {
		if _, err := middleware.Create(c, svc, "ada"); err != nil {
			middleware.Abort(c, svc, err)
		}
	})
	mountDevicePage(router.Group("/", middleware.Verify(svc, session.InsecureSkipAntiCSRF())), svc)
	user := rig.NewBrowser(time.Now, rig.Into(router))
	page(t, user, http.MethodPost, "/login", "same-origin")
	const hostile = `<script>alert(1)</script>`
	named, err := svc.Create(t.Context(), "ada")
	require.NoError(t, err)
	_, err = svc.SetLabel(t.Context(), "ada", named.Session.Handle(), hostile)
	require.NoError(t, err)
	_, err = svc.Create(t.Context(), "ada", session.WithDevice("agent"+hostile, ""))
	require.NoError(t, err)
	foreign, err := svc.Create(t.Context(), "bob")
	require.NoError(t, err)

	text := func(path string) string { return page(t, user, http.MethodGet, path, "same-origin").Body }
	before := text("/devices")
	require.NotContains(t, before, "<script")
	require.Equal(t, 2, strings.Count(before, "&lt;script&gt;"))
	for _, handle := range []string{named.Session.Handle(), foreign.Session.Handle(), "nothing"} {
		page(t, user, http.MethodPost, "/devices/"+handle+"/end", "same-origin")
	}
	require.Equal(t, 2, strings.Count(text("/devices"), "<li>"))
	_, err = svc.Get(t.Context(), foreign.Session.Handle())
	require.NoError(t, err)
}

// quoted is text as it stands in an answer.
func quoted(t *testing.T, text string) []byte {
	t.Helper()
	encoded, err := json.Marshal(text)
	require.NoError(t, err)
	return encoded
}
