package cookies_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/internal/testjar"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

const (
	host    = "https://" + rig.Host
	me      = host + "/api/me"
	act     = host + "/api/act"
	optPage = host + "/api/visitor"
	logIn   = host + "/api/login?user="
	logOut  = host + "/api/signout"
)

// site is an application on a store that outlives its deploys.
type site struct {
	t     *testing.T
	clock *sessiontest.Clock
	store *storetest.FaultyStore
	logs  rig.Log
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
		cookie.RefreshPath = rig.RefreshPath
	}
	app := rig.Story(s.t, s.store, rig.AppConfig{
		Session: session.Config{Cookie: cookie}, Clock: s.clock, Log: &s.logs, Prefix: "/api",
	}, change...)
	s.svc, s.handler, s.refreshURL = app.Svc, app.Router, host+cookie.RefreshPath
}

// browser is a new browser at the site.
func (s *site) browser() *browser {
	return &browser{rig.NewBrowser(s.clock.Now, rig.Into(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.handler.ServeHTTP(w, r)
	}))), s}
}

type browser struct {
	*rig.Browser
	site *site
}

func (b *browser) signIn(user string) {
	b.site.t.Helper()
	require.Equal(b.site.t, http.StatusOK, b.Fetch(http.MethodPost, logIn+user).Status)
}

// is asks who is signed in, as a front end of some generation that gives up after five
// refreshes.
func (b *browser) is(user string, refreshes int, why string) {
	b.site.t.Helper()
	status, n := b.FrontEnd(http.MethodGet, me, b.site.refreshURL, 5)
	require.Equal(b.site.t, http.StatusOK, status, "%s: %s", why, b.slots())
	require.Equal(b.site.t, user, b.Last.User(), why)
	require.Equal(b.site.t, refreshes, n, "%s: refreshes", why)
}

// ours are the cookies of the kit in the jar.
func (b *browser) ours() (list []testjar.Cookie) {
	for _, c := range b.Cookies().All() {
		if strings.Contains(c.Name, "sAccessToken") || strings.Contains(c.Name, "sRefreshToken") || c.Name == "sIdRefreshToken" {
			list = append(list, c)
		}
	}
	return list
}

// set stores what an answer of target's sets.
func (b *browser) set(target string, lines ...string) (refused []string) {
	return b.Cookies().Set(urlOf(target), lines)
}

// plant sets a cookie as a sibling host can by an answer of its own.
func (b *browser) plant(line string) {
	b.site.t.Helper()
	require.Empty(b.site.t, b.set("https://evil.example.com/auth/session/x", line+"; Secure"))
}

// value is the value of the first cookie of that name.
func (b *browser) value(name string) string {
	for _, c := range b.Cookies().All() {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// send is a request of the browser's cookies with exactly these headers, whose answer
// the browser never gets.
func (b *browser) send(method, target string, header http.Header) rig.Reply {
	b.site.t.Helper()
	reply, err := b.Way(b.site.t.Context(), b.RequestOf(rig.Page{Header: header}, method, target))
	require.NoError(b.site.t, err)
	return reply
}

// slots tells what the jar has, without the values.
func (b *browser) slots() (text string) {
	for _, c := range b.Cookies().All() {
		text += fmt.Sprintf("%s@%s%s ", c.Name, c.Domain, c.Path)
	}
	return text
}

func urlOf(text string) *url.URL {
	u, err := url.Parse(text)
	if err != nil {
		panic(err)
	}
	return u
}
