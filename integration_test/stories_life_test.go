package integration_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/internal/testpage"
	"github.com/gin-sessionkit/sessionkit/session"
)

const (
	unauthorisedBody = `{"message":"unauthorised"}`
	tryRefreshBody   = `{"message":"try refresh token"}`
	unavailableBody  = `{"message":"unavailable"}`
)

// A day in the life of a session.
func TestLife_SignInUseRefreshSignOut(t *testing.T) {
	t.Parallel()
	onEach(t, allEngines, func(t *testing.T, e engine) {
		a := start(t, e)
		user := a.browser()
		visitor := user.get("/me")
		require.Equal(t, unauthorisedBody, visitor.Body)
		user.keepsCookies(visitor)

		user.ok(user.do(http.MethodPost, "/login", map[string]any{
			"user": "user", "payload": map[string]any{"role": "admin"}, "data": []int{1, 2},
		}))
		me := user.ok(user.get("/me"))
		require.JSONEq(t, `{"role":"admin"}`, payloadOf(t, me))
		require.JSONEq(t, `{"data":[1,2]}`, user.get("/data").Body)
		user.ok(user.do(http.MethodPut, "/data", map[string]any{"cart": 3}))

		a.Clock.Advance(time.Hour)
		expired := user.get("/me")
		require.Equal(t, tryRefreshBody, expired.Body)
		user.keepsCookies(expired)

		user.ok(user.refresh())
		require.JSONEq(t, `{"role":"admin"}`, payloadOf(t, user.ok(user.get("/me"))))
		require.JSONEq(t, `{"data":{"cart":3}}`, user.get("/data").Body)

		out := user.ok(user.do(http.MethodPost, signOutPath, nil))
		require.JSONEq(t, `{"status":"OK"}`, out.Body)
		user.lostCookies()
		require.Equal(t, unauthorisedBody, user.get("/me").Body)
	})
}

// Sign-out kills the refresh token of a copy; the access token goes on until
// it expires, unless revocation is immediate.
func TestLife_RevocationModes(t *testing.T) {
	t.Parallel()
	onEach(t, allEngines, func(t *testing.T, e engine) {
		a := start(t, e)
		user := a.signedIn("user")
		copied := user.copy()
		user.ok(user.do(http.MethodPost, "/revoke", nil))
		user.lostCookies()

		copied.works()
		strict := copied.get("/strict")
		require.Equal(t, unauthorisedBody, strict.Body)
		copied.lostCookies()

		immediate := start(t, e, func(c *session.Config) { c.Revocation = session.RevokeImmediately })
		user = immediate.signedIn("user")
		copied = user.copy()
		user.ok(user.do(http.MethodPost, "/revoke", nil))
		require.Equal(t, unauthorisedBody, copied.get("/me").Body)
	})
}

// Idle and absolute end, exact to the millisecond that the row has (SM-12).
func TestLife_Timeouts(t *testing.T) {
	t.Parallel()
	const idle, absolute = 30 * 24 * time.Hour, 90 * 24 * time.Hour
	onEach(t, allEngines, func(t *testing.T, e engine) {
		a := start(t, e, func(c *session.Config) { c.RefreshTokenValidity, c.SessionLifetime = idle, absolute })
		idler := a.signedIn("idler")
		end := testpage.IdleEnd(a.Clock.Now(), idle)
		require.Equal(t, end.UnixMilli(), a.row(idler.handle()).ExpiresAt)
		a.Clock.Set(end.Add(-time.Millisecond))
		require.Equal(t, http.StatusOK, idler.copy().refresh().Status)

		a2 := start(t, e, func(c *session.Config) { c.RefreshTokenValidity, c.SessionLifetime = idle, absolute })
		late := a2.signedIn("late")
		a2.Clock.Set(testpage.IdleEnd(a2.Clock.Now(), idle))
		require.Equal(t, unauthorisedBody, late.refresh().Body)
		late.lostCookies()

		busy := a2.signedIn("busy")
		for range 9 {
			a2.Clock.Advance(10*24*time.Hour - time.Microsecond)
			busy.ok(busy.refresh())
			busy.works()
		}
		row := a2.row(busy.handle())
		require.LessOrEqual(t, row.ExpiresAt, row.AbsoluteExpiresAt)
		a2.Clock.Advance(time.Millisecond)
		require.Equal(t, unauthorisedBody, busy.refresh().Body, "no use extends the absolute end")
	})
}

// Nobody who comes back within 57 of 64 parts of the idle validity after the last use is
// out, however the refreshes before fell (SM-13).
func TestLife_TheRowOutlivesEveryCookie(t *testing.T) {
	t.Parallel()
	onEach(t, allEngines, func(t *testing.T, e engine) {
		const idle = 100 * 24 * time.Hour
		a := start(t, e, func(c *session.Config) { c.RefreshTokenValidity = idle })
		user := a.signedIn("user")
		for range 20 {
			a.Clock.Advance(idle * 57 / 64)
			r := user.ok(user.refresh())
			end := a.Clock.Now().Add(refreshCookieAge(t, r))
			require.False(t, end.After(time.UnixMilli(a.row(user.peekHandle()).ExpiresAt)), "the cookie outlives the row")
		}
		user.works()
	})
}

// Signing keys rotate every day, and nobody notices (KEY-02, KEY-06).
func TestLife_KeyRotationCausesNoRefresh(t *testing.T) {
	t.Parallel()
	onEach(t, allEngines, func(t *testing.T, e engine) {
		a := start(t, e, func(c *session.Config) {
			c.AccessTokenValidity, c.SigningKey.Rotation = 24*time.Hour, 2*time.Hour
		})
		user := a.signedIn("user")
		kids := map[string]bool{}
		for range 11 {
			kids[keyID(t, user.cookie("/", "sAccessToken"))] = true
			a.Clock.Advance(2 * time.Hour)
			user.works()
			fresh := a.signedIn("somebody")
			kids[keyID(t, fresh.cookie("/", "sAccessToken"))] = true
		}
		require.Greater(t, len(kids), 2, "the keys did rotate")
		require.Zero(t, a.count(session.EventRefreshed))

		// The refresh token was minted by a key that has long stopped signing.
		a.Clock.Advance(95 * 24 * time.Hour)
		user.ok(user.refresh())
		user.works()
	})
}

// Two instances share keys and sessions through the database.
func TestLife_TwoInstances(t *testing.T) {
	t.Parallel()
	onEach(t, allEngines, func(t *testing.T, e engine) {
		a := start(t, e)
		b := startOn(t, a.Store, rig.AppConfig{Clock: a.Clock})
		user := a.signedIn("user")
		moved := user.copyTo(b)
		moved.works()
		moved.ok(moved.refresh())
		moved.works()
		require.Equal(t, theftBody, user.refresh().Body)
		require.Equal(t, unauthorisedBody, moved.refresh().Body)
	})
}
