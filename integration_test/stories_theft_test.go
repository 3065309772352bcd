package integration_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/session"
)

const theftBody = `{"message":"token theft detected"}`

// wantTheft asserts that r reports theft, that the application was told once, and
// that nothing of the family is accepted any more.
func wantTheft(t *testing.T, a *story, r rig.Reply, family ...*browser) {
	t.Helper()
	require.Equal(t, http.StatusUnauthorized, r.Status)
	require.Equal(t, theftBody, r.Body)
	theft := <-a.thefts
	require.NotEmpty(t, theft.SessionHandle)
	for _, b := range family {
		again := b.refresh()
		require.Equal(t, http.StatusUnauthorized, again.Status)
		require.NotEqual(t, theftBody, again.Body, "one theft is reported once")
		require.Equal(t, http.StatusUnauthorized, b.get("/strict").Status)
	}
	require.Empty(t, a.thefts)
	require.Equal(t, 1, a.count(session.EventTheft))
}

// S1→R1→S2→R1: the refresh token that was replaced comes back.
func TestTheft_S1_R1_S2_R1(t *testing.T) {
	t.Parallel()
	onEach(t, allEngines, func(t *testing.T, e engine) {
		a := start(t, e)
		victim := a.signedIn("victim")
		victim.works()
		thief := victim.copy()

		victim.ok(victim.refresh())
		victim.works() // the use of the new token makes the refresh definite

		a.Clock.Advance(1500 * time.Millisecond)
		r := thief.refresh()
		require.Equal(t, theftBody, r.Body)
		thief.lostCookies()
		theft := <-a.thefts
		require.Equal(t, "victim", theft.UserID)
		require.Equal(t, 1500*time.Millisecond, theft.SinceRotation)
		a.thefts <- theft
		wantTheft(t, a, r, victim, thief)
	})
}

// S1→R1→R2→R1: the child is used for a refresh, then its parent comes back.
func TestTheft_S1_R1_R2_R1(t *testing.T) {
	t.Parallel()
	onEach(t, allEngines, func(t *testing.T, e engine) {
		a := start(t, e)
		victim := a.signedIn("victim")
		thief := victim.copy()
		victim.ok(victim.refresh())
		victim.ok(victim.refresh())
		wantTheft(t, a, thief.refresh(), victim, thief)
	})
}

// The thief is faster: then the victim's next refresh gives it away.
func TestTheft_ThiefRefreshesFirst(t *testing.T) {
	t.Parallel()
	onEach(t, allEngines, func(t *testing.T, e engine) {
		a := start(t, e)
		victim := a.signedIn("victim")
		thief := victim.copy()
		thief.ok(thief.refresh())
		thief.works()
		wantTheft(t, a, victim.refresh(), victim, thief)
	})
}

// A grand-parent is theft, inside the window too.
func TestTheft_GrandParentReplay(t *testing.T) {
	t.Parallel()
	for _, window := range []time.Duration{0, 10 * time.Second} {
		t.Run(window.String(), func(t *testing.T) {
			t.Parallel()
			onEach(t, allEngines, func(t *testing.T, e engine) {
				a := start(t, e, func(c *session.Config) { c.ConcurrentRefreshWindow = window })
				victim := a.signedIn("victim")
				thief := victim.copy()
				for range 2 {
					a.Clock.Advance(window + time.Millisecond) // a young token is not replaced
					victim.ok(victim.refresh())
					victim.works()
				}
				wantTheft(t, a, thief.refresh(), victim, thief)
			})
		})
	}
}

// A hundred replays at once: one theft, one callback.
func TestTheft_ParallelReplaysAreOneEvent(t *testing.T) {
	t.Parallel()
	onEach(t, allEngines, func(t *testing.T, e engine) {
		a := start(t, e)
		victim := a.signedIn("victim")
		thieves := make([]*browser, 40)
		for i := range thieves {
			thieves[i] = victim.copy()
		}
		victim.ok(victim.refresh())
		victim.works()

		replies := concurrently(t, len(thieves), func(i int) (rig.Reply, error) { return thieves[i].try(http.MethodPost, refreshPath, nil) })
		thefts := 0
		for _, r := range replies {
			require.Equal(t, http.StatusUnauthorized, r.Status)
			if r.Body == theftBody {
				thefts++
			}
		}
		require.Equal(t, 1, thefts)
		require.NotNil(t, <-a.thefts)
		require.Empty(t, a.thefts)
	})
}

// With the window on, two tabs that refresh at once without a lock both stay in.
func TestWindow_TwoTabsWithoutALockStayIn(t *testing.T) {
	t.Parallel()
	onEach(t, allEngines, func(t *testing.T, e engine) {
		a := start(t, e, func(c *session.Config) { c.ConcurrentRefreshWindow = 10 * time.Second })
		tab := a.signedIn("user")
		other := tab.copy()
		a.Clock.Advance(time.Minute)
		tab.ok(tab.refresh())
		other.ok(other.refresh())
		tab.works()
		other.works()
		a.Clock.Advance(time.Second)
		// Whichever answer came last is in the jar that both tabs share.
		other.ok(other.refresh())
		other.works()
		require.Empty(t, a.thefts)

		a.Clock.Advance(time.Minute)
		other.ok(other.refresh())
		other.works()
		wantTheft(t, a, tab.refresh(), tab, other)
	})
}

// Without the window the second tab is taken for a thief, as in the seed: that is what strict
// mode gives up for front ends that take no turns.
func TestStrict_TwoTabsWithoutALockAreTheft(t *testing.T) {
	t.Parallel()
	onEach(t, allEngines, func(t *testing.T, e engine) {
		a := start(t, e)
		tab := a.signedIn("user")
		other := tab.copy()
		tab.ok(tab.refresh())
		other.ok(other.refresh())
		tab.works()
		require.Equal(t, `{"message":"try refresh token"}`, other.get("/me").Body)
		wantTheft(t, a, other.refresh(), tab, other)
	})
}
