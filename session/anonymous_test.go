package session_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testpage"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

func TestCreateAnonymous(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for name, row := range map[string]struct {
		opts     []session.CreateOption
		validity time.Duration
		idle     time.Duration
	}{
		"by itself":                  {nil, 100 * day, 30 * day},
		"a short configuration":      {nil, 90 * time.Minute, 90 * time.Minute},
		"shorter":                    {[]session.CreateOption{session.WithLifetime(day, 0)}, 100 * day, day},
		"longer than others":         {[]session.CreateOption{session.WithLifetime(60*day, 0)}, 100 * day, 60 * day},
		"an absolute end of its own": {[]session.CreateOption{session.WithLifetime(0, 40*day)}, 100 * day, 30 * day},
	} {
		k := newKit(t, func(c *session.Config) { c.RefreshTokenValidity = row.validity })
		tokens, err := k.CreateAnonymous(t.Context(), row.opts...)
		require.NoError(t, err, name)
		sess := tokens.Session
		require.True(t, sess.Anonymous(), name)
		require.Regexp(t, "^anon:[A-Z2-7]{26}$", sess.UserID())
		require.Equal(t, testpage.IdleEnd(k.clock.Now(), row.idle), tokens.Refresh.ExpiresAt, name)
		for range 3 {
			k.clock.Advance(time.Hour)
			tokens, err = k.Refresh(t.Context(), tokens.Refresh.Value)
			require.NoError(t, err)
			sess, _, err = k.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
			require.NoError(t, err)
			require.True(t, sess.Anonymous(), "%s: after a rotation", name)
			require.True(t, sess.Detached().Anonymous())
		}
		found, err := k.store.Find(t.Context(), sess.Handle())
		require.NoError(t, err)
		require.Equal(t, models.FlagAnonymous, found.Flags)
	}
	k := newKit(t)
	for name, opt := range map[string]session.CreateOption{"how": session.Authenticated("pwd"), "how sure": session.Level(1)} {
		_, err := k.CreateAnonymous(t.Context(), opt)
		require.ErrorIs(t, err, errors.ErrInvalidInput, name)
	}
	tokens, err := k.Create(t.Context(), "anon:me")
	require.NoError(t, err)
	require.False(t, tokens.Session.Anonymous(), "an id of that form is no visitor's")
}

// No two visitors are one user, and a limit of sessions is none of theirs: no statement
// is spent on it.
func TestCreateAnonymous_isNotLimited(t *testing.T) {
	t.Parallel()
	k := newKit(t, func(c *session.Config) { c.MaxSessions = session.LimitConfig{N: 1, Policy: session.RefuseNew} })
	seen := map[string]bool{}
	for range 5 {
		tokens, err := k.CreateAnonymous(t.Context())
		require.NoError(t, err)
		seen[tokens.Session.UserID()] = true
		list, err := k.List(t.Context(), tokens.Session.UserID())
		require.NoError(t, err)
		require.Len(t, list, 1)
	}
	require.Len(t, seen, 5)
	before := k.store.Counts()["List"]
	_, err := k.CreateAnonymous(t.Context())
	require.NoError(t, err)
	require.Equal(t, before, k.store.Counts()["List"])
}

// A route that nobody verified must not make a visitor of a user.
func TestCreateAnonymous_keepsWhatIsThere(t *testing.T) {
	t.Parallel()
	for name, byExchange := range map[string]bool{"with an Exchange": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := testpage.New(t)
			page, _ := rig.SignIn(t)
			var got *session.Session
			var failed error
			route := func(w http.ResponseWriter, r *http.Request) {
				if byExchange {
					x := rig.Svc.Exchange(w, r)
					got, failed = x.CreateAnonymous()
					return
				}
				got, failed = rig.Svc.CreateAnonymousHTTP(w, r)
			}
			w := page.Do(t, http.MethodPost, route)
			require.NoError(t, failed)
			require.Equal(t, "user-1", got.UserID())
			require.Empty(t, w.Result().Cookies())

			// Expired: the refresh decides.
			rig.Clock.Advance(2 * time.Hour)
			page.Do(t, http.MethodPost, route)
			require.ErrorIs(t, failed, errors.ErrTryRefreshToken)
			require.Nil(t, got)
			page.Do(t, http.MethodPost, rig.RefreshRoute(t))
			page.Do(t, http.MethodPost, route)
			require.NoError(t, failed)
			require.Equal(t, "user-1", got.UserID())

			// A foreign page asks: as any route.
			header := page.Header
			page.Header = http.Header{"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}}
			page.Do(t, http.MethodPost, route)
			require.ErrorIs(t, failed, errors.ErrTryRefreshToken)
			page.Header = header

			// Over: a visitor, with tokens that work.
			page.Do(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
				sess, err := rig.Svc.VerifyHTTP(w, r)
				require.NoError(t, err)
				require.NoError(t, sess.Revoke(r.Context()))
				route(w, r)
			})
			require.NoError(t, failed)
			require.True(t, got.Anonymous())
			first := got.Handle()
			page.Do(t, http.MethodPost, route)
			require.NoError(t, failed)
			require.Equal(t, first, got.Handle(), "one visitor, one session")

			// And the sign-in ends it.
			page.Do(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
				_, err := rig.Svc.CreateHTTP(w, r, "user-1")
				require.NoError(t, err)
			})
			_, err := rig.Svc.Get(t.Context(), first)
			require.ErrorIs(t, err, errors.ErrSessionNotFound)
		})
	}
}

// A foreign page cannot fill the table from a visitor's browser.
func TestCreateAnonymous_crossOrigin(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://app.example/cart", strings.NewReader("x=1"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://evil.example")
	w := httptest.NewRecorder()
	_, err := k.CreateAnonymousHTTP(w, r)
	require.ErrorIs(t, err, errors.ErrCrossOrigin)
	require.Empty(t, w.Result().Cookies())
}
