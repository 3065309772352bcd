package feed

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models"
)

// read is how far back a Feed knows everything when it starts, in milliseconds.
const read = int64((Kept - cleaned) / time.Millisecond)

// quiet is a Feed of a database where nothing happens, started.
func quiet(t *testing.T) *Feed {
	t.Helper()
	f := New(source(func(context.Context, models.FeedQuery) (models.FeedPage, error) {
		return models.FeedPage{Clock: time.Now().UnixMilli()}, nil
	}), Config{
		Within: 2 * time.Second, MaxEntries: 1000, Now: time.Now,
		OnPoll: func(context.Context, error, bool) {}, OnNews: func() {},
	})
	require.NoError(t, f.Start(t.Context()))
	return f
}

func (f *Feed) tell(kind models.HintKind, subject string) {
	f.Apply(hintOf(kind, subject, "", 0))
}

func TestMemo_anAnswerIsGoodForAWhileAndThenForGood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, memo, iat := quiet(t), &Memo{}, time.Now().UnixMilli()
		asks := func() (q Question, ok bool) { return f.Asks(memo, "handle", "user", iat) }
		_, ok := asks()
		require.False(t, ok)
		f.tell(models.HintSession, "handle")
		q, ok := asks()
		require.True(t, ok)
		_, ok = asks()
		require.True(t, ok, "nobody answered")
		time.Sleep(300 * time.Millisecond) // the database is slow
		f.Answered(memo, q)
		_, ok = asks()
		require.False(t, ok)
		time.Sleep(200*time.Millisecond - 1)
		_, ok = asks()
		require.False(t, ok)
		time.Sleep(time.Nanosecond)
		_, ok = asks()
		require.True(t, ok, "it counts from when the question was asked")
		_, ok = f.Asks(nil, "handle", "user", iat)
		require.True(t, ok)
		_, ok = f.Asks(nil, "another", "user", iat)
		require.False(t, ok)

		time.Sleep(time.Minute)
		q, ok = asks()
		require.True(t, ok)
		f.Answered(memo, q)
		f.poll(t.Context()) // it settles
		time.Sleep(time.Second)
		q, ok = asks()
		require.True(t, ok, "it was asked before the poll that settles")
		f.Answered(memo, q)
		time.Sleep(10 * time.Hour)
		_, ok = asks()
		require.False(t, ok, "for good")
		f.Answered(memo, Question{}) // an old answer that comes late
		_, ok = asks()
		require.False(t, ok)

		f.tell(models.HintSession, "handle")
		_, ok = asks()
		require.True(t, ok, "until there is news")
		f.Answered(memo, q)
		_, ok = asks()
		require.True(t, ok, "an answer from before the news")
	})
}

func TestMemo_anAnswerDoesNotCoverWhatCameMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, memo, iat := quiet(t), &Memo{}, time.Now().UnixMilli()
		f.tell(models.HintUser, "user")
		q, ok := f.Asks(memo, "handle", "user", iat)
		require.True(t, ok)
		f.tell(models.HintSession, "handle")
		f.Answered(memo, q)
		_, ok = f.Asks(memo, "handle", "user", iat)
		require.True(t, ok)
	})
}

func TestMemo_tokensFromAfterwardsAreNotAskedAbout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := quiet(t)
		now := time.Now().UnixMilli()
		_, ok := f.Asks(nil, "handle", "user", now-read+margin+1)
		require.False(t, ok)
		_, ok = f.Asks(nil, "handle", "user", now-read+margin)
		require.True(t, ok, "from before the time that was read")
		for _, kind := range []models.HintKind{models.HintUser, models.HintAll} {
			f.tell(kind, "user")
			_, ok = f.Asks(nil, "handle", "user", now+margin)
			require.True(t, ok, kind)
			_, ok = f.Asks(nil, "handle", "user", now+margin+1)
			require.False(t, ok, kind)
		}
	})
}

func TestMemo_claims(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, memo := quiet(t), &Memo{}
		began := time.Now().UnixMilli()
		before, q, ok := f.Claims(memo, "user", "role")
		require.True(t, ok, "what was before the feed is known to nobody")
		require.Equal(t, Before{Unknown: time.UnixMilli(began - read + margin)}, before)
		f.Refetched(memo, "role", q)
		_, _, ok = f.Claims(memo, "user", "role")
		require.False(t, ok)
		_, _, ok = f.Claims(memo, "user", "plan")
		require.True(t, ok, "each member is its own")
		time.Sleep(2 * time.Minute)
		f.poll(t.Context())
		_, q, _ = f.Claims(memo, "user", "role")
		f.Refetched(memo, "role", q)
		_, _, ok = f.Claims(memo, "user", "role")
		require.False(t, ok)

		now := time.Now().UnixMilli()
		f.tell(models.HintClaims, "user")
		before, q, ok = f.Claims(memo, "user", "role")
		require.True(t, ok)
		require.Equal(t, Before{Told: time.UnixMilli(now + margin)}, before, "the unknown is settled")
		require.Equal(t, time.UnixMilli(now+margin), before.Latest())
		f.Refetched(memo, "role", q)
		_, _, ok = f.Claims(memo, "user", "role")
		require.False(t, ok)
		_, _, ok = f.Claims(nil, "user", "role")
		require.True(t, ok)
		f.Refetched(nil, "role", q)
		f.Answered(nil, q)
		time.Sleep(time.Second)
		_, _, ok = f.Claims(memo, "user", "role")
		require.True(t, ok, "it has not settled")
		_, ok = f.Asks(memo, "handle", "user", now)
		require.False(t, ok, "the session goes on")
	})
}

// Requests ask while hints come: none that has been told, and answered for by no later
// question, may be taken for answered.
func TestMemo_concurrently(t *testing.T) {
	t.Parallel()
	f, memo := quiet(t), &Memo{}
	var told atomic.Uint64
	var all sync.WaitGroup
	ended := make(chan struct{})
	all.Go(func() {
		defer close(ended)
		for i := range 2000 {
			f.tell(models.HintSession, "handle")
			told.Store(f.writer.table.Load().arrivals)
			f.tell(models.HintClaims, "user")
			if i%100 == 0 {
				f.poll(t.Context())
				f.writer.settle(f.elapsed() + time.Minute)
			}
		}
	})
	for n := range 4 {
		all.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
				}
				known := told.Load()
				q, asks := f.Asks(memo, "handle", "user", 0)
				if asks && q.latest < known {
					t.Error("the question does not know what was told before it")
				}
				if !asks && max(memo.session.final.Load(), memo.session.fresh.Load().upTo) < known {
					t.Error("nobody asked about what was told before")
				}
				if asks && n%2 == 0 {
					f.Answered(memo, q)
				}
				member := fmt.Sprint(n % 3)
				if _, q, ok := f.Claims(memo, "user", member); ok {
					f.Refetched(memo, member, q)
				}
			}
		})
	}
	all.Wait()
}
