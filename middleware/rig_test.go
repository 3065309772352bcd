package middleware_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/internal/testjar"
	"github.com/gin-sessionkit/sessionkit/internal/testpage"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// site is an application on a real server: POST /in?user= signs in, GET and POST /me tell
// who is in.
type site struct {
	svc    *session.Service
	store  *storetest.FaultyStore
	clock  *sessiontest.Clock
	router *gin.Engine
	// around is put around the router.
	around func(http.Handler) http.Handler
	server *httptest.Server
}

func newSite(t *testing.T, change ...func(*session.Config)) *site {
	t.Helper()
	gin.SetMode(gin.TestMode)
	var cfg session.Config
	for _, f := range change {
		f(&cfg)
	}
	rig := testpage.NewWith(t, memstore.New(), nil, cfg)
	svc := rig.Svc
	s := &site{svc: svc, store: rig.Store, clock: rig.Clock, router: gin.New()}
	s.router.POST(svc.RefreshPaths()[0], s.answers(func(c *gin.Context) error {
		_, err := svc.RefreshHTTP(c.Writer, c.Request)
		return err
	}))
	s.router.POST(svc.SignOutPath(), s.answers(func(c *gin.Context) error { return svc.SignOutHTTP(c.Writer, c.Request) }))
	s.router.POST("/in", func(c *gin.Context) {
		if _, err := middleware.Create(c, svc, c.Query("user")); err != nil {
			middleware.Abort(c, svc, err)
			return
		}
		c.String(http.StatusOK, "in")
	})
	s.router.POST("/out", s.verify(), func(c *gin.Context) {
		if err := current(c).Revoke(c); err != nil {
			middleware.Abort(c, svc, err)
			return
		}
		c.String(http.StatusOK, "out")
	})
	s.router.GET("/me", s.verify(), whoami)
	s.router.POST("/me", s.verify(), whoami)
	return s
}

// answers is the route of fn.
func (s *site) answers(fn func(*gin.Context) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := fn(c); err != nil {
			middleware.Abort(c, s.svc, err)
			return
		}
		c.String(http.StatusOK, "null")
	}
}

func (s *site) verify(opts ...session.VerifyOption) gin.HandlerFunc {
	return middleware.Verify(s.svc, opts...)
}

func whoami(c *gin.Context) { c.String(http.StatusOK, current(c).UserID()) }

func current(c *gin.Context) *session.Session {
	value, _ := c.Get(middleware.Key)
	sess, _ := value.(*session.Session)
	return sess
}

// start serves the site over HTTP/1 or HTTP/2.
func (s *site) start(t *testing.T, http2 bool) {
	t.Helper()
	var handler http.Handler = s.router
	if s.around != nil {
		handler = s.around(handler)
	}
	s.server = httptest.NewUnstartedServer(handler)
	s.server.EnableHTTP2 = http2
	s.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.server.StartTLS()
	t.Cleanup(s.server.Close)
}

// browser keeps what answers set, and sends it. Its cookies do not end by the site's clock,
// so that it is the site that finds out.
type browser struct {
	site   *site
	client *http.Client
	jar    *testjar.Jar
	// header: tokens travel in headers.
	header                    bool
	access, refresh, antiCSRF string
}

func (s *site) browser(t *testing.T, byHeader bool) *browser {
	t.Helper()
	if s.server == nil {
		s.start(t, false)
	}
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // the test's own server
		ForceAttemptHTTP2: s.server.EnableHTTP2,
	}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &browser{site: s, client: client, jar: testjar.New(time.Now), header: byHeader}
}

// signIn is a browser of user's.
func (s *site) signIn(t *testing.T, user string, byHeader bool) *browser {
	t.Helper()
	b := s.browser(t, byHeader)
	require.Equal(t, http.StatusOK, b.do(t, http.MethodPost, "/in?user="+user).status)
	return b
}

// refreshed is signIn with tokens that wait for their first use, whose answer has a token.
func (s *site) refreshed(t *testing.T, user string, byHeader bool) *browser {
	t.Helper()
	b := s.signIn(t, user, byHeader)
	b.renew(t)
	return b
}

