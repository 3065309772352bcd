package integration_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/internal/testjar"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

// A browser without scripts that restores twenty tabs two hours later, again and again:
// every tab shows its page, nobody is out, nothing looks like theft. Forms work too.
func TestPages_TwentyTabs(t *testing.T) {
	t.Parallel()
	onEach(t, allEngines, func(t *testing.T, e engine) {
		p := newPages(t, e)
		for round := range tenTabRounds(t) / 5 {
			p.kit.Clock.Advance(2 * time.Hour)
			for _, shown := range concurrently(t, 20, func(int) (string, error) { return p.open(http.MethodGet, "/cart", "") }) {
				require.Equal(t, "GET ada ", shown, "round %d", round)
			}
		}
		p.kit.Clock.Advance(2 * time.Hour)
		shown, err := p.open(http.MethodPost, "/cart", "item=7")
		require.NoError(t, err)
		require.Equal(t, "POST ada item=7", shown)
		require.Empty(t, p.kit.Events(session.EventTheft))
	})
}

// The same browser, that does not show its access token to the refresh route: the test
// above would find out.
func TestPages_TwentyTabs_Unseen(t *testing.T) {
	t.Parallel()
	onEach(t, []engine{memory, sqlEngines[0]}, func(t *testing.T, e engine) {
		p := newPages(t, e)
		p.jar.hidden = "sAccessToken"
		for range 50 {
			p.kit.Clock.Advance(2 * time.Hour)
			for _, shown := range concurrently(t, 20, func(int) (string, error) { return p.open(http.MethodGet, "/cart", "") }) {
				if shown != "GET ada " {
					require.Equal(t, "sign in", shown)
					return
				}
			}
		}
		require.Fail(t, "all tabs saw their page")
	})
}

// pages is a site of pages on a real server, and a browser that ada is signed in with.
type pages struct {
	kit    *sessiontest.Kit
	server *httptest.Server
	client *http.Client
	jar    *pageJar
}

func newPages(t *testing.T, e engine) *pages {
	t.Helper()
	store, _ := e.open(t)
	kit := sessiontest.NewOn(t, store, nil, session.Config{
		ConcurrentRefreshWindow: 10 * time.Second,
		OperationTimeout:        time.Minute, // databases on a busy test machine
	})
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	showCart := func(c *gin.Context) {
		sess, _ := middleware.Session(c)
		body, _ := io.ReadAll(c.Request.Body)
		c.String(http.StatusOK, "%s %s %s", c.Request.Method, sess.UserID(), body)
	}
	linesOfPages(router, kit.Service, func(c *gin.Context) { c.String(http.StatusOK, "sign in") }, func(c *gin.Context) {
		if _, err := middleware.Create(c, kit.Service, c.PostForm("user")); err != nil {
			middleware.Abort(c, kit.Service, err)
			return
		}
		c.Redirect(http.StatusSeeOther, middleware.ReturnTo(c))
	}, showCart, showCart)
	p := &pages{kit: kit, server: httptest.NewTLSServer(router), jar: &pageJar{Jar: testjar.New(kit.Clock.Now)}}
	t.Cleanup(p.server.Close)
	p.client = p.server.Client()
	p.client.Jar = p.jar
	p.client.Transport.(*http.Transport).MaxIdleConnsPerHost = 20 //nolint:forcetypeassert // it is
	shown, err := p.open(http.MethodPost, "/login?to=/cart", "user=ada")
	require.NoError(t, err)
	require.Equal(t, "GET ada ", shown)
	return p
}

// open is a navigation, with all its redirects; it returns the page that is shown.
func (p *pages) open(method, path, form string) (string, error) {
	r, err := http.NewRequest(method, p.server.URL+path, strings.NewReader(form)) //nolint:noctx // the test's own server
	if err != nil {
		return "", err
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := p.client.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s is answered %d", res.Request.URL, res.StatusCode)
	}
	return string(text), err
}

// pageJar is a browser's jar for a client of net/http. What is hidden it does not send to
// the refresh route.
type pageJar struct {
	*testjar.Jar

	hidden string
}

func (j *pageJar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	for _, c := range cookies {
		j.Set(u, []string{c.Raw})
	}
}

func (j *pageJar) Cookies(u *url.URL) (list []*http.Cookie) {
	for _, c := range j.For(u) {
		if c.Name != j.hidden || u.Path != refreshPath {
			list = append(list, &http.Cookie{Name: c.Name, Value: c.Value})
		}
	}
	return list
}
