package session_test

import (
	"context"
	"slices"
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

// stuck is a store whose hints hang while it is on, as behind a lock of the feed's table.
type stuck struct {
	*memstore.Store
	on bool
}

func (s *stuck) WriteHint(ctx context.Context, h models.Hint) error {
	if s.on {
		<-ctx.Done()
		return errors.WithReason(errors.ErrUnavailable, ctx.Err())
	}
	return s.Store.WriteHint(ctx, h)
}

// A hint that hangs keeps no session alive, and hides no theft.
func TestRevokeSoon_hintHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &stuck{Store: memstore.New()}
		p := start(t, store)
		one, victim := p.create(t, "ada"), p.create(t, "ada")
		used, err := p.Refresh(t.Context(), victim.Refresh.Value)
		require.NoError(t, err)
		require.True(t, p.verifies(t, used))
		store.on = true

		_, err = p.Revoke(t.Context(), one.Session.Handle())
		require.ErrorIs(t, err, errors.ErrUnavailable)
		_, err = p.Refresh(t.Context(), victim.Refresh.Value)
		require.ErrorIs(t, err, errors.ErrTokenTheft)
		for _, tokens := range []*session.Tokens{one, victim} {
			row, err := store.Find(t.Context(), tokens.Session.Handle())
			require.NoError(t, err)
			require.NotZero(t, row.RevokedAt)
		}
	})
}

// RevokeWhere of many users, which nobody can be told of, ends soon after its context.
func TestRevokeWhere_hintsHang(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &stuck{Store: memstore.New()}
		p := start(t, store)
		users := make([]string, 900)
		for i := range users {
			users[i] = string(rune('a'+i%26)) + string(rune('a'+i/26))
			p.create(t, users[i])
		}
		store.on = true
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		_, err := p.RevokeWhere(ctx, session.Filter{Users: users})
		require.ErrorIs(t, err, errors.ErrUnavailable)
		require.LessOrEqual(t, time.Since(began), time.Minute+15*time.Second)
	})
}

// A time of this moment leaves nothing out.
func TestFilter_ofThisMoment(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	now := k.clock.Now()
	for _, filter := range []session.Filter{{CreatedBefore: now}, {NotUsedSince: now.Add(-30 * time.Second)}} {
		_, err := k.RevokeWhere(t.Context(), filter, session.DryRun())
		require.ErrorIs(t, err, errors.ErrInvalidInput)
		require.ErrorContains(t, err, "All")
	}
}

// A sign-out that the others could not be told of cannot be repeated, as the session has
// ended: they are told later.
func TestSignOut_toldLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		here, there := start(t, store), start(t, store)
		tokens := here.create(t, "ada")
		here.store.Arm(storetest.Fault{Method: "WriteHint"})
		require.ErrorIs(t, tokens.Session.Revoke(t.Context()), errors.ErrUnavailable)
		time.Sleep(10 * time.Second)
		require.True(t, there.verifies(t, tokens), "it cannot know")
		here.store.Arm()
		time.Sleep(10 * time.Second)
		require.False(t, there.verifies(t, tokens))
	})
}

// Who presses a button ten times a second writes one hint a second.
func TestFeed_floodByOneUser(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := start(t, memstore.New())
		kept := p.create(t, "eve")
		p.store.Arm()
		for range 100 {
			_, err := p.RevokeOthers(t.Context(), "eve", kept.Session.Handle())
			require.NoError(t, err)
			time.Sleep(100 * time.Millisecond)
		}
		require.LessOrEqual(t, p.store.Counts()["WriteHint"], 11)
	})
}

// A feed that was turned on is cleaned by processes that do not read it, too.
func TestFeed_cleanedByWhoeverWrites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		start(t, store).Close()
		p := start(t, store, func(cfg *session.Config) { cfg.Revocation = session.RevokeAtExpiry })
		_, err := p.RevokeAll(t.Context(), "ada")
		require.NoError(t, err)
		time.Sleep(26 * time.Hour)
		page, err := store.ReadFeed(t.Context(), models.FeedQuery{})
		require.NoError(t, err)
		require.Empty(t, page.Hints)
	})
}

// Events of the feed come in their order, and a hook that hangs delays no poll.
func TestFeed_events(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := start(t, memstore.New())
		for range 20 {
			p.store.Arm(storetest.Fault{Method: "ReadFeed"})
			time.Sleep(2400 * time.Millisecond)
			p.store.Arm()
			time.Sleep(time.Second)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		events := slices.DeleteFunc(p.events, func(e session.Event) bool { return e.Kind == session.EventCleanup })
		require.GreaterOrEqual(t, len(events), 20)
		for i, e := range events {
			require.Equal(t, []session.EventKind{session.EventFeedLagging, session.EventFeedCaughtUp}[i%2], e.Kind)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		block := make(chan struct{})
		p := start(t, memstore.New(), func(cfg *session.Config) {
			cfg.OnEvent = func(e session.Event) {
				if e.Kind == session.EventFeedLagging {
					<-block
				}
			}
		})
		p.store.Arm(storetest.Fault{Method: "ReadFeed"})
		time.Sleep(5 * time.Second)
		p.store.Arm()
		time.Sleep(5 * time.Second)
		require.LessOrEqual(t, p.RevocationLag(), within)
		close(block)
	})
}

// A watch that ends while it begins is a closed channel, never none.
func TestWatch_endsWhileItBegins(t *testing.T) {
	t.Parallel()
	p := start(t, memstore.New())
	sess := p.create(t, "ada").Session
	for range 5000 {
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		ended, err := sess.Watch(ctx)
		require.NoError(t, err)
		_, ok := <-ended
		require.False(t, ok)
	}
}
