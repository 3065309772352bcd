package integration_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// replaceRoute adds a route that replaces the session of its request.
func replaceRoute(router *gin.Engine, a *rig.App) {
	router.POST("/replace", middleware.Verify(a.Svc), func(c *gin.Context) {
		sess, _ := session.FromContext(c.Request.Context())
		opts := []session.ReplaceOption{session.Authenticated("pwd")}
		if c.Query("at") == "once" {
			opts = append(opts, session.ReplaceAtOnce())
		}
		if _, err := sess.Replace(c.Request.Context(), opts...); err != nil {
			a.Svc.WriteError(c.Writer, c.Request, err)
			return
		}
		c.Status(http.StatusOK)
	})
}

func startReplacing(t *testing.T, e engine, change ...func(*session.Config)) *story {
	t.Helper()
	store, db := e.open(t)
	a := startOn(t, store, rig.AppConfig{Routes: replaceRoute}, change...)
	a.db = db
	return a
}

// sessions are the user's, as a device list shows them.
func (a *story) sessions() []session.Device {
	a.t.Helper()
	return must(a.Svc.List(a.t.Context(), "user"))(a.t)
}

// jar is what the tabs of a browser share. The last answer wins.
type sharedJar struct {
	mu sync.Mutex
	holding
	// turns is held by the tab that refreshes.
	turns sync.Mutex
}

func (j *sharedJar) now() holding {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.holding
}

// keep takes what an answer has set.
func (j *sharedJar) keep(sent, got holding) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if got.access != sent.access {
		j.access = got.access
	}
	if got.refresh != sent.refresh {
		j.refresh = got.refresh
	}
	if got.csrf != sent.csrf {
		j.csrf = got.csrf
	}
}

// post is a request of a tab: refused, it refreshes in its turn and asks again.
func (j *sharedJar) post(path string) (status int) {
	for range 4 {
		sent := j.now()
		got, status := sent.post(path)
		j.keep(sent, got)
		if status != http.StatusUnauthorized {
			return status
		}
		j.turns.Lock()
		if again := j.now(); again.access == sent.access {
			got, status := again.post(refreshPath)
			if status == http.StatusOK {
				j.keep(again, got)
			}
		}
		j.turns.Unlock()
	}
	return status
}

// Requests with the old tokens are under way while one tab replaces the session and the
// first use ends the old one. Nobody is out, whatever the mode of revocation.
func TestReplace_RequestsUnderWay(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]session.RevocationMode{
		"at expiry": session.RevokeAtExpiry, "soon": session.RevokeSoon, "immediately": session.RevokeImmediately,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEach(t, allEngines, func(t *testing.T, e engine) {
				a := startReplacing(t, e, func(c *session.Config) { c.Revocation = mode })
				for range 5 {
					a.replacedUnderWay()
				}
				require.Empty(t, a.thefts)
			})
		})
	}
}

func (a *story) replacedUnderWay() {
	t := a.t
	jar := &sharedJar{holding: a.hold(false)}
	require.Equal(t, http.StatusOK, jar.post("/act"))
	var tabs sync.WaitGroup
	statuses := make(chan int, 100)
	for range 6 {
		tabs.Go(func() {
			for range 5 {
				statuses <- jar.post("/act")
			}
		})
	}
	tabs.Go(func() { statuses <- jar.post("/replace") })
	tabs.Wait()
	close(statuses)
	for status := range statuses {
		require.Equal(t, http.StatusOK, status)
	}
	require.Equal(t, http.StatusOK, jar.post("/act"))
	a.Clock.Advance(2 * time.Hour)
	require.Equal(t, http.StatusOK, jar.post("/act"), "and after a pause")
	require.Len(t, a.sessions(), 1)
	must(a.Svc.RevokeAll(t.Context(), "user"))(t)
}

