//go:build e2e

package browser_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/example/plain"
	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

// plainShop is the shop of the example, served, whose time a story moves.
type plainShop struct {
	t      *testing.T
	svc    *session.Service
	clock  *sessiontest.Clock
	ledger *rig.Ledger
	server *httptest.Server
	url    string

	mu   sync.Mutex
	seen []string
}

// plainSetting is what a story has otherwise than the shop does.
type plainSetting struct {
	store  session.Store
	config func(*session.Config)
	// front stands before the shop.
	front func(http.Handler) http.Handler
	https bool
}

func openPlain(t *testing.T, set plainSetting) *plainShop {
	t.Helper()
	s := &plainShop{t: t, clock: sessiontest.NewClock(time.Now().Truncate(time.Second)), ledger: &rig.Ledger{}}
	start := time.Now()
	cfg := plain.Config(session.Config{
		AccessTokenValidity: validity, Cookie: session.CookieConfig{Insecure: !set.https}, Logger: slog.New(slog.DiscardHandler),
		// Time passes between the messages, beside the jumps of the story.
		Now: func() time.Time { return s.clock.Now().Add(time.Since(start)) }, OnEvent: s.ledger.Event,
	})
	if set.config != nil {
		set.config(&cfg)
	}
	if set.store == nil {
		set.store = memstore.New()
	}
	var err error
	s.svc, err = session.New(t.Context(), set.store, cfg)
	require.NoError(t, err)
	t.Cleanup(s.svc.Close)
	router := gin.New()
	router.Use(s.note)
	plain.Mount(router, s.svc)
	handler := http.Handler(router)
	if set.front != nil {
		handler = set.front(handler)
	}
	s.server = httptest.NewUnstartedServer(handler)
	s.server.EnableHTTP2 = true // over HTTP/1.1 six messages are under way at most
	if set.https {
		s.server.StartTLS()
	} else {
		s.server.Start()
	}
	t.Cleanup(s.server.Close)
	t.Cleanup(func() {
		if t.Failed() {
			s.mu.Lock()
			defer s.mu.Unlock()
			t.Logf("what the server saw:\n%q", s.seen)
		}
	})
	s.url = s.server.URL
	return s
}

// note keeps what was asked for and how it was answered.
func (s *plainShop) note(c *gin.Context) {
	c.Next()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, c.Request.Method+" "+c.Request.URL.RequestURI()+" "+http.StatusText(c.Writer.Status()))
}

// thefts is how many were noticed.
func (s *plainShop) thefts() int { return s.ledger.Kind(session.EventTheft) }

// plainTab is a tab that shows the shop.
type plainTab struct {
	*tab
	shop *plainShop
}

// browser opens a browser of its own, in which no script runs unless one is to.
func (s *plainShop) browser(scripts bool) *plainTab {
	s.t.Helper()
	return s.openTab(newTab(chromium, s.t, chromedp.WithNewBrowserContext()), scripts)
}

func (s *plainShop) openTab(opened *tab, scripts bool) *plainTab {
	s.t.Helper()
	p := &plainTab{opened, s}
	_, err := chromedp.Call(p.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts})
	require.NoError(s.t, err)
	p.do(chromedp.EmulateViewport(1280, 900))
	s.t.Cleanup(func() {
		if s.t.Failed() {
			s.t.Logf("what the page saw:\n%s", p)
		}
	})
	return p
}

// open loads a page and returns where the browser ended.
func (p *plainTab) open(path string) string {
	p.t.Helper()
	p.do(chromedp.Navigate(p.shop.url + path))
	return p.at()
}

// at is the path and the query of what the tab shows.
func (p *plainTab) at() string {
	p.t.Helper()
	text, err := chromedp.Run(p.ctx, chromedp.Location())
	require.NoError(p.t, err)
	u, err := url.Parse(text)
	require.NoError(p.t, err)
	return u.RequestURI()
}

// press clicks, as people do, and waits for the page that comes.
func (p *plainTab) press(selector, want string) {
	p.t.Helper()
	before := p.evaluate(`String(performance.timeOrigin)`)
	p.do(chromedp.Click(chromedp.CSS(selector)))
	p.comes(before, want)
}

// back is the browser's button.
func (p *plainTab) back(want string) {
	p.t.Helper()
	before := p.evaluate(`String(performance.timeOrigin)`)
	p.evaluate(`String(history.back())`)
	p.comes(before, want)
}

// comes waits until the tab shows a page, and not the one that was loaded before.
func (p *plainTab) comes(before, want string) {
	p.t.Helper()
	last := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(p.ctx, patience)
		// While a page goes and another comes there is nothing to ask.
		text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.readyState !== "complete" ? "" :
			String(performance.timeOrigin) + " " + location.pathname + location.search`))
		cancel()
		loaded, at, _ := strings.Cut(text, " ")
		if err != nil || at == "" || loaded == before {
			continue
		}
		if last = at; at == want {
			return
		}
	}
	require.Equal(p.t, want, last, "the page that came")
}

// signIn fills the form in that is shown.
func (p *plainTab) signIn(name string, keep bool, want string) {
	p.t.Helper()
	p.do(chromedp.SendKeys(chromedp.CSS("#name"), name), chromedp.SendKeys(chromedp.CSS("#password"), "plain"))
	if !keep {
		p.do(chromedp.Click(chromedp.CSS("#keep")))
	}
	p.press(".fields button", want)
}

// main is the text of the page, without the frame around it.
func (p *plainTab) main() string { p.t.Helper(); return p.text("main") }

// looks keeps what the page looks like, on a screen, on a phone, on a small phone and
// in the dark, and asserts that nothing sticks out.
func (p *plainTab) looks(name string) {
	p.t.Helper()
	for _, screen := range []struct {
		width int64
		dark  bool
		named string
	}{{1280, false, ""}, {390, false, "-phone"}, {320, false, "-small"}, {1280, true, "-dark"}} {
		scheme := "light"
		if screen.dark {
			scheme = "dark"
		}
		_, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		require.NoError(p.t, err)
		p.do(chromedp.EmulateViewport(screen.width, 800))
		require.Equal(p.t, "true", p.evaluate(`String(document.documentElement.scrollWidth <= innerWidth)`), "%s: nothing sticks out", name+screen.named)
		p.screenshot("plain-" + name + screen.named)
	}
	p.do(chromedp.EmulateViewport(1280, 900))
}
