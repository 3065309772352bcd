package session_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testpage"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// kept are the names of the cookies that an answer sets: those with an end of their own,
// and those without, which the browser forgets when it is closed.
func (s sent) kept() (lasting, fleeting []string) {
	for _, name := range []string{"sAccessToken", "sRefreshToken", "sIdRefreshToken"} {
		switch c := s.cookies[name]; {
		case c == nil || c.Value == "":
		case c.MaxAge > 0 && !c.Expires.IsZero():
			lasting = append(lasting, name)
		default:
			require.Zero(s.t, c.MaxAge, name)
			require.True(s.t, c.Expires.IsZero(), name)
			fleeting = append(fleeting, name)
		}
	}
	return lasting, fleeting
}

// life is a session by cookie as one browser lives it: sign-in, three rotations with
// the first use of each new access token, a changed payload. See is told every answer.
func (k *kit) life(t *testing.T, opts []session.CreateOption, see func(step string, got sent)) {
	t.Helper()
	w := httptest.NewRecorder()
	_, err := k.CreateHTTP(w, request(t, oldClient), "ada", opts...)
	require.NoError(t, err)
	got := sentBy(t, w)
	see("sign-in", got)
	access, refresh := got.value("sAccessToken"), got.value("sRefreshToken")
	for range 3 {
		k.clock.Advance(10 * time.Minute)
		_, got, err = k.refresh(t, oldClient, "sRefreshToken="+refresh, "sAccessToken="+access, "sIdRefreshToken=x")
		require.NoError(t, err)
		see("refresh", got)
		access, refresh = got.value("sAccessToken"), got.value("sRefreshToken")
		proof := map[string]string{"anti-csrf": got.header.Get("anti-csrf")}
		k.Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).
			ServeHTTP(anew(&w), request(t, proof, "sAccessToken="+access))
		got = sentBy(t, w)
		see("first use", got)
		access = got.value("sAccessToken")
		k.Protect(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			sess, _ := session.FromContext(r.Context())
			_, err := sess.MergePayload(r.Context(), map[string]any{"a": k.clock.Now().Unix()})
			require.NoError(t, err)
		})).ServeHTTP(anew(&w), request(t, proof, "sAccessToken="+access))
		got = sentBy(t, w)
		see("payload", got)
		access = got.value("sAccessToken")
	}
}

// anew makes *w a new recorder.
func anew(w **httptest.ResponseRecorder) *httptest.ResponseRecorder {
	*w = httptest.NewRecorder()
	return *w
}

// "Keep me signed in" unticked: none of the cookies ever gets an end; ticked: all have
// one. Whatever is sent, and however often it was renewed.
func TestBrowserSession_EveryAnswer(t *testing.T) {
	t.Parallel()
	for _, fleeting := range []bool{false, true} {
		k := newKit(t, func(c *session.Config) { c.FrontEnds.Preset = session.PresetAll })
		var opts []session.CreateOption
		if fleeting {
			opts = append(opts, session.BrowserSession())
		}
		answers := 0
		k.life(t, opts, func(step string, got sent) {
			answers++
			lasting, forgotten := got.kept()
			if fleeting {
				lasting, forgotten = forgotten, lasting
			}
			require.Empty(t, forgotten, step)
			want := []string{"sAccessToken"}
			if step == "sign-in" || step == "refresh" {
				want = append(want, "sRefreshToken", "sIdRefreshToken")
			}
			require.Equal(t, want, lasting, step)
		})
		require.Equal(t, 10, answers)
	}
}

// A browser's answer of one kind does not depend on what another session in the same
// browser was: the newest sign-in decides.
func TestBrowserSession_ChangedByASignIn(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	w := httptest.NewRecorder()
	_, err := k.CreateHTTP(w, request(t, cookieClient), "ada", session.BrowserSession())
	require.NoError(t, err)
	before := sentBy(t, w)
	_, err = k.CreateHTTP(anew(&w), request(t, cookieClient, "sAccessToken="+before.value("sAccessToken")), "ada")
	require.NoError(t, err)
	lasting, _ := sentBy(t, w).kept()
	require.Equal(t, []string{"sAccessToken", "sRefreshToken"}, lasting)
}

