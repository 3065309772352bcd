package integration_test

import (
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testseed"
	"github.com/gin-sessionkit/sessionkit/session"
)

// limited is one server of an application: its clock is off by skew.
func limited(t *testing.T, store session.Store, skew time.Duration, limit session.LimitConfig) *session.Service {
	t.Helper()
	svc, err := session.New(t.Context(), store, session.Config{
		MaxSessions: limit, Logger: slog.New(slog.DiscardHandler),
		Now:              func() time.Time { return time.Now().Add(skew) },
		OperationTimeout: time.Minute, // databases on a busy test machine
	})
	require.NoError(t, err)
	t.Cleanup(svc.Close)
	return svc
}

// Fifty sign-ins of one user at once on five servers whose clocks are up to two minutes
// apart, over sessions that were there before: with eviction exactly three are left. With
// refusal never more than three, none of those that were there before has ended, and
// whoever was let in stays.
func TestLimit_FiftyAtOnce(t *testing.T) {
	t.Parallel()
	onEach(t, allEngines, func(t *testing.T, e engine) {
		store, _ := e.open(t)
		random := testseed.Random(t)
		for i, policy := range []session.LimitPolicy{session.EvictOldest, session.EvictIdlest, session.RefuseNew} {
			fiftyAtOnce(t, store, session.LimitConfig{N: 3, Policy: policy}, strconv.Itoa(i), random)
		}
	})
}

func fiftyAtOnce(t *testing.T, store session.Store, limit session.LimitConfig, user string, random *rand.Rand) {
	t.Helper()
	var servers []*session.Service
	for range 5 {
		skew := time.Duration(random.IntN(120_001)-60_000) * time.Millisecond
		servers = append(servers, limited(t, store, skew, limit))
	}
	before := map[string]bool{}
	for range random.IntN(3) {
		tokens, err := servers[random.IntN(len(servers))].Create(t.Context(), user)
		require.NoError(t, err)
		before[tokens.Session.Handle()] = true
	}
	var mu sync.Mutex
	answered := map[string]bool{}
	concurrently(t, 50, func(i int) (bool, error) {
		tokens, err := servers[i%len(servers)].Create(t.Context(), user)
		if errors.Is(err, errors.ErrSessionLimit) && limit.Policy == session.RefuseNew {
			return false, nil
		}
		if err == nil {
			mu.Lock()
			answered[tokens.Session.Handle()] = true
			mu.Unlock()
		}
		return true, err
	})
	list, err := servers[0].List(t.Context(), user)
	require.NoError(t, err)
	left := handlesOf(list)
	if limit.Policy != session.RefuseNew {
		require.Len(t, left, limit.N)
		return
	}
	require.LessOrEqual(t, len(left), limit.N)
	require.Len(t, left, len(before)+len(answered))
	for _, handle := range left {
		require.True(t, before[handle] || answered[handle])
	}
	t.Logf("%d were there, %d of 50 let in", len(before), len(answered))
}