// Two tabs replace at once and use what each got at once. Whichever pair the browser
// keeps, it stays in, and one session is left.
func TestReplace_TwoTabsAtOnce(t *testing.T) {
	t.Parallel()
	onEach(t, allEngines, func(t *testing.T, e engine) {
		a := startReplacing(t, e)
		for round := range 10 {
			old := a.hold(false)
			var pairs [2]holding
			both(func(i int) {
				got, status := old.post("/replace")
				require.Equal(t, http.StatusOK, status)
				pairs[i] = got
			})
			both(func(i int) {
				got, status := pairs[i].post("/act")
				require.Equal(t, http.StatusOK, status)
				pairs[i] = got
			})
			kept := pairs[round%2]
			a.Clock.Advance(2 * time.Hour)
			kept.refreshed().used()
			require.Len(t, a.sessions(), 1)
			_, status := old.post(refreshPath)
			require.Equal(t, http.StatusUnauthorized, status)
			require.Empty(t, a.thefts)
			must(a.Svc.RevokeAll(t.Context(), "user"))(t)
		}
	})
}

// both runs fn twice at once.
func both(fn func(i int)) {
	var group sync.WaitGroup
	for i := range 2 {
		group.Go(func() { fn(i) })
	}
	group.Wait()
}

// The database fails at any statement of a Replace, and of the first use by either
// token, before or after it has done what was asked. Whoever tries again is in, and one
// session is left.
func TestReplace_FailsAnywhere(t *testing.T) {
	t.Parallel()
	onEach(t, []engine{memory, sqlEngines[0]}, func(t *testing.T, e engine) {
		a := startReplacing(t, e)
		for _, first := range []string{"/act", refreshPath} {
			for _, at := range []string{"", "?at=once"} {
				for _, mode := range []storetest.FaultMode{storetest.ErrorBefore, storetest.ErrorAfter} {
					for n := 1; a.failsAt(storetest.Fault{Call: n, Mode: mode}, "/replace"+at, first); n++ {
						require.Less(t, n, 20)
					}
				}
			}
		}
	})
}

// failsAt reports whether the fault was met.
func (a *story) failsAt(fault storetest.Fault, replace, first string) bool {
	t := a.t
	old := a.hold(false)
	a.Store.Arm(fault)
	next, replaced := old.post(replace)
	met := a.Store.Fired() > 0
	var used int
	if replaced == http.StatusOK {
		var got holding
		if got, used = next.post(first); used == http.StatusOK {
			next = got
		}
	}
	met = met || a.Store.Fired() > 0
	a.Store.Arm()
	if replaced != http.StatusOK {
		require.Equal(t, http.StatusServiceUnavailable, replaced)
		if replace != "/replace" {
			must(a.Svc.RevokeAll(t.Context(), "user"))(t) // it may have ended: that is what at once means
			return met
		}
		old.used()
		require.Len(t, a.sessions(), 1)
	} else {
		next.used()
		list := a.sessions()
		require.Len(t, list, 1)
		row := must(a.Store.Find(t.Context(), list[0].Handle))(t)
		require.False(t, row.Flags.Has(models.FlagPending))
		require.Equal(t, models.RevokedByReplacement, must(a.Store.Find(t.Context(), row.Origin))(t).RevokeReason)
	}
	require.Empty(t, a.thefts)
	must(a.Svc.RevokeAll(t.Context(), "user"))(t)
	return met
}

// The process that has the next session ends the old one for the others too, within
// Config.Feed.Within.
func TestReplace_OtherProcessesHear(t *testing.T) {
	t.Parallel()
	onEach(t, []engine{memory, sqlEngines[0]}, func(t *testing.T, e engine) {
		soon := func(c *session.Config) { c.Revocation = session.RevokeSoon }
		a := startReplacing(t, e, soon)
		old := a.hold(false).used()
		next, status := old.post("/replace")
		require.Equal(t, http.StatusOK, status)
		_, status = old.post("/act")
		require.Equal(t, http.StatusOK, status, "nobody has used the next one yet")
		next.used()
		_, status = old.post("/act")
		require.Equal(t, http.StatusUnauthorized, status)
	})
}
