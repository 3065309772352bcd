//go:build e2e

package browser_test

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/session"
)

// setting is where a story takes place.
type setting struct {
	frontEnd
	// mode is what tokens travel in: cookie or header.
	mode string
	// cross puts the page on another origin than the API. With tokens in
	// headers, which no cookie rule concerns, that is another site too.
	cross bool
	// tls serves all over HTTPS.
	tls bool
	// prefix is that of the access cookie's name; the refresh cookie then has __Secure-.
	prefix string
	// change changes the kit's settings.
	change func(*session.Config)
	// expiredStatus, if set, is the status that the front end is told of.
	expiredStatus int
}

func (s setting) byHeader() bool { return s.mode == "header" }

// world is one story's application and page.
type world struct {
	setting
	t   *testing.T
	app *backEnd
	*tab
	api, pageURL string
	// client reaches the API from outside of the browser.
	client *rig.Client
	// stolen: the story is one of theft, else there must be none.
	stolen bool
}

func open(t *testing.T, s setting) *world {
	t.Helper()
	w := &world{setting: s, t: t}
	w.serve()
	w.tab = newTab(chromium, t, chromedp.WithNewBrowserContext())
	w.load()
	t.Cleanup(w.finish)
	return w
}

// serve starts the application, and a second server when the page is to have
// another origin.
func (w *world) serve() {
	w.t.Helper()
	pages := gin.New()
	pageServer := w.start(pages)
	pageOrigin := w.origin(pageServer, "localhost")
	change := func(cfg *session.Config) {
		if w.byHeader() {
			// The page's script keeps the two tokens, one after the other, and its tabs
			// are processes of their own: docs/front-ends.md says to grant a window.
			cfg.ConcurrentRefreshWindow = 10 * time.Second
		}
		if w.change != nil {
			w.change(cfg)
		}
	}
	w.client = rig.Over(pageServer.Client())
	if !w.cross {
		w.app = newBackEnd(w.t, "", change)
		w.api = pageOrigin
		pages.NoRoute(gin.WrapH(w.app.Router))
	} else {
		w.app = newBackEnd(w.t, pageOrigin, change)
		// localhost and 127.0.0.1 are two sites, two ports of localhost are one.
		host := "localhost"
		if w.byHeader() || w.tls {
			host = "127.0.0.1"
		}
		apiServer := w.start(w.app.Router)
		w.client, w.api = rig.Over(apiServer.Client()), w.origin(apiServer, host)
	}
	w.pageURL = pageOrigin + "/page"
	pages.GET("/page", w.page)
	pages.GET("/front-end.js", func(c *gin.Context) { c.File("dist/" + w.version + ".js") })
}

func (w *world) start(handler http.Handler) *httptest.Server {
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // connections that end early are no news
	if w.tls {
		server.StartTLS()
		// The certificate is not for localhost.
		server.Client().Transport.(*http.Transport).TLSClientConfig.ServerName = "example.com"
	} else {
		server.Start()
	}
	w.t.Cleanup(server.Close)
	return server
}

func (w *world) origin(server *httptest.Server, host string) string {
	return strings.Replace(server.URL, "127.0.0.1", host, 1)
}

// page is the document, with what page.js wants to know.
func (w *world) page(c *gin.Context) {
	config := gin.H{"api": w.api, "addAxiosInterceptors": w.needsInterceptors()}
	if w.expiredStatus != 0 {
		config["expiredStatus"] = w.expiredStatus
	}
	if w.takesRefreshURL() {
		config["refreshURL"] = w.api + w.app.Svc.RefreshPaths()[0]
	}
	if w.knowsHeaderMode() {
		config["mode"] = w.mode
	}
	text, err := json.Marshal(config)
	if err != nil {
		panic(err)
	}
	c.Data(http.StatusOK, "text/html; charset=utf-8", fmt.Appendf(nil, `<!doctype html>
<meta charset="utf-8"><title>%s</title><link rel="icon" href="data:,">
<script>window.pageConfig = %s</script>
<script src="/front-end.js"></script>
`, html.EscapeString(w.version), text))
}

// load opens the page, or opens it again: scripts start anew, cookies and storage stay.
func (w *world) load() { w.t.Helper(); w.loadIn(w.tab) }

func (w *world) loadIn(p *tab) {
	w.t.Helper()
	p.do(chromedp.Navigate(w.pageURL))
	ready, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool]("window.page !== undefined"))
	require.NoError(w.t, err)
	require.True(w.t, ready, "the front end did not start; bundles are made by scripts/e2e.sh\n%s", p)
}

// finish asserts what holds in every story, and says what was seen when one failed.
func (w *world) finish() {
	if !w.t.Failed() && !w.stolen && w.app.thefts() != 0 {
		w.t.Error("an honest page was taken for a thief")
	}
	if thrown := w.exceptions(); !w.t.Failed() && len(thrown) > 0 {
		w.t.Errorf("the page threw exceptions that nobody caught: %q", thrown)
	}
	if w.t.Failed() {
		w.t.Logf("what the page saw:\n%s\nwhat the server saw:\n%s", w.tab, w.app.log)
	}
}

