package session_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

// interrupted is a store in which something else happens just before a revocation.
type interrupted struct {
	session.Store
	clock  *sessiontest.Clock
	before func(context.Context)
	calls  atomic.Int64
}

func (i *interrupted) Revoke(ctx context.Context, r models.Revocation) (bool, error) {
	i.calls.Add(1)
	if i.before != nil {
		i.before(ctx)
	}
	return i.Store.Revoke(ctx, r)
}

func newInterrupted(t *testing.T, window time.Duration) (*session.Service, *interrupted) {
	t.Helper()
	store := &interrupted{Store: memstore.New()}
	kit := sessiontest.NewOn(t, store, nil, session.Config{ConcurrentRefreshWindow: window})
	store.clock = kit.Clock
	return kit.Service, store
}

func mustRefresh(t *testing.T, svc *session.Service, token string) string {
	t.Helper()
	tokens, err := svc.Refresh(t.Context(), token)
	require.NoError(t, err)
	return tokens.Refresh.Value
}

// replacedBranch is a session of two parallel refreshes, c1 and c2, a minute ago: c1
// became current and has the child g1, then c2 took its place.
func replacedBranch(t *testing.T, svc *session.Service, clock *sessiontest.Clock) (c1, g1 string) {
	t.Helper()
	tokens, err := svc.Create(t.Context(), "user")
	require.NoError(t, err)
	r0 := tokens.Refresh.Value
	clock.Advance(time.Minute)
	c1 = mustRefresh(t, svc, r0)
	c2 := mustRefresh(t, svc, r0)
	clock.Advance(time.Minute)
	g1 = mustRefresh(t, svc, c1)
	mustRefresh(t, svc, c2)
	return c1, g1
}

// A theft that was judged on a row which has moved on since is judged again: here a
// parallel refresh has brought the token's own parent back, so that it is good.
func TestTheftIsJudgedOnTheRowAsItIs(t *testing.T) {
	t.Parallel()
	svc, store := newInterrupted(t, 10*time.Second)
	c1, g1 := replacedBranch(t, svc, store.clock)
	store.before = func(context.Context) {
		store.before = nil
		mustRefresh(t, svc, c1) // and back
	}
	mustRefresh(t, svc, g1)
	require.EqualValues(t, 1, store.calls.Load(), "it had been judged as theft")
	mustRefresh(t, svc, g1)
}

// Without anything in between it is theft.
func TestTheftOfAReplacedBranch(t *testing.T) {
	t.Parallel()
	svc, store := newInterrupted(t, 10*time.Second)
	_, g1 := replacedBranch(t, svc, store.clock)
	_, err := svc.Refresh(t.Context(), g1)
	require.ErrorAs(t, err, new(*errors.TokenTheftError))
}

// Whoever keeps refreshing while a theft is being dealt with does not save the session
// by that, nor does the client that hangs up at the worst moment.
func TestTheftIsDealtWithHoweverTheRowMoves(t *testing.T) {
	t.Parallel()
	svc, store := newInterrupted(t, 0)
	tokens, err := svc.Create(t.Context(), "user")
	require.NoError(t, err)
	r0 := tokens.Refresh.Value
	current := mustRefresh(t, svc, mustRefresh(t, svc, r0))
	ctx, hangUp := context.WithCancel(t.Context())
	store.before = func(context.Context) {
		hangUp()
		current = mustRefresh(t, svc, current)
	}
	_, err = svc.Refresh(ctx, r0)
	require.ErrorAs(t, err, new(*errors.TokenTheftError))
	require.Greater(t, store.calls.Load(), int64(1))

	store.before = nil
	_, err = svc.Refresh(t.Context(), current)
	require.ErrorIs(t, err, errors.ErrSessionRevoked)
}
