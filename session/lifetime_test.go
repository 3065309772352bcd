package session_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testpage"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

func TestWithLifetime_bounds(t *testing.T) {
	t.Parallel()
	const hour, ms = time.Hour, time.Millisecond
	for name, row := range map[string]struct {
		idle, absolute time.Duration
		want           bool
	}{
		"as configured":              {0, 0, true},
		"the longest":                {24 * hour, 72 * hour, true},
		"the shortest":               {5 * time.Minute, 5 * time.Minute, true},
		"idle longer":                {24*hour + ms, 0, false},
		"absolute longer":            {0, 72*hour + ms, false},
		"idle shorter":               {5*time.Minute - ms, 0, false},
		"absolute shorter":           {0, 5*time.Minute - ms, false},
		"idle that rounds to none":   {999 * ms, 0, false},
		"absolute of a nanosecond":   {0, 1, false},
		"idle negative":              {-hour, 0, false},
		"absolute negative":          {0, -1, false},
		"absolute shorter than idle": {hour, 30 * time.Minute, true},
	} {
		k := newKit(t, func(c *session.Config) { c.RefreshTokenValidity, c.SessionLifetime = 24*hour, 72*hour })
		_, err := k.Create(t.Context(), "ada", session.WithLifetime(row.idle, row.absolute))
		if row.want {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, err, errors.ErrInvalidInput, name)
		sessions, err := k.List(t.Context(), "ada")
		require.NoError(t, err)
		require.Empty(t, sessions, "%s: nothing was stored", name)
	}
}

// Each session ends by its own time, to the millisecond, however often it is rotated:
// an absolute end is exact, an idle one on the grid of the session's own length.
func TestWithLifetime_ends(t *testing.T) {
	t.Parallel()
	const idle = 30 * time.Minute
	for name, row := range map[string]struct {
		opt   session.CreateOption
		steps []time.Duration
		left  time.Duration
	}{
		"idle":                         {session.WithLifetime(idle, 0), nil, idle},
		"idle, after three rotations":  {session.WithLifetime(idle, 0), []time.Duration{25 * time.Minute, 25 * time.Minute, 29 * time.Minute}, idle},
		"absolute":                     {session.WithLifetime(0, time.Hour), nil, time.Hour},
		"absolute, after three":        {session.WithLifetime(30*time.Minute, time.Hour), []time.Duration{20 * time.Minute, 20 * time.Minute, 10 * time.Minute}, 10 * time.Minute},
		"absolute, of a fraction less": {session.WithLifetime(0, time.Hour+999*time.Millisecond), []time.Duration{30 * time.Minute}, 30 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, late := range []bool{false, true} {
				k := newKit(t)
				k.clock.Advance(123 * time.Millisecond)
				tokens, err := k.Create(t.Context(), "ada", row.opt)
				require.NoError(t, err)
				for _, step := range row.steps {
					k.clock.Advance(step)
					tokens, err = k.Refresh(t.Context(), tokens.Refresh.Value)
					require.NoError(t, err)
					_, promoted, err := k.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
					require.NoError(t, err)
					require.NotNil(t, promoted)
				}
				end := k.clock.Now().Add(row.left)
				if strings.HasPrefix(name, "idle") {
					end = testpage.IdleEnd(k.clock.Now(), idle)
				}
				require.True(t, end.Equal(tokens.Refresh.ExpiresAt), "%v", tokens.Refresh.ExpiresAt.Sub(end))
				k.clock.Set(end.Add(-time.Millisecond))
				if late {
					k.clock.Set(end)
				}
				_, err = k.Refresh(t.Context(), tokens.Refresh.Value)
				if late {
					require.ErrorIs(t, err, errors.ErrSessionExpired)
				} else {
					require.NoError(t, err)
				}
			}
		})
	}
}

// Access tokens end with a quarter of a short idle time, so that whoever is at work is
// seen before it is over, and never after the session.
func TestWithLifetime_accessTokens(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		opt  session.CreateOption
		want time.Duration
	}{
		"as configured":       {session.WithLifetime(0, 0), time.Hour},
		"a long idle time":    {session.WithLifetime(12*time.Hour, 0), time.Hour},
		"an idle half hour":   {session.WithLifetime(30*time.Minute, 0), 7*time.Minute + 30*time.Second},
		"an absolute ten min": {session.WithLifetime(0, 10*time.Minute), 10 * time.Minute},
		"both":                {session.WithLifetime(time.Hour, 10*time.Minute), 10 * time.Minute},
	} {
		k := newKit(t)
		tokens, err := k.Create(t.Context(), "ada", row.opt)
		require.NoError(t, err)
		require.Equal(t, row.want, tokens.Access.ExpiresAt.Sub(k.clock.Now()), name)
	}
	// Who uses the session every access token's life stays in.
	k := newKit(t)
	tokens, err := k.Create(t.Context(), "ada", session.WithLifetime(30*time.Minute, 0))
	require.NoError(t, err)
	for range 20 {
		k.clock.Set(tokens.Access.ExpiresAt)
		tokens, err = k.Refresh(t.Context(), tokens.Refresh.Value)
		require.NoError(t, err)
		_, _, err = k.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
		require.NoError(t, err)
	}
}

// A configuration that has become shorter holds for everybody.
func TestWithLifetime_shorterConfiguration(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	old := newKitOn(t, store, nil)
	tokens, err := old.Create(t.Context(), "ada", session.WithLifetime(24*time.Hour, 0))
	require.NoError(t, err)
	k := newKitOn(t, store, old.clock, func(c *session.Config) { c.RefreshTokenValidity = time.Hour })
	k.clock.Advance(20 * time.Hour)
	fresh, err := k.Refresh(t.Context(), tokens.Refresh.Value)
	require.NoError(t, err)
	_, _, err = k.Verify(t.Context(), fresh.Access.Value, fresh.AntiCSRF)
	require.NoError(t, err)
	k.clock.Advance(4*time.Hour + time.Minute)
	_, err = k.Refresh(t.Context(), fresh.Refresh.Value)
	require.ErrorIs(t, err, errors.ErrSessionExpired)
}

// Watch sees an absolute end that only this session has, of which no token tells.
func TestWatch_ownAbsoluteEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := start(t, memstore.New(), slow)
		tokens, err := p.Create(t.Context(), "ada", session.WithLifetime(0, 150*time.Minute))
		require.NoError(t, err)
		sess, _, err := p.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
		require.NoError(t, err)
		ended := watch(t, sess)
		time.Sleep(149 * time.Minute)
		requireLives(t, ended)
		time.Sleep(time.Minute)
		requireEnded(t, ended, models.EndedByExpiry)
	})
}
