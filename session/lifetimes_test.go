package session_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testpage"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// No access token works for longer than the application chose, nor ends more than
// a second sooner, nor after the session. What a page is told is the same.
func TestAccessTokens_neverLongerThanConfigured(t *testing.T) {
	t.Parallel()
	const sec, ms = time.Second, time.Millisecond
	for name, row := range map[string]struct {
		into, validity, lifetime time.Duration // into: how far into a second the clock stands
		want                     time.Duration
	}{
		"on the second":               {0, 2 * sec, 0, 2 * sec},
		"a millisecond later":         {ms, 2 * sec, 0, 2*sec - ms},
		"at the end of the second":    {999 * ms, 2 * sec, 0, 1001 * ms},
		"a fraction in the validity":  {300 * ms, 2500 * ms, 0, 1700 * ms},
		"a nanosecond too much":       {0, 2*sec + 1, 0, 2 * sec},
		"an hour":                     {250 * ms, time.Hour, 0, time.Hour - 250*ms},
		"a day":                       {1 * ms, 24 * time.Hour, 0, 24*time.Hour - ms},
		"the session ends first":      {0, 2 * sec, 2500 * ms, 2 * sec},
		"the session ends in between": {900 * ms, 3 * sec, 3 * sec, 3*sec - 900*ms},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKit(t, func(c *session.Config) {
				c.AccessTokenValidity, c.SessionLifetime, c.TokenCacheBytes = row.validity, row.lifetime, session.Off
			})
			k.clock.Advance(row.into)
			start := k.clock.Now()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://app.example/sign-in", nil)
			w := httptest.NewRecorder()
			sess, err := k.CreateHTTP(w, r, "ada")
			require.NoError(t, err)
			tokens, err := k.Create(t.Context(), "ada")
			require.NoError(t, err)
			require.NotNil(t, sess)
			end := start.Add(row.want)
			require.True(t, end.Equal(tokens.Access.ExpiresAt), "%v", tokens.Access.ExpiresAt.Sub(start))
			require.Equal(t, end.UnixMilli(), testpage.FrontTokenOf(t, w).ATE)

			byCookie := sentBy(t, w).value("sAccessToken")
			refreshed, err := k.Refresh(t.Context(), tokens.Refresh.Value)
			require.NoError(t, err)
			require.True(t, end.Equal(refreshed.Access.ExpiresAt))
			for _, text := range []string{byCookie, tokens.Access.Value} {
				k.clock.Set(end.Add(-ms))
				_, _, err = k.Verify(t.Context(), text, "", session.InsecureSkipAntiCSRF())
				require.NoError(t, err)
				k.clock.Set(end)
				_, _, err = k.Verify(t.Context(), text, "", session.InsecureSkipAntiCSRF())
				require.ErrorIs(t, err, errors.ErrTokenExpired)
			}
		})
	}
}

// idOf reads the jti of an access token.
func idOf(t *testing.T, access string) string {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(access, ".")[1])
	require.NoError(t, err)
	var claims struct {
		ID string `json:"jti"`
	}
	require.NoError(t, json.Unmarshal(text, &claims))
	require.NotEmpty(t, claims.ID)
	return claims.ID
}

// Every access token has an id of its own, however it came about.
func TestAccessTokens_haveAnIDOfTheirOwn(t *testing.T) {
	t.Parallel()
	rig := testpage.New(t)
	role := session.WithClaims(&ownFetcher{member: "role", value: "admin"})
	seen := map[string]string{}
	record := func(how, access string) {
		t.Helper()
		id := idOf(t, access)
		if other, taken := seen[id]; taken {
			t.Errorf("%s has the id of the one %s", how, other)
		}
		seen[id] = how
	}

	created := rig.Create(t)
	record("created", created.Access.Value)
	refreshed, err := rig.Svc.Refresh(t.Context(), created.Refresh.Value)
	require.NoError(t, err)
	record("refreshed", refreshed.Access.Value)
	again, err := rig.Svc.Refresh(t.Context(), created.Refresh.Value)
	require.NoError(t, err)
	record("refreshed again", again.Access.Value)
	sess, promoted, err := rig.Svc.Verify(t.Context(), refreshed.Access.Value, "", session.InsecureSkipAntiCSRF())
	require.NoError(t, err)
	record("promoted", promoted.Value)
	merged, err := sess.MergePayload(t.Context(), map[string]any{"theme": "dark"})
	require.NoError(t, err)
	record("merged", merged.Value)
	merged, err = sess.MergePayload(t.Context(), map[string]any{"theme": "dark"})
	require.NoError(t, err)
	record("merged without a change", merged.Value)
	_, fetched, err := rig.Verify(t, merged.Value, role)
	require.NoError(t, err)
	record("claim fetched", fetched.Value)

	// The same by cookie.
	page, _ := rig.SignIn(t)
	record("signed in", page.Cookies["sAccessToken"])
	page.Do(t, http.MethodPost, rig.RefreshRoute(t))
	record("refreshed by cookie", page.Cookies["sAccessToken"])
	reached := 0
	page.Do(t, http.MethodGet, rig.Guarded(&reached))
	record("promoted by cookie", page.Cookies["sAccessToken"])
	page.Do(t, http.MethodGet, rig.Guarded(&reached, role))
	record("claim fetched by cookie", page.Cookies["sAccessToken"])
}

// A server whose clock is behind says so: the client and the token are in order.
func TestVerify_clocksOfServersApart(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	ahead, behind := newKitOn(t, store, nil), newKitOn(t, store, nil)
	for name, row := range map[string]struct {
		apart time.Duration
		want  error
	}{
		"two minutes":        {2 * time.Minute, errors.ErrTokenFromFuture},
		"a day":              {24 * time.Hour, errors.ErrTokenFromFuture},
		"just over a minute": {61 * time.Second, errors.ErrTokenFromFuture},
		"a minute":           {time.Minute, nil},
	} {
		behind.clock.Set(ahead.clock.Now().Add(-row.apart))
		tokens, err := ahead.Create(t.Context(), "ada")
		require.NoError(t, err)
		_, _, err = behind.Verify(t.Context(), tokens.Access.Value, "", session.InsecureSkipAntiCSRF())
		requireClocks(t, name, row.want, err)
		for _, r := range []*http.Request{
			request(t, map[string]string{"Authorization": "Bearer " + tokens.Access.Value}),
			request(t, map[string]string{"anti-csrf": tokens.AntiCSRF}, "sAccessToken="+tokens.Access.Value),
		} {
			w := httptest.NewRecorder()
			_, err = behind.VerifyHTTP(w, r)
			requireClocks(t, name, row.want, err)
			require.Empty(t, w.Header().Values("Set-Cookie"))
		}
	}
}

func requireClocks(t *testing.T, name string, want, err error) {
	t.Helper()
	if want == nil {
		require.NoError(t, err, name)
		return
	}
	require.ErrorIs(t, err, want, name)
	require.ErrorIs(t, err, errors.ErrTryRefreshToken, name)
	require.NotErrorIs(t, err, errors.ErrTokenForeign, name)
	require.ErrorContains(t, err, "clocks of the servers", name)
}