// reply is the answer that the page got to a request.
type reply struct {
	Status int    `json:"status"`
	Body   string `json:"body"`
	// Error is what was thrown instead of an answer.
	Error string `json:"error"`
}

// call is a request of the page; via is fetch, xhr, axios, or raw for the
// browser's own fetch.
type call struct {
	Via     string            `json:"via,omitempty"`
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Body    string            `json:"body,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
}

func get(via, path string) call { return call{Via: via, Method: http.MethodGet, Path: path} }

func post(via, path, body string) call {
	return call{
		Via: via, Method: http.MethodPost, Path: path, Body: body,
		Headers: map[string]string{"Content-Type": "application/json"},
	}
}

func (w *world) send(c call) reply { w.t.Helper(); return ask[reply](w.tab, "call", c) }

// must asserts the status of an answer.
func (w *world) must(status int, r reply) reply {
	w.t.Helper()
	require.Empty(w.t, r.Error)
	require.Equal(w.t, status, r.Status, r.Body)
	return r
}

func (w *world) get(path string) reply { w.t.Helper(); return w.send(get("fetch", path)) }

func (w *world) post(path, body string) reply { w.t.Helper(); return w.send(post("fetch", path, body)) }

// expired is the status that tells the page to refresh or to log in.
func (w *world) expired() int {
	if w.expiredStatus != 0 {
		return w.expiredStatus
	}
	return http.StatusUnauthorized
}

// unicode has characters of one, two, three and four bytes, of which the last
// needs two units of UTF-16. Its end becomes + and / in base64, whatever stands before.
const unicode = "ał馬😀~~~???"

// user is who signs in.
const user = "user-" + unicode

func (w *world) signIn() { w.t.Helper(); w.signInVia("fetch") }

func (w *world) signInVia(via string) {
	w.t.Helper()
	w.must(http.StatusOK, w.send(post(via, "/login", `{"user":"`+user+`","payload":{"name":"`+unicode+`"}}`)))
}

// refreshes is how many refreshes ended with this status.
func (w *world) refreshes(status int) int {
	return w.app.log.count(http.MethodPost, w.app.Svc.RefreshPaths()[0], status)
}

// wantRefreshes asserts how many refreshes succeeded since the story began.
func (w *world) wantRefreshes(n int) {
	w.t.Helper()
	require.Equal(w.t, n, w.refreshes(http.StatusOK), "refreshes that succeeded")
}

// state is what the front end knows.
type state struct {
	Exists  bool           `json:"exists"`
	UserID  string         `json:"userId"`
	Payload map[string]any `json:"payload"`
	Events  []event        `json:"events"`
	// Cookies are the names of those that scripts can read.
	Cookies []string `json:"cookies"`
}

type event struct {
	Action  string `json:"action"`
	Expired *bool  `json:"sessionExpiredOrRevoked"`
}

func (s state) has(action string) bool {
	for _, e := range s.Events {
		if e.Action == action {
			return true
		}
	}
	return false
}

func (w *world) state() state { w.t.Helper(); return ask[state](w.tab, "state") }

// signedOut asserts that nothing of the session is left, in the page's eyes, in
// the browser and on the server, and that requests end without a loop.
func (w *world) signedOut() {
	w.t.Helper()
	require.False(w.t, w.state().Exists, "the page still believes in the session")
	cookies := w.tokens()
	require.Empty(w.t, cookies, "tokens that the browser still has")
	handles, err := w.app.Svc.List(w.t.Context(), user)
	require.NoError(w.t, err)
	require.Empty(w.t, handles, "sessions that still live")

	before := w.refreshes(http.StatusOK) + w.refreshes(w.expired())
	w.must(w.expired(), w.get("/me"))
	w.load()
	w.must(w.expired(), w.get("/me"))
	require.Equal(w.t, before, w.refreshes(http.StatusOK)+w.refreshes(w.expired()), "refreshes after the end of the session")
}

// tokens are the access and refresh token that the browser has, in either carrier.
func (w *world) tokens() map[string]string {
	w.t.Helper()
	tokens := make(map[string]string)
	// Header mode keeps them in cookies of the page's host.
	all := w.cookies(w.api+w.app.Svc.RefreshPaths()[0], w.pageURL)
	for _, name := range []string{"sAccessToken", "sRefreshToken", "st-access-token", "st-refresh-token"} {
		if cookie, ok := all[w.cookieName(name)]; ok {
			tokens[name] = cookie.Value
		}
	}
	return tokens
}

// cookieName is the name that a cookie of the kit has in this setting.
func (w *world) cookieName(name string) string {
	switch {
	case w.prefix != "" && name == "sAccessToken":
		return w.prefix + name
	case w.prefix != "" && name == "sRefreshToken":
		return "__Secure-" + name
	default:
		return name
	}
}