// Tokens in headers know no browser that is closed: the option changes nothing.
func TestBrowserSession_ByHeader(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	w := httptest.NewRecorder()
	_, err := k.CreateHTTP(w, request(t, headerClient), "ada", session.BrowserSession())
	require.NoError(t, err)
	require.Empty(t, w.Header().Values("Set-Cookie"))
	refresh := w.Header().Get("st-refresh-token")
	require.NotEmpty(t, refresh)
	r := request(t, headerClient)
	r.Header.Set("Authorization", "Bearer "+refresh)
	_, err = k.RefreshHTTP(anew(&w), r)
	require.NoError(t, err)
	require.Empty(t, w.Header().Values("Set-Cookie"))
	require.NotEmpty(t, w.Header().Get("st-access-token"))
}

// Tokens without the claims, as earlier code made them, are of sessions that last, and
// stay so.
func TestBrowserSession_OldTokens(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	tokens, err := k.Create(t.Context(), "ada")
	require.NoError(t, err)
	for _, name := range []string{"flg", "idl", "sxp"} {
		require.NotContains(t, claimsOf(t, tokens.Access.Value), `"`+name+`"`)
	}
	k.life(t, nil, func(step string, got sent) {
		require.NotContains(t, claimsOf(t, got.value("sAccessToken")), `"flg"`)
		lasting, _ := got.kept()
		require.Contains(t, lasting, "sAccessToken", step)
	})
}

// Idle and absolute end are the session's own: no cookie outlives the row, whichever of
// the two comes first, and after each rotation the session ends by its own length.
func TestWithLifetime_EveryAnswer(t *testing.T) {
	t.Parallel()
	const idle, absolute = 30 * time.Minute, 50 * time.Minute
	for name, row := range map[string]struct {
		idle, absolute, lifetime time.Duration
	}{
		"idle": {idle, 0, 0}, "absolute": {0, absolute, 0}, "both": {idle, absolute, 0},
		"both, in a configured lifetime":     {idle, absolute, 30 * 24 * time.Hour},
		"absolute, in a configured lifetime": {0, absolute, 30 * 24 * time.Hour},
		"the configured":                     {0, 0, absolute},
	} {
		store := memstore.New()
		k := newKitOn(t, store, nil, func(c *session.Config) { c.SessionLifetime, c.AccessTokenValidity = row.lifetime, 10*time.Minute })
		k.clock.Advance(123 * time.Millisecond)
		start := k.clock.Now()
		ended := start.Add(365 * 24 * time.Hour)
		if row.absolute+row.lifetime > 0 {
			ended = start.Add(absolute)
		}
		k.life(t, []session.CreateOption{session.WithLifetime(row.idle, row.absolute)}, func(step string, got sent) {
			access := got.value("sAccessToken")
			found, err := store.Find(t.Context(), claim(t, access, "sid"))
			require.NoError(t, err)
			end := time.UnixMilli(found.ExpiresAt)
			if at := time.UnixMilli(found.AbsoluteExpiresAt); found.AbsoluteExpiresAt > 0 && at.Before(end) {
				end = at
			}
			require.False(t, end.After(ended), "%s: %s", name, step)
			if row.idle > 0 {
				require.Equal(t, row.idle.Milliseconds(), found.IdleMillis)
				require.False(t, end.After(k.clock.Now().Add(row.idle)), "%s: %s", name, step)
			}
			for _, c := range got.cookies {
				if c.Value != "" {
					until := k.clock.Now().Add(time.Duration(c.MaxAge) * time.Second)
					require.False(t, until.After(end), "%s: %s: %s ends %v after the row", name, step, c.Name, until.Sub(end))
				}
			}
		})
	}
}

