package storetest_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

const now = 1_750_000_000_000

// row is live at now.
func row(handle string) *models.Session {
	return &models.Session{Handle: handle, UserID: "bob", CreatedAt: now, ExpiresAt: now + 1000}
}

func TestFaultyWithoutFaultsKeepsTheContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) session.Store {
		return storetest.Faulty(memstore.New())
	}, storetest.Rounds(10))
}

func TestFaultyErrorBefore(t *testing.T) {
	t.Parallel()
	inner := memstore.New()
	store := storetest.Faulty(inner, storetest.Fault{Call: 2})

	require.NoError(t, store.Insert(t.Context(), row("a")))
	err := store.Insert(t.Context(), row("b"))
	require.ErrorIs(t, err, storetest.ErrInjected)
	require.ErrorIs(t, err, errors.ErrUnavailable)
	require.ErrorIs(t, err, errors.ErrGeneral)
	require.NoError(t, store.Insert(t.Context(), row("c")))

	page, err := inner.List(t.Context(), models.SessionsOfUser{UserID: "bob", Now: now})
	require.NoError(t, err)
	require.Len(t, page.Sessions, 2, "the second call never arrived")
	require.Equal(t, 1, store.Fired())
}

func TestFaultyErrorAfterHasTakenEffect(t *testing.T) {
	t.Parallel()
	inner := memstore.New()
	own := errors.WithReason(errors.ErrGeneral, errors.ErrConflict)
	store := storetest.Faulty(inner, storetest.Fault{
		Method: "Revoke", Call: 1, Mode: storetest.ErrorAfter, Err: own,
	})
	require.NoError(t, store.Insert(t.Context(), row("a")))

	revoked, err := store.Revoke(t.Context(), models.Revocation{Handle: "a", Reason: models.RevokedByTheft, Now: now})
	require.Equal(t, own, err)
	require.False(t, revoked, "the answer was lost")

	found, err := inner.Find(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, models.RevokedByTheft, found.RevokeReason)
}

func TestFaultyHangsUntilTheContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner := memstore.New()
		store := storetest.Faulty(inner, storetest.Fault{Mode: storetest.Hang})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()

		begin := time.Now()
		err := store.Insert(ctx, row("a"))
		require.Equal(t, 3*time.Second, time.Since(begin))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, errors.ErrUnavailable)

		found, err := inner.Find(t.Context(), "a")
		require.NoError(t, err)
		require.Nil(t, found)
	})
}

func TestFaultyCountsAndRearms(t *testing.T) {
	t.Parallel()
	store := storetest.Faulty(memstore.New(), storetest.Fault{})
	for range 3 {
		require.ErrorIs(t, store.Check(t.Context()), errors.ErrUnavailable, "call 0 means all")
	}
	_, err := store.Keys(t.Context(), now)
	require.ErrorIs(t, err, errors.ErrUnavailable)
	require.Equal(t, 4, store.Calls())
	require.Equal(t, 4, store.Fired())
	require.Equal(t, map[string]int{"Check": 3, "Keys": 1}, store.Counts())

	store.Arm()
	require.Zero(t, store.Calls())
	require.Empty(t, store.Counts())
	require.NoError(t, store.Check(t.Context()))
	require.Equal(t, 1, store.Calls())
	require.Zero(t, store.Fired())
}

func TestFaultyCountsConcurrentCalls(t *testing.T) {
	t.Parallel()
	store := storetest.Faulty(memstore.New(), storetest.Fault{Method: "Find", Call: 100})
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for range 20 {
				_, _ = store.Find(t.Context(), "a")
			}
		})
	}
	group.Wait()
	require.Equal(t, map[string]int{"Find": 320}, store.Counts())
	require.Equal(t, 1, store.Fired())
}

// TestFaultyLoopEndsWhenTheStoryIsThrough is the loop from the doc comment.
func TestFaultyLoopEndsWhenTheStoryIsThrough(t *testing.T) {
	t.Parallel()
	failed := 0
	for n := 1; ; n++ {
		store := storetest.Faulty(memstore.New(),
			storetest.Fault{Call: n, Mode: storetest.ErrorAfter})
		err := errors.Join(
			store.Check(t.Context()),
			store.Insert(t.Context(), row("a")),
			store.Insert(t.Context(), row("a")),
		)
		if store.Fired() == 0 {
			require.NoError(t, err)
			break
		}
		require.ErrorIs(t, err, storetest.ErrInjected)
		failed++
	}
	require.Equal(t, 3, failed)
}
