package integration_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// One connection is enough for everything, key rotation included (DB-01).
func TestDatabase_OneConnection(t *testing.T) {
	t.Parallel()
	onEach(t, sqlEngines, func(t *testing.T, e engine) {
		db := e.db(t)
		pool, err := db.DB()
		require.NoError(t, err)
		pool.SetMaxOpenConns(1)
		a := startOn(t, rig.Migrated(t, db), at(time.Now()), func(c *session.Config) {
			c.SigningKey.Rotation, c.AccessTokenValidity = time.Hour, 30*time.Minute
		})
		concurrently(t, 50, func(i int) (bool, error) {
			for round := range 4 {
				if i == 0 {
					a.Clock.Advance(50 * time.Minute) // the next key is due
				}
				tokens, err := a.Svc.Create(t.Context(), fmt.Sprint("user", i%5))
				if err != nil {
					return false, fmt.Errorf("round %d: create: %w", round, err)
				}
				handle := tokens.Session.Handle()
				if tokens, err = a.Svc.Refresh(t.Context(), tokens.Refresh.Value); err != nil {
					return false, fmt.Errorf("round %d: refresh: %w", round, err)
				}
				if err := a.Svc.UpdateData(t.Context(), handle, round); err != nil {
					return false, fmt.Errorf("round %d: data: %w", round, err)
				}
				if _, err = a.Svc.Refresh(t.Context(), tokens.Refresh.Value); err != nil {
					return false, fmt.Errorf("round %d: refresh of a child: %w", round, err)
				}
				if _, err := a.Svc.Revoke(t.Context(), handle); err != nil {
					return false, fmt.Errorf("round %d: revoke: %w", round, err)
				}
			}
			return true, nil
		})
	})
}

// When the database cannot be asked, nobody is logged out: 503, cookies
// untouched, and requests that need no database go on (HTTP-03, KEY-08, SM-21).
func TestDatabase_Unreachable(t *testing.T) {
	t.Parallel()
	a := start(t, memory)
	user := a.signedIn("user")
	fresh := a.signedIn("fresh")
	fresh.ok(fresh.refresh())
	for _, mode := range []storetest.FaultMode{storetest.ErrorBefore, storetest.ErrorAfter} {
		a.Store.Arm(storetest.Fault{Mode: mode})
		user.works()
		for _, act := range []func() rig.Reply{
			user.refresh,
			func() rig.Reply { return fresh.get("/me") },
			func() rig.Reply { return user.get("/strict") },
			func() rig.Reply { return user.get("/data") },
			func() rig.Reply { return user.do(http.MethodPut, "/data", 1) },
			func() rig.Reply { return a.browser().do(http.MethodPost, "/login", map[string]any{"user": "x"}) },
		} {
			r := act()
			require.Equal(t, http.StatusServiceUnavailable, r.Status)
			require.Equal(t, unavailableBody, r.Body)
			require.NotEmpty(t, r.Header.Get("Retry-After"))
			user.keepsCookies(r)
		}
		a.Store.Arm()
		user.ok(user.refresh())
		user.works()
	}
	a.Store.Arm(storetest.Fault{})
	r := user.do(http.MethodPost, signOutPath, nil)
	require.Equal(t, http.StatusServiceUnavailable, r.Status)
	user.keepsCookies(r)
	a.Store.Arm()
	user.ok(user.do(http.MethodPost, signOutPath, nil))
	fresh.works()
	require.Empty(t, a.thefts)
}

// The N-th call to the store fails, for every N, before it reached the store or
// after: the user stays in, and a repeated request succeeds (DB-23, SM-03).
func TestDatabase_NthFailure(t *testing.T) {
	t.Parallel()
	story := []func(*browser) rig.Reply{
		func(b *browser) rig.Reply { return b.do(http.MethodPost, "/login", map[string]any{"user": "user"}) },
		(*browser).refresh,
		(*browser).refresh,
		func(b *browser) rig.Reply { return b.get("/me") },
		(*browser).refresh,
		func(b *browser) rig.Reply { return b.do(http.MethodPut, "/data", 1) },
		func(b *browser) rig.Reply { return b.get("/strict") },
		func(b *browser) rig.Reply { return b.do(http.MethodPost, signOutPath, nil) },
	}
	for _, mode := range []storetest.FaultMode{storetest.ErrorBefore, storetest.ErrorAfter} {
		for n := 1; ; n++ {
			a := start(t, memory, func(c *session.Config) { c.Cleanup.Every = session.Off })
			user := a.browser()
			a.Store.Arm(storetest.Fault{Call: n, Mode: mode})
			for i, act := range story {
				r := act(user)
				if r.Status == http.StatusServiceUnavailable {
					// The access token that was promoted on the way may be replaced.
					require.NotContains(t, strings.Join(r.Header.Values("Set-Cookie"), "\n"), "Max-Age=0")
					r = act(user)
				}
				require.Equal(t, http.StatusOK, r.Status, "mode %d, call %d, step %d: %s", mode, n, i, r.Body)
			}
			require.Empty(t, a.thefts)
			if a.Store.Fired() == 0 {
				require.Greater(t, n, len(story))
				break
			}
		}
	}
}

// A theft that cannot be recorded is not reported, and nothing is cleared: the next attempt records it.
func TestDatabase_TheftNeedsTheDatabase(t *testing.T) {
	t.Parallel()
	for _, mode := range []storetest.FaultMode{storetest.ErrorBefore, storetest.ErrorAfter} {
		a := start(t, memory)
		user := a.signedIn("user")
		thief := user.copy()
		user.ok(user.refresh())
		user.works()
		a.Store.Arm(storetest.Fault{Method: "Revoke", Call: 1, Mode: mode})
		r := thief.refresh()
		if mode == storetest.ErrorBefore {
			require.Equal(t, http.StatusServiceUnavailable, r.Status)
			thief.keepsCookies(r)
			r = thief.refresh()
		}
		require.Equal(t, theftBody, r.Body)
		require.Equal(t, "user", (<-a.thefts).UserID)
		require.Equal(t, http.StatusUnauthorized, user.refresh().Status)
	}
}