// The end moves when that brings more than a tenth of the session's own length, which on
// the grid is seven steps, and not before.
func TestWithLifetime_TenthRule(t *testing.T) {
	t.Parallel()
	const idle = 30 * time.Minute
	k := newKit(t, func(c *session.Config) { c.AccessTokenValidity = 5 * time.Minute })
	tokens, err := k.Create(t.Context(), "ada", session.WithLifetime(idle, 0))
	require.NoError(t, err)
	end := tokens.Refresh.ExpiresAt
	require.True(t, testpage.IdleEnd(k.clock.Now(), idle).Equal(end))
	for range 3 {
		due := end.Add(7 * idle / 64)
		for _, row := range []struct {
			at     time.Time // the end that this use has, without the grid
			extend int
			end    time.Time
		}{{due.Add(-time.Millisecond), 0, end}, {due, 1, due}, {due.Add(time.Minute), 0, due}} {
			k.clock.Set(row.at.Add(-idle))
			k.store.Arm()
			got, err := k.Refresh(t.Context(), tokens.Refresh.Value)
			require.NoError(t, err)
			require.Equal(t, row.extend, k.store.Counts()["Extend"], "%v", row.at.Sub(end))
			require.True(t, row.end.Equal(got.Refresh.ExpiresAt))
		}
		end = due
	}
	k.clock.Set(end.Add(-time.Millisecond))
	_, err = k.Refresh(t.Context(), tokens.Refresh.Value)
	require.NoError(t, err, "a millisecond before the idle end")
	k.clock.Set(testpage.IdleEnd(k.clock.Now(), idle))
	_, err = k.Refresh(t.Context(), tokens.Refresh.Value)
	require.ErrorIs(t, err, errors.ErrUnauthorised, "at the idle end")
}

// Who is at work is seen in time, though the access tokens need no database: a user
// who asks every few minutes stays in beyond the idle end.
func TestWithLifetime_AtWork(t *testing.T) {
	t.Parallel()
	k := newKit(t) // access tokens for an hour
	tokens, err := k.Create(t.Context(), "ada", session.WithLifetime(30*time.Minute, 0))
	require.NoError(t, err)
	for range 20 {
		left := tokens.Access.ExpiresAt.Sub(k.clock.Now())
		require.LessOrEqual(t, left, 30*time.Minute/4)
		k.clock.Advance(left)
		_, _, err = k.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
		require.ErrorIs(t, err, errors.ErrTokenExpired)
		tokens, err = k.Refresh(t.Context(), tokens.Refresh.Value)
		require.NoError(t, err)
	}
}

// What cannot be: longer than all sessions live, too short, negative.
func TestWithLifetime_Refused(t *testing.T) {
	t.Parallel()
	k := newKit(t, func(c *session.Config) { c.RefreshTokenValidity, c.SessionLifetime = 24*time.Hour, 7*24*time.Hour })
	for _, row := range []struct {
		idle, absolute time.Duration
		ok             bool
	}{
		{0, 0, true},
		{24 * time.Hour, 7 * 24 * time.Hour, true},
		{5 * time.Minute, 5 * time.Minute, true},
		{24*time.Hour + time.Second, 0, false},
		{0, 7*24*time.Hour + time.Second, false},
		{5*time.Minute - time.Second, 0, false},
		{0, 5*time.Minute - time.Second, false},
		{-time.Hour, 0, false},
		{0, -time.Hour, false},
		{1 << 62, 0, false},
		{time.Millisecond, 0, false}, // nothing is not the same as too little
	} {
		_, err := k.Create(t.Context(), "ada", session.WithLifetime(row.idle, row.absolute))
		if row.ok {
			require.NoError(t, err, "%v %v", row.idle, row.absolute)
		} else {
			require.ErrorIs(t, err, errors.ErrInvalidInput, "%v %v", row.idle, row.absolute)
		}
	}
	require.Equal(t, models.SessionFlags(1), models.FlagBrowserSession, "as tokens and rows have it")
}

// claimsOf is the JSON of an access token's claims.
func claimsOf(t *testing.T, access string) string {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(access, ".")[1])
	require.NoError(t, err)
	return string(text)
}
