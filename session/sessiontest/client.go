package sessiontest

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gin-sessionkit/sessionkit/internal/testjar"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Client is one user's browser with a front end in it: it keeps cookies by the
// rules of RFC 6265bis, sends the anti-CSRF token, and on an answer that says so
// refreshes and repeats the request once. It does not follow redirects. For pages from
// the server set WithoutScripts.
//
// It is for one goroutine; several clients may be used at the same time.
type Client struct {
	// ByHeader makes the client keep its tokens by itself and send them in
	// headers (st-auth-mode: header), as apps on phones do. Set it before Login.
	ByHeader bool
	// WithoutScripts makes the client a browser that shows pages from the server, as
	// middleware.VerifyPage is for: no front end is in it that refreshes or sends a
	// token, and it follows redirects on the application's origin. Not with ByHeader.
	WithoutScripts bool

	t       testing.TB
	kit     *Kit
	handler http.Handler
	jar     *testjar.Jar

	at              string
	antiCSRF        string
	access, refresh string // with ByHeader
}

// Client returns a client that nobody is signed in with. The handler is the
// application's router with all its middleware. It has to have the refresh route,
// by refresh.Mount or by Service.RefreshHTTP, if a request ever refreshes.
func (k *Kit) Client(t testing.TB, handler http.Handler) *Client {
	return &Client{
		ByHeader: k.cfg.FrontEnds.Carriers == session.CarriersHeader,
		t:        t, kit: k, handler: handler, jar: testjar.New(k.Clock.Now),
	}
}

// Login signs a user in as Service.CreateHTTP does in a handler: with real tokens,
// and whoever was signed in with this client before is signed out. It does not
// call the application; to test the sign-in route itself, Post to it: the client
// keeps what it answers.
func (c *Client) Login(user string, opts ...session.CreateOption) *session.Session {
	c.t.Helper()
	target, r := c.received(c.newRequest(http.MethodPost, "/", ""), nil)
	w := httptest.NewRecorder()
	sess, err := c.kit.Service.CreateHTTP(w, r, user, opts...)
	if err != nil {
		c.t.Fatalf("sessiontest: Login of %q: %v", user, err)
	}
	c.keep(target, w)

	return sess
}

// Get sends a GET; see Send.
func (c *Client) Get(path string) *httptest.ResponseRecorder {
	c.t.Helper()
	return c.Do(http.MethodGet, path, "")
}

// Post sends a POST with a JSON body, or without one if body is empty; see Send.
func (c *Client) Post(path, body string) *httptest.ResponseRecorder {
	c.t.Helper()
	return c.Do(http.MethodPost, path, body)
}

// Do sends a request with a JSON body, or without one if body is empty; see Send.
func (c *Client) Do(method, path, body string) *httptest.ResponseRecorder {
	c.t.Helper()
	return c.Send(c.newRequest(method, path, body))
}

// Send sends what a page of the application's own origin would: r, with what the
// client adds to it and r has not set itself. When the answer asks for it, and
// there is something to refresh with, it refreshes and sends r once more. It
// returns the last answer to r.
func (c *Client) Send(r *http.Request) *httptest.ResponseRecorder {
	c.t.Helper()
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			c.t.Fatalf("sessiontest: the request's body: %v", err)
		}
	}
	if c.WithoutScripts {
		return c.follow(r, body)
	}
	w := c.once(r, body)
	if !c.kit.expired(r, w.Code) || !c.canRefresh() || c.Refresh().Code != http.StatusOK {
		return w
	}
	return c.once(r, body)
}

