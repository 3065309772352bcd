package cookies_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/internal/testjar"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/refresh"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

const (
	host    = "https://app.example.com"
	me      = host + "/api/me"
	act     = host + "/api/act"
	optPage = host + "/api/page"
	logIn   = host + "/api/login"
	logOut  = host + "/api/signout"
)

// site is an application on a store that outlives its deploys.
type site struct {
	t     *testing.T
	clock *sessiontest.Clock
	store *storetest.FaultyStore
	logs  bytes.Buffer
	svc   *session.Service
	// refreshURL is where the front ends of the deploy go.
	refreshURL string
	handler    http.Handler
}

func newSite(t *testing.T, cookie session.CookieConfig, change ...func(*session.Config)) *site {
	t.Helper()
	s := &site{
		t: t, clock: sessiontest.NewClock(time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)),
		store: storetest.Faulty(memstore.New()),
	}
	s.deploy(cookie, change...)
	return s
}

// deploy replaces the service by one with other cookies.
func (s *site) deploy(cookie session.CookieConfig, change ...func(*session.Config)) {
	s.t.Helper()
	if cookie.SignOutPath = "/api/signout"; cookie.RefreshPath == "" {
		cookie.RefreshPath = "/auth/session/refresh"
	}
	cfg := session.Config{Cookie: cookie, Leeway: session.Off, Logger: slog.New(slog.NewTextHandler(&s.logs, nil))}
	for _, f := range change {
		f(&cfg)
	}
	svc := sessiontest.NewOn(s.t, s.store, s.clock, cfg).Service
	s.svc, s.refreshURL = svc, host+cookie.RefreshPath

	router := gin.New()
	refresh.Mount(router, svc)
	router.Any("/api/login", func(c *gin.Context) {
		if _, err := middleware.Create(c, svc, c.DefaultQuery("user", "ada")); err != nil {
			middleware.Abort(c, svc, err)
		}
	})
	who := func(c *gin.Context) {
		if sess, ok := middleware.Session(c); ok {
			c.String(http.StatusOK, sess.UserID())
			return
		}
		c.String(http.StatusOK, "visitor")
	}
	router.GET("/api/me", middleware.Verify(svc), who)
	router.POST("/api/act", middleware.Verify(svc), who)
	router.GET("/api/page", middleware.VerifyOptional(svc), who)
	s.handler = router
}

// browser is a new browser at the site.
func (s *site) browser() *browser {
	return &browser{&rig.Browser{Jar: testjar.New(s.clock.Now), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.handler.ServeHTTP(w, r)
	})}, s}
}

type browser struct {
	*rig.Browser
	site *site
}

func (b *browser) signIn(user string) {
	b.site.t.Helper()
	require.Equal(b.site.t, http.StatusOK, b.Fetch(http.MethodPost, logIn+"?user="+user).Code)
}

// is asks who is signed in, as a front end of some generation that gives up after five
// refreshes.
func (b *browser) is(user string, refreshes int, why string) {
	b.site.t.Helper()
	status, n := b.FrontEnd(http.MethodGet, me, b.site.refreshURL, 5)
	require.Equal(b.site.t, http.StatusOK, status, "%s: %s", why, b.slots())
	require.Equal(b.site.t, user, b.Last.Body.String(), why)
	require.Equal(b.site.t, refreshes, n, "%s: refreshes", why)
}

// ours are the cookies of the kit in the jar.
func (b *browser) ours() (list []testjar.Cookie) {
	for _, c := range b.All() {
		if strings.Contains(c.Name, "sAccessToken") || strings.Contains(c.Name, "sRefreshToken") || c.Name == "sIdRefreshToken" {
			list = append(list, c)
		}
	}
	return list
}

// plant sets a cookie as a sibling host can by an answer of its own.
func (b *browser) plant(line string) {
	b.site.t.Helper()
	require.Empty(b.site.t, b.Set(urlOf("https://evil.example.com/auth/session/x"), []string{line + "; Secure"}))
}

// value is the value of the first cookie of that name.
func (b *browser) value(name string) string {
	for _, c := range b.All() {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// lose sends a request whose answer never arrives.
func (b *browser) lose(method, target string) {
	r := httptest.NewRequestWithContext(b.site.t.Context(), method, target, nil)
	r.Header.Set("Cookie", b.Header(r.URL))
	b.site.handler.ServeHTTP(httptest.NewRecorder(), r)
}

// slots tells what the jar has, without the values.
func (b *browser) slots() (text string) {
	for _, c := range b.All() {
		text += fmt.Sprintf("%s@%s%s ", c.Name, c.Domain, c.Path)
	}
	return text
}
