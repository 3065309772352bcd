package session_test

import (
	"context"
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

func watch(t *testing.T, sess *session.Session) <-chan session.End {
	t.Helper()
	ended, err := sess.Watch(t.Context())
	require.NoError(t, err)
	return ended
}

// requireLives waits for nothing to happen.
func requireLives(t *testing.T, ended <-chan session.End) {
	t.Helper()
	synctest.Wait()
	select {
	case end, ok := <-ended:
		require.Fail(t, "ended", "%v %v", end, ok)
	default:
	}
}

// requireEnded wants one End and then nothing.
func requireEnded(t *testing.T, ended <-chan session.End, reason models.RevokeReason) {
	t.Helper()
	select {
	case end, ok := <-ended:
		require.True(t, ok)
		require.Equal(t, session.End{Reason: reason}, end)
	case <-time.After(time.Minute):
		require.Fail(t, "still waits")
	}
	_, ok := <-ended
	require.False(t, ok)
}

// A watcher hears of a revocation by another process, and of nothing else, however
// often the session is refreshed.
func TestWatch_revoked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		here, there := start(t, store, slow), start(t, store, slow)
		tokens, other := there.create(t, "ada"), there.create(t, "ada")
		ended, others := watch(t, tokens.Session), watch(t, other.Session)
		for range 100 {
			time.Sleep(2 * time.Hour)
			fresh, err := here.Refresh(t.Context(), tokens.Refresh.Value)
			require.NoError(t, err)
			require.True(t, there.verifies(t, fresh))
			tokens = fresh
			requireLives(t, ended)
		}
		_, err := here.RevokeOthers(t.Context(), "ada", other.Session.Handle())
		require.NoError(t, err)
		requireEnded(t, ended, models.RevokedByRevokeAll)
		requireLives(t, others)
		_, err = here.RevokeAll(t.Context(), "ada")
		require.NoError(t, err)
		requireEnded(t, others, models.RevokedByRevokeAll)
	})
}

// The hint comes before the row.
func TestWatch_rowAfterTheHint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		p := start(t, store)
		sess := p.create(t, "ada").Session
		ended := watch(t, sess)
		require.NoError(t, store.WriteHint(t.Context(), models.Hint{ID: models.HintID{1}, Kind: models.HintAll}))
		time.Sleep(50 * time.Second)
		requireLives(t, ended)
		_, err := store.Revoke(t.Context(), models.Revocation{Handle: sess.Handle(), Reason: models.RevokedByNewLogin, Now: time.Now().UnixMilli()})
		require.NoError(t, err)
		requireEnded(t, ended, models.RevokedByNewLogin)
	})
}

// Its own time ends a session too; who uses it elsewhere moves that on.
func TestWatch_expiry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := start(t, memstore.New(), func(cfg *session.Config) {
			cfg.RefreshTokenValidity, cfg.SessionLifetime = 24*time.Hour, 72*time.Hour
		}, slow)
		used, idle := p.create(t, "ada"), p.create(t, "ada")
		usedEnd, idleEnd := watch(t, used.Session), watch(t, idle.Session)
		for range 3 {
			time.Sleep(20 * time.Hour)
			fresh, err := p.Refresh(t.Context(), used.Refresh.Value)
			require.NoError(t, err)
			require.True(t, p.verifies(t, fresh))
			used = fresh
		}
		requireEnded(t, idleEnd, models.EndedByExpiry)
		requireLives(t, usedEnd)
		time.Sleep(12 * time.Hour)
		requireEnded(t, usedEnd, models.EndedByExpiry)
	})
}

// Neither an outage nor the end of the Service nor of the context ends a session.
func TestWatch_whatIsNoEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := start(t, memstore.New(), func(cfg *session.Config) { cfg.Feed.OnLag = session.LagAsk })
		sess := p.create(t, "ada").Session
		ended := watch(t, sess)
		p.store.Arm(storetest.Fault{})
		time.Sleep(time.Hour)
		requireLives(t, ended)
		p.store.Arm()
		time.Sleep(time.Minute)
		requireLives(t, ended)

		ctx, cancel := context.WithCancel(t.Context())
		short, err := sess.Watch(ctx)
		require.NoError(t, err)
		cancel()
		_, ok := <-short
		require.False(t, ok)

		requireLives(t, ended)
		p.Close()
		_, ok = <-ended
		require.False(t, ok)
		_, err = sess.Watch(t.Context())
		require.ErrorIs(t, err, errors.ErrClosed)
	})
}

// Ten thousand sockets: what happens to one costs one question, what happens to all
// costs ten, and each hears of it in time.
func TestWatch_many(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const watchers = 10_000
		store := memstore.New()
		here, there := start(t, store), start(t, store)
		sessions := make([]*session.Session, 100)
		for i := range sessions {
			sessions[i] = there.create(t, "ada").Session
		}
		ends := make([]<-chan session.End, watchers)
		for i := range ends {
			ends[i] = watch(t, sessions[i%len(sessions)])
		}
		there.store.Arm()
		time.Sleep(10 * time.Second)
		require.Zero(t, there.store.Counts()["FindMany"], "nothing happened")

		_, err := here.Revoke(t.Context(), sessions[0].Handle())
		require.NoError(t, err)
		time.Sleep(within)
		require.Equal(t, 1, there.store.Counts()["FindMany"])
		for i := 0; i < watchers; i += len(sessions) {
			require.Equal(t, models.RevokedByApplication, (<-ends[i]).Reason)
		}
		requireLives(t, ends[1])
		_, err = here.RevokeAll(t.Context(), "ada")
		require.NoError(t, err)
		time.Sleep(within)
		for i := range ends {
			if i%len(sessions) != 0 {
				require.Equal(t, models.RevokedByRevokeAll, (<-ends[i]).Reason)
			}
		}
	})
}
