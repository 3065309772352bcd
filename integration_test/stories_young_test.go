package integration_test

import (
	"cmp"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/session"
)

// holding is one set of tokens in a client's hands. Nothing that comes later changes
// it, so that a tab can go on with what it had.
type holding struct {
	a        *story
	byHeader bool

	access, refresh, csrf string
}

// hold signs a user in.
func (a *story) hold(byHeader bool) holding {
	a.t.Helper()
	tokens, err := a.Svc.Create(a.t.Context(), "user")
	require.NoError(a.t, err)
	return holding{a, byHeader, tokens.Access.Value, tokens.Refresh.Value, tokens.AntiCSRF}
}

// post sends a request with the tokens, and returns what is held after its answer.
func (h holding) post(path string) (holding, int) {
	h.a.t.Helper()
	r := rig.Request{Method: http.MethodPost, Path: path, Header: http.Header{}}
	switch {
	case !h.byHeader:
		r.Header.Set("Anti-Csrf", h.csrf)
		r.Header.Set("Cookie", "sAccessToken="+h.access+"; sRefreshToken="+h.refresh)
	case path == refreshPath:
		r.Header.Set("Authorization", "Bearer "+h.refresh)
	default:
		r.Header.Set("Authorization", "Bearer "+h.access)
	}
	reply, err := h.a.Do(h.a.t.Context(), r)
	require.NoError(h.a.t, err)
	access, refresh := reply.Tokens()
	h.access, h.refresh = cmp.Or(access, h.access), cmp.Or(refresh, h.refresh)
	h.csrf = cmp.Or(reply.Header.Get("Anti-Csrf"), h.csrf)
	return h, reply.Status
}

func (h holding) refreshed() holding {
	h.a.t.Helper()
	h, status := h.post(refreshPath)
	require.Equal(h.a.t, http.StatusOK, status)
	h.a.Clock.Advance(50 * time.Millisecond)
	return h
}

// used is the holding after a request of the page.
func (h holding) used() holding {
	h.a.t.Helper()
	h, status := h.post("/act")
	require.Equal(h.a.t, http.StatusOK, status)
	h.a.Clock.Advance(50 * time.Millisecond)
	return h
}

// parent is what the access token says of its refresh token's parent, or nil.
func (h holding) parent() any {
	h.a.t.Helper()
	return segment(h.a.t, h.access, 1)["prt2"]
}

// onEachCarrier tells a story in window mode, an hour after the sign-in, so that the
// access token has just expired.
func onEachCarrier(t *testing.T, story func(t *testing.T, a *story, first holding)) {
	t.Helper()
	for name, byHeader := range map[string]bool{"cookie": false, "header": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEach(t, allEngines, func(t *testing.T, e engine) {
				a := start(t, e, func(c *session.Config) { c.ConcurrentRefreshWindow = time.Minute })
				first := a.hold(byHeader)
				a.Clock.Advance(time.Hour)
				story(t, a, first)
				require.Empty(t, a.thefts)
				require.Zero(t, a.count(session.EventTheft))
			})
		})
	}
}

// A thief who copies a young token and refreshes gets what it had: the same refresh
// token and the same anti-CSRF token, and no branch of its own. The next use of either
// after the window finds it out.
func TestYoung_AThiefGainsNothing(t *testing.T) {
	t.Parallel()
	for name, byHeader := range map[string]bool{"cookie": false, "header": true} {
		for _, thiefIsFirst := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				onEach(t, allEngines, func(t *testing.T, e engine) {
					a := start(t, e, func(c *session.Config) { c.ConcurrentRefreshWindow = time.Minute })
					first := a.hold(byHeader)
					a.Clock.Advance(time.Hour)
					victim := first.refreshed().used()
					thief := victim
					for range 3 {
						thief = thief.refreshed().used()
						require.Equal(t, victim.refresh, thief.refresh)
						require.Equal(t, victim.csrf, thief.csrf)
						require.Nil(t, thief.parent())
					}
					a.Clock.Advance(2 * time.Minute)
					faster, slower := victim, thief
					if thiefIsFirst {
						faster, slower = thief, victim
					}
					faster = faster.refreshed().used()
					require.NotEqual(t, victim.refresh, faster.refresh, "it is young no more")
					a.Clock.Advance(2 * time.Minute)
					_, status := slower.post(refreshPath)
					require.Equal(t, http.StatusUnauthorized, status)
					require.NotNil(t, <-a.thefts)
				})
			})
		}
	}
}

// Three tabs whose token has expired. Two refresh; the first goes on, and a third
// refreshes what the first brought, a moment late. The second's answer was slow.
func TestYoung_ThreeTabsAMomentApart(t *testing.T) {
	t.Parallel()
	onEachCarrier(t, func(t *testing.T, a *story, first holding) {
		c1 := first.refreshed()
		c2 := first.refreshed()
		c1 = c1.used()
		d := c1.refreshed()
		require.Equal(t, c1.refresh, d.refresh, "a young token is repeated")
		require.Nil(t, d.parent(), "and needs no promotion")
		d.used()
		c2 = c2.used()
		again := c2.refreshed()
		require.Equal(t, c2.refresh, again.refresh, "a young sibling too")
		again.used()
		a.Clock.Advance(2 * time.Minute)
		later := again.refreshed().used()
		require.NotEqual(t, again.refresh, later.refresh)
		later.refreshed().used()
	})
}