func (b *browser) renew(t *testing.T) {
	t.Helper()
	require.Equal(t, http.StatusOK, b.do(t, http.MethodPost, b.site.svc.RefreshPaths()[0]).status)
}

// answer is a response as a client sees it.
type answer struct {
	status int
	header http.Header
	body   string
}

func (b *browser) do(t *testing.T, method, path string) answer {
	t.Helper()
	a, err := b.try(t.Context(), method, path, "", nil)
	require.NoError(t, err)
	return a
}

// try is do for goroutines, which must not end the test.
func (b *browser) try(ctx context.Context, method, path, contentType string, body io.Reader) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, b.site.server.URL+path, body)
	if err != nil {
		return answer{}, err
	}
	b.dress(r)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	res, err := b.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	b.keep(r.URL, res.Header)
	return answer{res.StatusCode, res.Header, string(text)}, err
}

func (b *browser) dress(r *http.Request) {
	mode := "cookie"
	if b.header {
		mode = "header"
		token := b.access
		if r.URL.Path == b.site.svc.RefreshPaths()[0] {
			token = b.refresh
		}
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
	}
	r.Header.Set("St-Auth-Mode", mode)
	if b.antiCSRF != "" {
		r.Header.Set("Anti-Csrf", b.antiCSRF)
	}
	if cookies := b.jar.Header(r.URL); cookies != "" {
		r.Header.Set("Cookie", cookies)
	}
}

func (b *browser) keep(from *url.URL, h http.Header) {
	b.jar.Set(from, h.Values("Set-Cookie"))
	for name, kept := range map[string]*string{"St-Access-Token": &b.access, "St-Refresh-Token": &b.refresh, "Anti-Csrf": &b.antiCSRF} {
		if values, sent := h[name]; sent {
			*kept = values[0]
		}
	}
}

// user is who the site takes the browser for, or its answer's status.
func (b *browser) user(t *testing.T) string {
	t.Helper()
	a := b.do(t, http.MethodGet, "/me")
	if a.status != http.StatusOK {
		return http.StatusText(a.status)
	}
	return a.body
}

// token is the access token in a header, or empty; sent reports whether there is one, be
// it a removal.
func accessIn(h http.Header) (token string, sent bool) {
	if values, ok := h["St-Access-Token"]; ok {
		return values[0], true
	}
	for _, line := range h.Values("Set-Cookie") {
		if rest, ok := strings.CutPrefix(line, "sAccessToken="); ok {
			value, _, _ := strings.Cut(rest, ";")
			return value, true
		}
	}
	return "", false
}

// requireNothing: the header has nothing of a session.
func requireNothing(t *testing.T, h http.Header) {
	t.Helper()
	require.Empty(t, h.Values("Set-Cookie"))
	for _, name := range session.ExposeHeaders() {
		require.NotContains(t, h, http.CanonicalHeaderKey(name))
	}
}

// requireUncached: no cache keeps an answer with this header.
func requireUncached(t *testing.T, h http.Header) {
	t.Helper()
	require.Equal(t, []string{"no-store"}, h.Values("Cache-Control"))
	for name := range h {
		lower := strings.ToLower(name)
		require.False(t, lower != "cache-control" && strings.HasSuffix(lower, "cache-control"), name)
		require.False(t, slices.Contains([]string{"surrogate-control", "edge-control", "x-accel-expires", "expires"}, lower), name)
	}
}

// both runs fn by cookie and by header.
func both(t *testing.T, fn func(t *testing.T, byHeader bool)) {
	t.Helper()
	for name, byHeader := range map[string]bool{"cookie": false, "header": true} {
		t.Run(name, func(t *testing.T) { fn(t, byHeader) })
	}
}

// payload is the payload of a session as a handler sees it.
func payloadOf(sess *session.Session) map[string]json.RawMessage {
	var members map[string]json.RawMessage
	_ = sess.Payload(&members)
	return members
}
