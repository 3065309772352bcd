package middleware_test

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/internal/testjar"
	"github.com/gin-sessionkit/sessionkit/internal/testpage"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/refresh"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

const shopURL = "https://shop.example"

// shop is a site of pages: GET /login has the form, POST /login signs in. /cart and
// /orders are for users, / is for visitors too; they tell who is in, and what was posted.
type shop struct {
	*testpage.Rig

	router *gin.Engine
	// served counts the requests that a page was shown for.
	served atomic.Int64
}

func newShop(t *testing.T, change ...func(*session.Config)) *shop {
	t.Helper()
	gin.SetMode(gin.TestMode)
	cfg := session.Config{ConcurrentRefreshWindow: 10 * time.Second, Cleanup: session.CleanupConfig{Every: session.Off}}
	for _, f := range change {
		f(&cfg)
	}
	return shopOf(testpage.NewWith(t, memstore.New(), nil, cfg))
}

// newShopOn is a later deploy of before.
func newShopOn(t *testing.T, before *shop, change func(*session.Config)) *shop {
	t.Helper()
	cfg := session.Config{ConcurrentRefreshWindow: 10 * time.Second, Cleanup: session.CleanupConfig{Every: session.Off}}
	change(&cfg)
	return shopOf(testpage.NewWith(t, before.Store, before.Clock, cfg))
}

func shopOf(rig *testpage.Rig) *shop {
	s := &shop{Rig: rig, router: gin.New()}
	s.mount(s.router)
	return s
}

func (s *shop) mount(router *gin.Engine) {
	page := middleware.Page{Login: "/login"}
	refresh.Mount(router, s.Svc, refresh.Pages(page.Login))
	router.GET("/login", func(c *gin.Context) {
		c.String(http.StatusOK, "sign in, then %s%s", middleware.ReturnTo(c), c.Query("reason"))
	})
	router.POST("/login", func(c *gin.Context) {
		if _, err := middleware.Create(c, s.Svc, c.PostForm("user")); err != nil {
			middleware.Abort(c, s.Svc, err)
			return
		}
		c.Redirect(http.StatusSeeOther, middleware.ReturnTo(c))
	})
	router.Match([]string{http.MethodGet, http.MethodHead, http.MethodPost}, "/", middleware.VerifyPageOptional(s.Svc, page), s.show)
	users := router.Group("/", middleware.VerifyPage(s.Svc, page))
	for _, path := range []string{"/cart", "/orders"} {
		users.Match([]string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete}, path, s.show)
	}
}

func (s *shop) show(c *gin.Context) {
	s.served.Add(1)
	who := "visitor"
	if sess := current(c); sess != nil {
		who = sess.UserID()
	}
	body, _ := io.ReadAll(c.Request.Body)
	c.String(http.StatusOK, "%s %s %s %s", c.Request.Method, c.Request.URL.Path, who, body)
}

// later is after the access tokens have expired.
func (s *shop) later() { s.Clock.Advance(2 * time.Hour) }

// person is somebody with a browser without scripts, which follows redirects.
type person struct {
	t   *testing.T
	to  http.Handler
	jar *testjar.Jar
	// refuses are cookies that the browser does not keep.
	refuses func(name, value string) bool
	// hides are cookies that the browser does not send to a path.
	hides func(path, name string) bool
	// travels is what a request and its answer do on their way, for tabs that load at
	// once; nil is nothing.
	travels func()
}

func (s *shop) person(t *testing.T) *person {
	t.Helper()
	return &person{t: t, to: s.router, jar: testjar.New(s.Clock.Now)}
}

func (s *shop) signedIn(t *testing.T, user string) *person {
	t.Helper()
	p := s.person(t)
	v := p.post("/login?to=/cart", url.Values{"user": {user}}.Encode())
	require.Equal(t, http.StatusOK, v.status, v.body)
	require.Equal(t, "GET /cart "+user+" ", v.body)
	return p
}

// visit is what came of following a link.
type visit struct {
	status int
	header http.Header
	body   string
	// path is where the browser is in the end, hops where it was: method and target.
	path string
	hops []string
}

func (p *person) open(path string) visit { return p.do(http.MethodGet, path, "", typed()) }

func (p *person) post(path, form string) visit {
	return p.do(http.MethodPost, path, form, own("document"))
}

// typed is what a browser says of an address that somebody typed.
func typed() http.Header { return fetched("none", "navigate", "document") }