// Refresh asks the refresh route for new tokens, as Send does by itself, and
// returns the answer. A handler without that route ends the test.
func (c *Client) Refresh() *httptest.ResponseRecorder {
	c.t.Helper()
	path := c.kit.Service.RefreshPaths()[0]
	r := c.newRequest(http.MethodPost, path, "")
	if c.ByHeader {
		r.Header.Set("Authorization", "Bearer "+c.refresh)
	}
	w := c.once(r, nil)
	// Where the cookies were of an earlier deploy's, it is sent on (Cookie.Older).
	for range len(c.kit.Service.RefreshPaths()) {
		if w.Code != http.StatusTemporaryRedirect {
			break
		}
		w = c.once(c.newRequest(http.MethodPost, w.Header().Get("Location"), ""), nil)
	}
	if w.Code == http.StatusNotFound || w.Code == http.StatusMethodNotAllowed {
		c.t.Fatalf("sessiontest: POST %s is answered with %d: give the handler a refresh route, by refresh.Mount or Service.RefreshHTTP",
			path, w.Code)
	}
	return w
}

func (c *Client) newRequest(method, path, body string) *http.Request {
	r := httptest.NewRequestWithContext(c.t.Context(), method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// once sends r and keeps what the answer sets.
func (c *Client) once(r *http.Request, body []byte) *httptest.ResponseRecorder {
	target, r := c.received(r, body)
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	c.keep(target, w)
	c.at = target.RequestURI()

	return w
}

// received is r as the server gets it, and where it goes.
func (c *Client) received(r *http.Request, body []byte) (*url.URL, *http.Request) {
	target := c.kit.base.ResolveReference(r.URL)
	sent := r.Clone(r.Context())
	sent.Host, sent.RequestURI = target.Host, target.RequestURI()
	sent.Body, sent.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	sent.TLS = nil
	if target.Scheme == "https" {
		sent.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true, ServerName: target.Hostname()}
	}
	c.addCredentials(sent, target)
	own := target.Scheme + "://" + target.Host
	setDefault(sent.Header, "Sec-Fetch-Site", "same-origin")
	setDefault(sent.Header, "User-Agent", "sessiontest")
	if c.WithoutScripts {
		navigates(sent.Header)
	} else {
		setDefault(sent.Header, "Rid", "anti-csrf")
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		setDefault(sent.Header, "Origin", own)
	}
	return target, sent
}

// addCredentials puts onto r what proves who sends it.
func (c *Client) addCredentials(r *http.Request, target *url.URL) {
	if c.ByHeader {
		setDefault(r.Header, "St-Auth-Mode", "header")
		if c.access != "" {
			setDefault(r.Header, "Authorization", "Bearer "+c.access)
		}
	}
	if cookies := c.jar.Header(target); cookies != "" {
		if own := r.Header.Get("Cookie"); own != "" {
			cookies = own + "; " + cookies
		}
		r.Header.Set("Cookie", cookies)
	}
	if c.WithoutScripts {
		return
	}
	if c.antiCSRF != "" {
		setDefault(r.Header, "Anti-Csrf", c.antiCSRF)
	}
	if c.kit.cfg.AntiCSRF.Mode == session.AntiCSRFViaCustomHeader {
		setDefault(r.Header, "Rid", "anti-csrf")
	}
}

func setDefault(h http.Header, name, value string) {
	if h.Get(name) == "" {
		h.Set(name, value)
	}
}

// keep does with an answer what the browser and the page do.
func (c *Client) keep(target *url.URL, w *httptest.ResponseRecorder) {
	c.t.Helper()
	h := w.Result().Header
	for _, line := range c.jar.Set(target, h.Values("Set-Cookie")) {
		name, _, _ := strings.Cut(line, "=") // the value may be a secret
		c.t.Logf("sessiontest: a browser refuses the cookie %s that %s sets", name, target)
	}
	if token := h.Get("Anti-Csrf"); token != "" {
		c.antiCSRF = token
	}
	if h.Get("Front-Token") == "remove" {
		c.antiCSRF = ""
	}
	if token, ok := h["St-Access-Token"]; ok {
		c.access = token[0]
	}
	if token, ok := h["St-Refresh-Token"]; ok {
		c.refresh = token[0]
	}
}

// canRefresh reports whether there is a token to refresh with.
func (c *Client) canRefresh() bool {
	if c.ByHeader {
		return c.refresh != ""
	}
	for _, cookie := range c.jar.All() {
		if strings.Contains(cookie.Name, "sRefreshToken") {
			return true
		}
	}
	return false
}
