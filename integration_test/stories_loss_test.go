package integration_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

// lose makes the browser send a request whose answer never arrives: its
// cookies stay as they were.
func (b *browser) lose(method, path string) {
	b.t.Helper()
	twin := b.copy()
	twin.ok(twin.do(method, path, nil))
}

// Lost refresh responses, any number, any pause below the idle timeout.
func TestLoss_RefreshResponses(t *testing.T) {
	t.Parallel()
	onEach(t, allEngines, func(t *testing.T, e engine) {
		a := start(t, e)
		user := a.signedIn("user")
		for i := range 28 { // 378 days in all, and browsers keep no cookie for more than 400
			user.lose(http.MethodPost, refreshPath)
			a.Clock.Advance(time.Duration(i) * 24 * time.Hour)
		}
		user.ok(user.refresh())
		user.works()
		require.Empty(t, a.thefts)
		require.Zero(t, a.count(session.EventTheft))
	})
}

// A lost answer to the first use of new tokens: the next attempt succeeds.
func TestLoss_PromoteResponse(t *testing.T) {
	t.Parallel()
	onEach(t, allEngines, func(t *testing.T, e engine) {
		a := start(t, e)
		user := a.signedIn("user")
		for range 5 {
			user.ok(user.refresh())
			user.lose(http.MethodGet, "/me")
			user.works()
			user.lose(http.MethodGet, "/me")
			a.Clock.Advance(2 * time.Hour)
		}
		user.ok(user.refresh())
		user.works()
		require.Equal(t, 6, a.count(session.EventPromoted), "each refresh is promoted once, however often it is used")
	})
}

// A row that lost its last 1, 2 or 3 generations (a failover, a restored
// backup): nobody is thrown out, and it is reported.
func TestLoss_RowRolledBack(t *testing.T) {
	t.Parallel()
	onEach(t, sqlEngines, func(t *testing.T, e engine) {
		a := start(t, e)
		for back := 1; back <= 3; back++ {
			for _, use := range []func(*browser) rig.Reply{(*browser).refresh, func(b *browser) rig.Reply { return b.get("/me") }} {
				user := a.signedIn("user")
				handle := user.handle()
				var past []models.Lineage
				for range 5 {
					past = append(past, a.row(handle).Lineage)
					a.Clock.Advance(time.Minute)
					user.ok(user.refresh())
					user.works()
				}
				user.ok(user.refresh())
				a.rollBack(handle, past[len(past)-back])
				user.ok(use(user))
				user.works()
				require.Zero(t, a.count(session.EventTheft))
			}
		}
		// The token is one ahead by right, so that going back by one generation or more shows.
		require.Equal(t, 6, a.count(session.EventDatabaseBehind))
	})
}

// row reads a session's row.
func (a *story) row(handle string) *models.Session {
	a.t.Helper()
	row, err := a.Store.Find(a.t.Context(), handle)
	require.NoError(a.t, err)
	require.NotNil(a.t, row)
	return row
}

// rollBack puts an older state of the refresh tokens into a row, by hand.
func (a *story) rollBack(handle string, old models.Lineage) {
	a.t.Helper()
	result := a.db.Exec(`UPDATE auth_sessions SET refresh_cur_hash = ?, refresh_prev_hash = ?, refresh_cur_iat = ?, refresh_gen = ? WHERE handle = ?`,
		old.Current[:], old.Previous[:], old.IssuedAt, old.Generation, handle)
	require.NoError(a.t, result.Error)
	require.Equal(a.t, int64(1), result.RowsAffected)
}

// A revoke racing refreshes: nothing issued after its commit works.
func TestRace_RevokeAgainstRefreshes(t *testing.T) {
	t.Parallel()
	onEach(t, allEngines, func(t *testing.T, e engine) {
		a := start(t, e)
		for range 5 {
			user := a.signedIn("user")
			handle := user.handle()
			tabs := make([]*browser, 32)
			for i := range tabs {
				tabs[i] = user.copy()
			}
			concurrently(t, len(tabs)+1, func(i int) (bool, error) {
				if i == len(tabs) {
					_, err := a.Svc.Revoke(t.Context(), handle)
					return true, err
				}
				_, err := tabs[i].try(http.MethodPost, refreshPath, nil)
				return true, err
			})
			for _, tab := range tabs {
				require.Equal(t, http.StatusUnauthorized, tab.refresh().Status)
				require.Equal(t, http.StatusUnauthorized, tab.get("/strict").Status)
			}
		}
		require.Empty(t, a.thefts)
	})
}

// Thirty-two first uses of one new access token at once: one row change, no error.
func TestRace_ParallelFirstUse(t *testing.T) {
	t.Parallel()
	onEach(t, allEngines, func(t *testing.T, e engine) {
		a := start(t, e)
		user := a.signedIn("user")
		user.ok(user.refresh())
		for _, r := range concurrently(t, 32, func(int) (rig.Reply, error) { return user.try(http.MethodGet, "/me", nil) }) {
			require.Equal(t, http.StatusOK, r.Status, r.Body)
		}
		require.Equal(t, 1, a.count(session.EventPromoted))
		user.works()
	})
}
