package plain_test

import (
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/example/plain"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// rig is a shop that serves, and whose time a test moves.
type rig struct {
	svc   *session.Service
	clock *sessiontest.Clock
	store *storetest.FaultyStore
	url   string
}

func open(t *testing.T) *rig {
	t.Helper()
	r := &rig{clock: sessiontest.NewClock(time.Now().Truncate(time.Second)), store: storetest.Faulty(memstore.New())}
	svc, err := session.New(t.Context(), r.store, plain.Config(session.Config{
		Cookie: session.CookieConfig{Insecure: true}, Now: r.clock.Now, Logger: slog.New(slog.DiscardHandler),
	}))
	require.NoError(t, err)
	t.Cleanup(svc.Close)
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	plain.Mount(router, svc)
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	r.svc, r.url = svc, server.URL
	return r
}

// browser shows pages and sends forms, and knows no script.
type browser struct {
	t *testing.T
	*rig
	http *http.Client
	jar  http.CookieJar
}

func (r *rig) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &browser{t, r, &http.Client{Jar: jar, Timeout: 30 * time.Second}, jar}
}

// page is what a browser shows.
type page struct {
	Status int
	Path   string // with the query
	Header http.Header
	Text   string // without tags
	HTML   string
}

func (b *browser) send(method, path string, form url.Values, header ...string) page {
	b.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, body)
	require.NoError(b.t, err)
	for name, value := range map[string]string{
		"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Accept": "text/html",
	} {
		req.Header.Set(name, value)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := b.http.Do(req)
	require.NoError(b.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	return page{resp.StatusCode, resp.Request.URL.RequestURI(), resp.Header, textOf(string(text)), string(text)}
}

var (
	tags   = regexp.MustCompile(`<[^>]*>`)
	spaces = regexp.MustCompile(`\s+`)
)

func textOf(text string) string {
	return html.UnescapeString(spaces.ReplaceAllString(tags.ReplaceAllString(text, ""), " "))
}

// get opens a page that must be there.
func (b *browser) get(path string) page {
	b.t.Helper()
	return b.want(http.StatusOK, b.send(http.MethodGet, path, nil))
}

// post sends a form whose answer must be a page.
func (b *browser) post(path string, fields ...string) page {
	b.t.Helper()
	return b.want(http.StatusOK, b.send(http.MethodPost, path, form(fields...)))
}

func form(fields ...string) url.Values {
	values := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	return values
}

func (b *browser) want(status int, p page) page {
	b.t.Helper()
	require.Equal(b.t, status, p.Status, "%s: %s", p.Path, p.Text)
	return p
}

func (b *browser) signIn(name string, fields ...string) page {
	b.t.Helper()
	return b.post("/plain/login", append([]string{"name", name, "password", "plain", "keep", "1"}, fields...)...)
}

// cookie is what the browser sends to a path under a name.
func (b *browser) cookie(path, name string) string {
	b.t.Helper()
	u, err := url.Parse(b.url + path)
	require.NoError(b.t, err)
	for _, c := range b.jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// sessions are how many ada has.
func (r *rig) sessions(t *testing.T) int {
	t.Helper()
	list, err := r.svc.List(t.Context(), "ada")
	require.NoError(t, err)
	return len(list)
}
