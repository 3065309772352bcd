//go:build e2e

package browser_test

import (
	"context"
	"net/http"
	"os"
	"strconv"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/session"
)

// visit has w open its page in a browser of that profile, and closes the browser in the
// way in which people do: what it keeps on disk is written then.
func (w *world) visit(profile string, do func()) {
	w.t.Helper()
	path, err := browserPath()
	require.NoError(w.t, err)
	alloc, stop := chromedp.NewExecAllocator(context.Background(), browserOptions(path, profile)...)
	defer stop()
	ctx, closeBrowser := chromedp.NewContext(alloc)
	defer closeBrowser()
	require.NoError(w.t, chromedp.Do(ctx))
	w.tab = newTab(ctx, w.t)
	w.load()
	do()
	require.NoError(w.t, chromedp.Cancel(ctx))
}

// "Keep me signed in": ticked, the user is in after the browser was closed and opened
// again. Unticked, the browser has forgotten the session, and the page finds out by one
// request, without a loop.
func TestBrowserRestart(t *testing.T) {
	t.Parallel()
	for _, keep := range []bool{true, false} {
		t.Run("keep me signed in: "+strconv.FormatBool(keep), func(t *testing.T) {
			w := &world{setting: setting{frontEnd: frontEnd{"20.1.6"}, mode: "cookie"}, t: t}
			w.serve()
			w.app.Router.POST("/login-as-ticked", func(c *gin.Context) {
				var opts []session.CreateOption
				if !keep {
					opts = append(opts, session.BrowserSession())
				}
				_, err := middleware.Create(c, w.app.Svc, user, opts...)
				w.app.Answer(c, err)
			})
			profile, err := newProfile()
			require.NoError(t, err)
			t.Cleanup(func() { _ = os.RemoveAll(profile) })

			w.visit(profile, func() {
				w.must(http.StatusOK, w.post("/login-as-ticked", "{}"))
				w.app.expire()
				w.must(http.StatusOK, w.get("/me"))
				w.wantRefreshes(1)
				w.load()
				w.must(http.StatusOK, w.get("/me"))
				require.Len(t, w.tokens(), 2)
			})
			w.visit(profile, func() {
				if keep {
					require.Len(t, w.tokens(), 2)
					w.must(http.StatusOK, w.get("/me"))
					w.app.expire()
					w.must(http.StatusOK, w.get("/me"))
					w.wantRefreshes(2)
					return
				}
				require.Empty(t, w.tokens())
				w.must(w.expired(), w.get("/me"))
				require.False(t, w.state().Exists, "the page has noticed")
				w.wantRefreshes(1)
			})
		})
	}
}
