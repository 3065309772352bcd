//go:build e2e

package browser_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/session"
)

const plainTabs = 20

// Twenty tabs of one browser without scripts, which it opens all at once two hours after
// the sign-in, as after "restore tabs". The sessions are in MariaDB. Nobody is out, nothing
// looks like theft, and the cookies are kept. Without a window and without the look at
// what another tab has done the same tabs are taken for a thief, which shows that the
// race is real.
func TestPlainTabs(t *testing.T) {
	t.Parallel()
	told := results.start(t)
	db := rig.StartMariaDB(t, "")
	store := rig.Migrated(t, rig.OpenMySQL(t, db.DSN(db.Addr()), 20))
	const rounds = 4
	t.Run("as it is", func(t *testing.T) {
		w := openPlainTabs(t, plainSetting{store: store}, "127.0.0.1")
		before := w.handle()
		most := 0
		for round := range rounds {
			out, refreshes := w.restore(round%2 == 0)
			t.Logf("round %d: %d refreshes", round, refreshes)
			require.Zero(t, out, "tabs that are out in round %d", round)
			most = max(most, refreshes)
		}
		require.Greater(t, most, 1, "refreshes in one round: without two there was no race")
		require.Zero(t, w.shop.thefts(), "honest tabs were taken for a thief")
		require.Equal(t, before, w.handle(), "the session of the sign-in")
		kept := w.tabs[0].cookies(w.shop.url+"/plain", w.shop.url+"/plain/session/refresh")
		require.Contains(t, kept, "sAccessTokenPlain", "the cookies are kept")
		require.Contains(t, kept, "sRefreshTokenPlain", "the cookies are kept")
		told.Add(1)
	})
	t.Run("without the look at other tabs", func(t *testing.T) {
		w := openPlainTabs(t, plainSetting{store: store, front: blindly, config: func(c *session.Config) {
			c.ConcurrentRefreshWindow = time.Millisecond // less there cannot be, for pages
		}}, "localhost")
		out := 0
		for round := 0; round < rounds && out == 0; round++ {
			out, _ = w.restore(round%2 == 0)
		}
		t.Logf("%d of %d tabs are out", out, len(w.tabs))
		require.NotZero(t, out, "such tabs must not get through %d rounds", rounds)
		require.NotZero(t, w.shop.thefts())
		told.Add(1)
	})
}

// blindly stands before the shop and spoils the access token on its way to the refresh
// route, so that nobody sees there what another tab has done.
func blindly(shop http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/plain/session/refresh" {
			if access, err := r.Cookie("sAccessTokenPlain"); err == nil {
				head, _ := strings.CutSuffix(access.Value, access.Value[strings.LastIndexByte(access.Value, '.')+1:])
				r.Header.Set("Cookie", strings.Replace(r.Header.Get("Cookie"), access.Value, head+strings.Repeat("A", 43), 1))
			}
		}
		shop.ServeHTTP(w, r)
	})
}

// tabsOfShop are tabs of one browser that show the shop.
type tabsOfShop struct {
	t    *testing.T
	shop *plainShop
	tabs []*plainTab
	gate *pageGate
}

func openPlainTabs(t *testing.T, set plainSetting, host string) *tabsOfShop {
	t.Helper()
	w := &tabsOfShop{t: t, gate: &pageGate{}}
	front := set.front
	set.https, set.front = true, func(shop http.Handler) http.Handler {
		if front != nil {
			shop = front(shop)
		}
		return w.gate.before(overSlowLines(shop))
	}
	w.shop = openPlain(t, set)
	w.shop.url = strings.Replace(w.shop.url, "127.0.0.1", host, 1)
	first := newTab(chromium, t, chromedp.WithNewBrowserContext())
	w.tabs = append(w.tabs, w.shop.openTab(first, false))
	for len(w.tabs) < plainTabs {
		w.tabs = append(w.tabs, w.shop.openTab(newTab(first.ctx, t), false))
	}
	w.tabs[0].open("/plain/login?to=/plain/account")
	w.tabs[0].signIn("ada-"+host, true, "/plain/account")
	return w
}

// handle is the user's one session.
func (w *tabsOfShop) handle() string {
	w.t.Helper()
	u, err := url.Parse(w.shop.url)
	require.NoError(w.t, err)
	list, err := w.shop.svc.List(w.t.Context(), "ada-"+u.Hostname())
	require.NoError(w.t, err)
	require.Len(w.t, list, 1)
	return list[0].Handle
}

// restore lets two hours pass and all tabs open a page at the same moment; together has
// none of them refresh before all have been sent to do so. (For that they show pages of
// different addresses: Chromium asks for one address once at a time.) It returns in how
// many tabs the user was out, and how many refreshes that took.
func (w *tabsOfShop) restore(together bool) (out, refreshes int) {
	w.t.Helper()
	before := w.refreshes()
	w.shop.clock.Advance(2 * time.Hour)
	if together {
		w.gate.holdFor(len(w.tabs))
	}
	type outcome struct {
		at  string
		err error
	}
	outcomes := make(chan outcome, len(w.tabs))
	for i, p := range w.tabs {
		page := "/plain/account"
		if together {
			page += fmt.Sprint("?tab=", i)
		}
		go func() {
			ctx, cancel := context.WithTimeout(p.ctx, 2*patience)
			defer cancel()
			err := chromedp.Do(ctx, chromedp.Navigate(w.shop.url+page))
			at, errAt := chromedp.Run(ctx, chromedp.Location())
			outcomes <- outcome{at, errors.Join(err, errAt)}
		}()
	}
	for range w.tabs {
		o := <-outcomes
		require.NoError(w.t, o.err)
		if !strings.HasPrefix(o.at, w.shop.url+"/plain/account") {
			out++
		}
	}
	return out, w.refreshes() - before
}

// refreshes is how many were made.
func (w *tabsOfShop) refreshes() int { return w.shop.ledger.Kind(session.EventRefreshed) }

// pageGate holds those at the refresh route back until so many have come there.
type pageGate struct {
	mu     sync.Mutex
	wanted int
	opened chan struct{}
}

func (g *pageGate) holdFor(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wanted, g.opened = n, make(chan struct{})
}

func (g *pageGate) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/plain/session/refresh" {
			g.pass(r.Context())
		}
		next.ServeHTTP(w, r)
	})
}

// pass waits for the others. A gate that nobody opens lets pass after a while: the
// story then fails by its own counts.
func (g *pageGate) pass(ctx context.Context) {
	g.mu.Lock()
	opened := g.opened
	if g.wanted--; g.wanted == 0 {
		close(g.opened)
	}
	g.mu.Unlock()
	if opened == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	select {
	case <-opened:
	case <-ctx.Done():
	}
}
