package session_test

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// The store says what handles are like, and all that is done with a session works with
// either.
func TestSharded_handles(t *testing.T) {
	t.Parallel()
	for _, sharded := range []bool{false, true} {
		t.Run(strconv.FormatBool(sharded), func(t *testing.T) {
			t.Parallel()
			store, length := memstore.New(), 26
			if sharded {
				store, length = memstore.NewSharded(), 32
			}
			svc := start(t, store)
			tokens, err := svc.Create(t.Context(), "ada")
			require.NoError(t, err)
			handle := tokens.Session.Handle()
			require.Len(t, handle, length)
			home, ok := models.HomeOfHandle(handle)
			require.Equal(t, sharded, ok)
			if sharded {
				require.Equal(t, models.HomeOf("ada"), home)
			}
			require.True(t, svc.verifies(t, tokens))

			next, err := svc.Refresh(t.Context(), tokens.Refresh.Value)
			require.NoError(t, err)
			require.Equal(t, handle, next.Session.Handle())
			require.True(t, svc.verifies(t, next))
			_, err = svc.Refresh(t.Context(), tokens.Refresh.Value)
			require.ErrorIs(t, err, errors.ErrTokenTheft)
			require.False(t, svc.verifies(t, next, session.WithRevocation(session.RevokeImmediately)))

			other, err := svc.Create(t.Context(), "ada")
			require.NoError(t, err)
			ended, err := svc.Revoke(t.Context(), other.Session.Handle())
			require.NoError(t, err)
			require.True(t, ended)
			_, err = svc.Create(t.Context(), "ada")
			require.NoError(t, err)
			n, err := svc.RevokeAll(t.Context(), "ada")
			require.NoError(t, err)
			require.Equal(t, 1, n)
		})
	}
}

// Two processes clean all slices of a store: each row goes once, and none is left.
func TestSharded_cleanup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.NewSharded()
		const users = 100
		maker := start(t, store, func(cfg *session.Config) { cfg.Cleanup.Every = session.Off })
		for i := range users {
			_, err := maker.Create(t.Context(), strconv.Itoa(i), session.WithLifetime(0, time.Hour))
			require.NoError(t, err)
		}
		maker.Close()
		time.Sleep(2 * time.Hour)
		cleaners := []*process{start(t, store), start(t, store)}
		time.Sleep(25 * time.Hour)
		removed := 0
		for _, p := range cleaners {
			p.mu.Lock()
			for _, e := range p.events {
				if e.Kind == session.EventCleanup {
					removed += e.Count
				}
			}
			p.mu.Unlock()
		}
		require.Equal(t, users, removed)
		page, err := store.Walk(t.Context(), models.Walk{})
		require.NoError(t, err)
		require.Empty(t, page.Sessions)
	})
}

// byTurns notes of which slices rows were removed, one after the other.
type byTurns struct {
	*memstore.Store
	mu      sync.Mutex
	removed []int
}

func (s *byTurns) DeleteEnded(ctx context.Context, e models.EndedSessions) (int, error) {
	n, err := s.Store.DeleteEnded(ctx, e)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removed = append(s.removed, slices.Repeat([]int{e.Slice}, n)...)
	return n, err
}

// A cleanup goes from slice to slice with each batch: it reads the ends of all of them,
// in their order, and what it left of one would be in the way of all others.
func TestSharded_cleanupByTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const rows = 3
		store := &byTurns{Store: memstore.NewSharded()}
		svc := start(t, store, func(cfg *session.Config) {
			cfg.Cleanup.Batch, cfg.Cleanup.Every = 1, time.Hour
		})
		var made [models.HomeSlices]int
		for i, left := 0, len(made); left > 0; i++ {
			user := strconv.Itoa(i)
			slice := models.HomeOf(user).Slice()
			if made[slice] == rows {
				continue
			}
			_, err := svc.Create(t.Context(), user, session.WithLifetime(0, time.Hour))
			require.NoError(t, err)
			if made[slice]++; made[slice] == rows {
				left--
			}
		}
		time.Sleep(4 * time.Hour)
		svc.Close()
		require.Len(t, store.removed, rows*len(made))
		for round := range slices.Chunk(store.removed, len(made)) {
			slices.Sort(round)
			require.Len(t, slices.Compact(round), len(made))
		}
	})
}

// A handle with a home is six characters longer.
func TestSharded_accessTokenStaysShort(t *testing.T) {
	t.Parallel()
	svc := start(t, memstore.NewSharded())
	tokens, err := svc.Create(t.Context(), "7e57ab1e-0000-4000-8000-00000000c0de", session.WithPayload(json.RawMessage(`{"role":"editor"}`)))
	require.NoError(t, err)
	require.NotEmpty(t, tokens.AntiCSRF)
	require.LessOrEqual(t, len(tokens.Access.Value), 500)
}

// A handle of the other kind is one of nobody's: the session is over, and no error.
func TestSharded_unknownHandle(t *testing.T) {
	t.Parallel()
	plain, sharded := start(t, memstore.New()), start(t, memstore.NewSharded())
	for _, pair := range [][2]*process{{plain, sharded}, {sharded, plain}} {
		tokens, err := pair[0].Create(t.Context(), "ada")
		require.NoError(t, err)
		_, err = pair[1].Get(t.Context(), tokens.Session.Handle())
		require.ErrorIs(t, err, errors.ErrUnauthorised)
		ended, err := pair[1].Revoke(t.Context(), tokens.Session.Handle())
		require.NoError(t, err)
		require.False(t, ended)
	}
}
