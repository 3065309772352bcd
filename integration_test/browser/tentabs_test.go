//go:build e2e

package browser_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/session"
)

// plainPage is a page without any front end: it asks, refreshes when it is told to, and
// asks again. Its tabs know nothing of each other: there is no lock, and no marker to
// look at.
const plainPage = `<!doctype html>
<meta charset="utf-8"><title>plain</title><link rel="icon" href="data:,">
<script>
const post = (path, headers, body) => fetch(path, { method: "POST", headers, body });
async function live() {
  for (let n = 0; n < 10; n++) {
    const { status } = await fetch("/me", { cache: "no-store" });
    if (status !== 401) return status;
    const refresh = await post(%q, { rid: "session" });
    if (refresh.status !== 200) return refresh.status;
  }
  return 0; // a loop
}
const status = live();
window.page = {
  status: () => status,
  signIn: async (user) => (await post("/login", { "Content-Type": "application/json" }, JSON.stringify({ user }))).status,
};
</script>
`

// tenTabs are tabs of one browser, which show the plain page of an application.
type tenTabs struct {
	t    *testing.T
	tabs []*tab
	app  *backEnd
	url  string
}

func openTenTabs(t *testing.T) (tabs []*tab) {
	t.Helper()
	tabs = append(tabs, newTab(chromium, t, chromedp.WithNewBrowserContext()))
	for len(tabs) < 10 {
		tabs = append(tabs, newTab(tabs[0].ctx, t))
	}
	return tabs
}

// serveTenTabs starts an application and signs in. Cookies know no ports: each
// application needs a host name of its own.
func serveTenTabs(t *testing.T, tabs []*tab, host string, window time.Duration) *tenTabs {
	t.Helper()
	w := &tenTabs{t: t, tabs: tabs}
	w.app = newBackEnd(t, "", func(cfg *session.Config) {
		cfg.Cookie, cfg.ConcurrentRefreshWindow = session.CookieConfig{}, window
		// Time passes between the tabs' messages, beside the jumps of the story.
		stands, start := cfg.Now, time.Now()
		cfg.Now = func() time.Time { return stands().Add(time.Since(start)) }
	})
	w.app.Router.GET("/plain", func(c *gin.Context) {
		c.Data(http.StatusOK, "text/html; charset=utf-8", fmt.Appendf(nil, plainPage, w.app.Svc.RefreshPaths()[0]))
	})
	server := httptest.NewUnstartedServer(overSlowLines(w.app.Router))
	server.EnableHTTP2 = true // over HTTP/1.1 six messages are under way at most
	server.StartTLS()
	t.Cleanup(server.Close)
	w.url = strings.Replace(server.URL, "127.0.0.1", host, 1) + "/plain"
	tabs[0].do(chromedp.Navigate(w.url))
	require.Equal(t, http.StatusUnauthorized, ask[int](tabs[0], "status"), "a visitor")
	require.Equal(t, http.StatusOK, ask[int](tabs[0], "signIn", user))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("what the server saw:\n%s", w.app.log)
		}
	})
	return w
}

// overSlowLines lets messages and their answers travel for up to a tenth of a second,
// each for another time, so that they overtake each other.
func overSlowLines(handler http.Handler) http.Handler {
	var messages atomic.Int64
	travel := func() { time.Sleep(time.Duration(messages.Add(1)*37%101) * time.Millisecond) }
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		travel()
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r)
		travel()
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

// reload lets the access token expire and all tabs reload at the same moment: each has
// been told to refresh before one of them has done it. It returns how
// many refreshes that took, and in how many tabs the user was out.
func (w *tenTabs) reload() (refreshes, out int) {
	w.t.Helper()
	before := w.refreshes()
	w.app.expire()
	w.app.gate.holdFor(len(w.tabs))
	type outcome struct {
		status int
		err    error
	}
	outcomes := make(chan outcome, len(w.tabs))
	for _, p := range w.tabs {
		go func() {
			err := chromedp.Do(p.ctx, chromedp.Navigate(w.url))
			status, errStatus := try[int](p, "status")
			outcomes <- outcome{status, errors.Join(err, errStatus)}
		}()
	}
	for range w.tabs {
		o := <-outcomes
		require.NoError(w.t, o.err)
		if o.status == http.StatusUnauthorized {
			out++
			continue
		}
		require.Equal(w.t, http.StatusOK, o.status)
	}
	return w.refreshes() - before, out
}

func (w *tenTabs) refreshes() int {
	return w.app.log.count(http.MethodPost, w.app.Svc.RefreshPaths()[0], http.StatusOK)
}

// Ten tabs that refresh at once, without any agreement, stay in with a window. In
// strict mode the same tabs look like a thief and a victim, which shows that the race is
// real.
func TestTenTabs(t *testing.T) {
	t.Parallel()
	told := results.start(t)
	const rounds = 4
	tabs := openTenTabs(t)
	t.Run("window", func(t *testing.T) {
		w := serveTenTabs(t, tabs, "127.0.0.1", 10*time.Second)
		before, err := w.app.Svc.List(t.Context(), user)
		require.NoError(t, err)
		require.Len(t, before, 1)
		most := 0
		for round := range rounds {
			refreshes, out := w.reload()
			t.Logf("round %d: %d refreshes", round, refreshes)
			require.Zero(t, out, "tabs that are out in round %d", round)
			most = max(most, refreshes)
		}
		require.Greater(t, most, 1, "refreshes in one round: without two there was no race")
		require.Zero(t, w.app.thefts(), "honest tabs were taken for a thief")
		after, err := w.app.Svc.List(t.Context(), user)
		require.NoError(t, err)
		require.Len(t, after, 1)
		require.Equal(t, before[0].Handle, after[0].Handle, "the session of the sign-in")
		told.Add(1)
	})
	t.Run("strict", func(t *testing.T) {
		w := serveTenTabs(t, tabs, "localhost", 0)
		out := 0
		for round := 0; round < rounds && out == 0; round++ {
			_, out = w.reload()
		}
		t.Logf("%d of %d tabs are out", out, len(tabs))
		require.NotZero(t, out, "in strict mode such tabs must not get through %d rounds", rounds)
		require.NotZero(t, w.app.thefts())
		told.Add(1)
	})
}