// own is what it says of what a page of this origin asks for.
func own(dest string) http.Header {
	mode := "no-cors"
	switch dest {
	case "document", "iframe":
		mode = "navigate"
	case "empty":
		mode = "cors"
	}
	return fetched("same-origin", mode, dest)
}

func fetched(site, mode, dest string) http.Header {
	h := http.Header{"Sec-Fetch-Site": {site}, "Sec-Fetch-Mode": {mode}, "Sec-Fetch-Dest": {dest}, "Accept": {"*/*"}}
	if dest == "document" || dest == "iframe" {
		h.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	}
	return h
}

// do follows redirects by the rules of browsers (Fetch standard, "HTTP-redirect fetch").
func (p *person) do(method, path, form string, h http.Header) visit {
	v, err := p.try(p.t.Context(), method, path, form, h)
	require.NoError(p.t, err)
	return v
}

type tooMany struct{ hops []string }

func (e tooMany) Error() string { return "too many redirects: " + strings.Join(e.hops, ", ") }

func (p *person) try(ctx context.Context, method, path, form string, h http.Header) (v visit, err error) {
	target, err := url.Parse(shopURL + path)
	if err != nil {
		return v, err
	}
	for range 20 {
		v.hops = append(v.hops, method+" "+target.RequestURI())
		w := p.once(ctx, method, target, form, h)
		location := w.Header().Get("Location")
		if v.status, v.header, v.body, v.path = w.Code, w.Header(), w.Body.String(), target.RequestURI(); location == "" {
			return v, nil
		}
		if target, err = target.Parse(location); err != nil || target.Host != "shop.example" {
			return v, tooMany{append(v.hops, location)}
		}
		if w.Code == http.StatusSeeOther && method != http.MethodGet && method != http.MethodHead {
			method, form = http.MethodGet, ""
		}
	}
	return v, tooMany{v.hops}
}

func (p *person) once(ctx context.Context, method string, target *url.URL, form string, h http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(ctx, method, target.RequestURI(), strings.NewReader(form))
	r.Host, r.TLS, r.Header = target.Host, &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true}, h.Clone()
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if method != http.MethodGet && method != http.MethodHead && r.Header.Get("Origin") == "" && r.Header.Get("Sec-Fetch-Site") == "same-origin" {
		r.Header.Set("Origin", shopURL)
	}
	var pairs []string
	for _, c := range p.jar.For(target) {
		if p.hides == nil || !p.hides(target.Path, c.Name) {
			pairs = append(pairs, c.Name+"="+c.Value)
		}
	}
	if len(pairs) > 0 {
		r.Header.Set("Cookie", strings.Join(pairs, "; "))
	}
	w := httptest.NewRecorder()
	p.travel()
	p.to.ServeHTTP(w, r)
	p.travel()
	for _, line := range w.Header().Values("Set-Cookie") {
		name, rest, _ := strings.Cut(line, "=")
		value, _, _ := strings.Cut(rest, ";")
		if p.refuses == nil || !p.refuses(name, value) {
			p.jar.Set(target, []string{line})
		}
	}
	return w
}

func (p *person) travel() {
	if p.travels != nil {
		p.travels()
	}
}

// cookie is the value of a cookie that the browser has, or empty.
func (p *person) cookie(name string) string {
	for _, c := range p.jar.All() {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// set puts a cookie into the browser.
func (p *person) set(path, name, value string) {
	refused := p.jar.Set(target(p.t, path), []string{name + "=" + value + "; Path=" + path + "; Max-Age=8640000; Secure; HttpOnly"})
	require.Empty(p.t, refused)
}

type testjarCookie = testjar.Cookie

func target(t *testing.T, path string) *url.URL {
	t.Helper()
	u, err := url.Parse(shopURL + path)
	require.NoError(t, err)
	return u
}

// strict is one more page.
func (s *shop) strict(path string, opts ...session.VerifyOption) {
	s.router.GET(path, middleware.VerifyPage(s.Svc, middleware.Page{Login: "/login"}, opts...), s.show)
}

func (s *shop) revokeAll(t *testing.T) error {
	t.Helper()
	_, err := s.Svc.RevokeAll(t.Context(), "ada")
	return err
}

// away takes the database away, or brings it back.
func (s *shop) away(gone bool) {
	if gone {
		s.Store.Arm(storetest.Fault{})
		return
	}
	s.Store.Arm()
}