// Three siblings, used in the reverse order of their making, each refreshed at once.
func TestYoung_ThreeSiblings(t *testing.T) {
	t.Parallel()
	onEachCarrier(t, func(t *testing.T, a *story, first holding) {
		siblings := []holding{first.refreshed(), first.refreshed(), first.refreshed()}
		for i := len(siblings) - 1; i >= 0; i-- {
			siblings[i] = siblings[i].used().refreshed().used()
		}
		for _, h := range siblings {
			h.used().refreshed().used()
		}
		require.Zero(t, a.count(session.EventSwapped), "no sibling takes the place of another while it is young")
		a.Clock.Advance(2 * time.Minute)
		siblings[0].refreshed().used()
		require.Equal(t, 1, a.count(session.EventSwapped))
	})
}

// A child that is refreshed before its access token was used becomes current, and is
// repeated; however many of the answers get lost.
func TestYoung_RefreshedBeforeItsFirstUse(t *testing.T) {
	t.Parallel()
	onEachCarrier(t, func(t *testing.T, _ *story, first holding) {
		child := first.refreshed()
		for range 5 {
			require.Equal(t, child.refresh, child.refreshed().refresh)
		}
		again := child.refreshed().used()
		require.Equal(t, child.csrf, again.csrf)
		late := first.refreshed() // replaced a moment ago: it gets one more child
		require.NotEqual(t, first.refresh, late.refresh)
		require.Equal(t, late.refresh, late.used().refreshed().used().refresh)
	})
}

// A tab that was sent a new token a moment after the sign-in goes on with the first.
func TestYoung_ASignInIsYoung(t *testing.T) {
	t.Parallel()
	onEach(t, allEngines, func(t *testing.T, e engine) {
		a := start(t, e, func(c *session.Config) { c.ConcurrentRefreshWindow = time.Minute })
		first := a.hold(false)
		require.Equal(t, first.refresh, first.refreshed().used().refresh)
	})
}

// Tokens of a server whose clock is a day ahead are not young for a day.
func TestYoung_AClockADayAhead(t *testing.T) {
	t.Parallel()
	onEachCarrier(t, func(t *testing.T, a *story, first holding) {
		ahead := startOn(t, a.Store, rig.AppConfig{Clock: a.Clock}, func(c *session.Config) {
			c.ConcurrentRefreshWindow = time.Minute
			c.Now = func() time.Time { return a.Clock.Now().Add(24 * time.Hour) }
		})
		first.a = ahead
		child := first.refreshed().used()
		require.Equal(t, child.refresh, child.refreshed().refresh, "there it is young")
		child.a = a
		next := child.refreshed()
		require.NotEqual(t, child.refresh, next.refresh, "here it is not")
		next.used()
	})
}

// The row lives as long as every cookie that a repeat hands out, and the repeat has
// the row's payload, an id of its own and a new expiry.
func TestYoung_WhatARepeatCarries(t *testing.T) {
	t.Parallel()
	onEach(t, allEngines, func(t *testing.T, e engine) {
		a := start(t, e, func(c *session.Config) {
			c.ConcurrentRefreshWindow, c.AccessTokenValidity = time.Minute, 2*time.Minute
			c.RefreshTokenValidity, c.InsecureShortLifetimes = 4*time.Minute, true
		})
		tokens, err := a.Svc.Create(t.Context(), "user", session.WithPayload(map[string]int{"n": 1}))
		require.NoError(t, err)
		require.NoError(t, a.Svc.MergePayload(t.Context(), tokens.Session.Handle(), map[string]any{"n": 2}))
		before := tokens
		for range 4 {
			a.Clock.Advance(15 * time.Second)
			again, err := a.Svc.Refresh(t.Context(), tokens.Refresh.Value)
			require.NoError(t, err)
			require.Equal(t, tokens.Refresh.Value, again.Refresh.Value)
			require.Equal(t, tokens.AntiCSRF, again.AntiCSRF)
			require.NotEqual(t, before.IDRefresh.Value, again.IDRefresh.Value)
			require.Equal(t, a.Clock.Now().Add(2*time.Minute).Unix(), again.Access.ExpiresAt.Unix())
			var payload map[string]int
			err = again.Session.Payload(&payload)
			require.NoError(t, err)
			require.Equal(t, map[string]int{"n": 2}, payload)
			was, is := segment(t, before.Access.Value, 1), segment(t, again.Access.Value, 1)
			require.NotEqual(t, was["jti"], is["jti"])
			for _, same := range []string{"gen", "acs", "sid", "sub", "auth_time"} {
				require.Equal(t, was[same], is[same], same)
			}
			for _, absent := range []string{"prt2", "rt2", "rti"} {
				require.NotContains(t, is, absent)
			}
			row, err := a.Store.Find(t.Context(), tokens.Session.Handle())
			require.NoError(t, err)
			require.GreaterOrEqual(t, row.ExpiresAt, again.Refresh.ExpiresAt.UnixMilli())
			require.Equal(t, row.ExpiresAt, again.IDRefresh.ExpiresAt.UnixMilli())
			before = again
		}
		require.True(t, before.Refresh.ExpiresAt.After(tokens.Refresh.ExpiresAt), "the end moves as at any refresh")
	})
}
