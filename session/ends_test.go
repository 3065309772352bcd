package session_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/internal/testpage"
	"github.com/gin-sessionkit/sessionkit/internal/testseed"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

// life is a session whose idle end is watched while it is used.
type life struct {
	t *testing.T
	*kit
	idle   time.Duration
	tokens *session.Tokens
	ends   int64 // as the row had it last
	// unrounded is the newest end that an older process wrote.
	unrounded int64
}

// check looks at the row after a use, which is at most slack short of the idle length.
func (l *life) check(slack time.Duration) {
	l.t.Helper()
	row, err := l.store.Find(l.t.Context(), l.tokens.Session.Handle())
	require.NoError(l.t, err)
	end, longest := row.ExpiresAt, l.clock.Now().Add(l.idle).UnixMilli()
	onGrid := end%(l.idle.Milliseconds()/64) == 0
	if absolute := row.AbsoluteExpiresAt; absolute > 0 {
		// Tokens tell it to the second before.
		longest, onGrid = min(longest, absolute), onGrid || end > absolute-1000
		slack += time.Second
	}
	require.GreaterOrEqual(l.t, end, l.ends, "it never moves back")
	require.LessOrEqual(l.t, end, longest, "nor behind the idle length or the absolute end")
	require.GreaterOrEqual(l.t, end, longest-slack.Milliseconds(), "%v", l.idle)
	require.True(l.t, onGrid || end == l.unrounded, "it is on the grid")
	require.LessOrEqual(l.t, l.tokens.Refresh.ExpiresAt.UnixMilli(), end, "no cookie outlives the row")
	l.ends = end
}

// use is the first use of what a refresh gave.
func (l *life) use() {
	if !l.tokens.Access.ExpiresAt.After(l.clock.Now()) {
		return // the last fraction of a second before an absolute end
	}
	_, _, err := l.Verify(l.t.Context(), l.tokens.Access.Value, l.tokens.AntiCSRF)
	require.NoError(l.t, err)
	l.check(l.idle / 64)
}

// olderExtends is what a process of before the grid writes at a refresh.
func (l *life) olderExtends() {
	row, err := l.store.Find(l.t.Context(), l.tokens.Session.Handle())
	require.NoError(l.t, err)
	end := l.clock.Now().Add(l.idle).UnixMilli()
	if row.AbsoluteExpiresAt > 0 {
		end = min(end, row.AbsoluteExpiresAt)
	}
	moved, err := l.store.Extend(l.t.Context(), models.Extend{
		Handle: row.Handle, Current: row.Lineage.Current, ExpiresAt: end, Now: l.clock.Now().UnixMilli(),
	})
	require.NoError(l.t, err)
	if moved {
		l.unrounded = end
	}
}

// step lets time pass and uses the session, in one of the ways that there are.
func (l *life) step(random *rand.Rand) bool {
	most := l.idle.Milliseconds()
	if random.IntN(3) > 0 {
		most /= 40
	}
	l.clock.Advance(time.Duration(random.Int64N(most)) * time.Millisecond)
	row, err := l.store.Find(l.t.Context(), l.tokens.Session.Handle())
	require.NoError(l.t, err)
	if !row.LiveAt(l.clock.Now().UnixMilli()) {
		return false
	}
	if random.IntN(8) == 0 {
		l.olderExtends()
		l.check(l.idle/10 + l.idle/64)
	}
	got, err := l.Refresh(l.t.Context(), l.tokens.Refresh.Value)
	require.NoError(l.t, err)
	answered := random.IntN(4) > 0
	if answered {
		l.tokens = got
	}
	l.check(l.idle/10 + l.idle/64)
	// A page may close before it uses its tokens; the next refresh is with them.
	if answered && random.IntN(4) > 0 {
		l.use()
	}
	return true
}

// The idle end of random lives, beside processes that do not round.
func TestIdleEnd_randomLives(t *testing.T) {
	t.Parallel()
	random := testseed.Random(t)
	const day = 24 * time.Hour
	for range 60 {
		idle := []time.Duration{2 * time.Second, 5 * time.Minute, 15 * time.Minute, day, 100 * day, 365 * day}[random.IntN(6)]
		var opts []session.CreateOption
		configured := idle
		if random.IntN(2) == 0 {
			configured = 365 * day
			opts = append(opts, session.WithLifetime(idle, 0))
		}
		k := newKit(t, func(c *session.Config) {
			c.InsecureShortLifetimes, c.RefreshTokenValidity = true, configured
			c.AccessTokenValidity = min(idle, time.Hour)
			if random.IntN(2) == 0 {
				c.SessionLifetime = 3*idle + 777*time.Millisecond
			}
		})
		k.clock.Advance(time.Duration(random.Int64N(day.Milliseconds())) * time.Millisecond)
		tokens, err := k.Create(t.Context(), "ada", opts...)
		require.NoError(t, err)
		l := &life{t: t, kit: k, idle: idle, tokens: tokens}
		l.check(idle / 64)
		for range 100 {
			if !l.step(random) {
				break
			}
		}
	}
}

// Who comes every hour moves the end about every 37th time, and all promotions in
// between leave it, and so the index on it, as it was.
func TestIdleEnd_hourlyUser(t *testing.T) {
	t.Parallel()
	const idle, hours = 100 * 24 * time.Hour, 15 * 24
	k := newKit(t)
	tokens, err := k.Create(t.Context(), "ada")
	require.NoError(t, err)
	l := &life{t: t, kit: k, idle: idle, tokens: tokens}
	l.check(idle / 64)
	k.store.Arm()
	moved := 0
	for range hours {
		k.clock.Advance(time.Hour)
		l.tokens, err = k.Refresh(t.Context(), l.tokens.Refresh.Value)
		require.NoError(t, err)
		was := l.ends
		l.use()
		require.Equal(t, testpage.IdleEnd(k.clock.Now(), idle).UnixMilli(), l.ends)
		if l.ends != was {
			moved++
		}
	}
	require.InDelta(t, hours/37.5, moved, 1)
	require.Equal(t, hours, k.store.Counts()["Advance"])
	require.Zero(t, k.store.Counts()["Extend"])
}

// Who only refreshes writes no more often than the rule of a tenth says, on the grid
// neither: a write moves the end by seven steps, of the 6.4 that a tenth has.
func TestIdleEnd_extendsNoMoreOften(t *testing.T) {
	t.Parallel()
	const idle = 100 * 24 * time.Hour
	random := testseed.Random(t)
	for range 20 {
		k := newKit(t)
		tokens, err := k.Create(t.Context(), "ada")
		require.NoError(t, err)
		every := time.Duration(1+random.IntN(14*24)) * time.Hour
		k.store.Arm()
		passed := time.Duration(0)
		for passed < 3*idle {
			passed += every
			k.clock.Advance(every)
			got, err := k.Refresh(t.Context(), tokens.Refresh.Value)
			require.NoError(t, err)
			require.NotNil(t, got) // and lost: the next is with the same token
		}
		writes := k.store.Counts()["Extend"]
		require.LessOrEqual(t, time.Duration(writes), passed/(7*idle/64)+1, "every %v", every)
	}
}
