package feed

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

// bench is one Feed with a database that does as it is told.
type bench struct {
	*Feed
	db *database
	// answer stands in for the database, unless it is nil.
	answer atomic.Pointer[source]
	skew   atomic.Int64 // of this process's clock
	news   atomic.Int64

	mu    sync.Mutex
	polls []error
}

func newBench(within time.Duration) *bench {
	b := &bench{db: newDatabase(0)}
	b.Feed = New(b, Config{
		Within: within, MaxEntries: 100_000,
		Now: func() time.Time { return time.Now().Add(time.Duration(b.skew.Load())) },
		OnPoll: func(_ context.Context, err error, _ bool) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.polls = append(b.polls, err)
		},
		OnNews: func() { b.news.Add(1) },
	})
	return b
}

func (b *bench) ReadFeed(ctx context.Context, q models.FeedQuery) (models.FeedPage, error) {
	if answer := b.answer.Load(); answer != nil {
		return (*answer)(ctx, q)
	}
	return b.db.read(q, 0), nil
}

func (b *bench) answers(s source) { b.answer.Store(&s) }

// told is what OnPoll was told.
func (b *bench) told() []error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.polls)
}

// slowly has each statement take a time, if its ctx lets it.
func (b *bench) slowly(d time.Duration) {
	b.answers(func(ctx context.Context, q models.FeedQuery) (models.FeedPage, error) {
		page := b.db.read(q, 0)
		return page, b.db.travel(ctx, d)
	})
}

// write has another process write a hint about a session.
func (b *bench) write(handle string) { b.db.write(hintOf(models.HintSession, handle, "", 0), 0, 0) }

func (b *bench) knows(handle string) bool {
	_, asks := b.Asks(nil, handle, "user", 1<<50)
	return asks
}

func (b *bench) run(t *testing.T) (stop func()) {
	t.Helper()
	require.NoError(t, b.Start(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() {
		defer close(over)
		b.Run(ctx)
	}()
	return func() {
		cancel()
		<-over
	}
}

func TestFeed_Start(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(2 * time.Second)
		b.write("older")
		time.Sleep(Kept + time.Second)
		for i := range 2500 {
			b.write(fmt.Sprint(i))
		}
		b.answers(func(context.Context, models.FeedQuery) (models.FeedPage, error) { return models.FeedPage{}, errDown })
		require.ErrorIs(t, b.Start(t.Context()), errDown)
		b.slowly(3 * time.Second) // the first read may take longer than a poll
		began := b.elapsed()
		require.NoError(t, b.Start(t.Context()))
		require.False(t, b.knows("older"))
		for i := range 2500 {
			require.True(t, b.knows(fmt.Sprint(i)))
		}
		require.Equal(t, b.elapsed()-began, b.Lag())
		require.Equal(t, 4*3*time.Second, b.Lag())

		// What the statements took is no gap between what is covered and what was read:
		// the tokens that the oldest hint that was read late is about ask.
		oldest := b.clock.Load() - Kept.Milliseconds()
		_, asks := b.Asks(nil, "another", "user", oldest+margin)
		require.True(t, asks)
	})
}

func TestFeed_Run(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(2 * time.Second)
		stop := b.run(t)
		time.Sleep(499 * time.Millisecond)
		b.write("one")
		require.False(t, b.knows("one"))
		time.Sleep(2 * time.Millisecond)
		require.True(t, b.knows("one"))
		time.Sleep(time.Second)
		require.Equal(t, []error{nil, nil, nil}, b.told())
		require.EqualValues(t, 3, b.news.Load())
		require.Equal(t, time.Millisecond, b.Lag())
		b.answers(func(ctx context.Context, _ models.FeedQuery) (models.FeedPage, error) {
			<-ctx.Done()
			return models.FeedPage{}, ctx.Err()
		})
		stop()
		require.Len(t, b.told(), 3, "no failure is told when it ends")
	})
}

func TestFeed_Run_survives(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]source{
		"errors": func(context.Context, models.FeedQuery) (models.FeedPage, error) { return models.FeedPage{}, errDown },
		"panics": func(context.Context, models.FeedQuery) (models.FeedPage, error) { panic("no") },
		"hangs": func(ctx context.Context, _ models.FeedQuery) (models.FeedPage, error) {
			<-ctx.Done()
			return models.FeedPage{}, ctx.Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(2 * time.Second)
				stop := b.run(t)
				defer stop()
				b.answers(bad)
				b.write("meanwhile")
				time.Sleep(30*time.Second + time.Millisecond)
				for _, err := range b.told() {
					require.Error(t, err)
				}
				require.GreaterOrEqual(t, len(b.told()), 29)
				require.Equal(t, b.elapsed(), b.Lag())
				require.False(t, b.knows("meanwhile"))
				b.answer.Store(nil)
				time.Sleep(2 * time.Second)
				require.True(t, b.knows("meanwhile"))
				require.LessOrEqual(t, b.Lag(), 500*time.Millisecond)
			})
		})
	}
}

// Polls that take nearly half of Within each still keep the promise.
func TestFeed_Run_slowly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const within = 2 * time.Second
		b := newBench(within)
		stop := b.run(t)
		defer stop()
		b.slowly(990 * time.Millisecond)
		for i := range 400 {
			time.Sleep(time.Duration(i) * 7 * time.Millisecond)
			handle := fmt.Sprint(i)
			b.write(handle)
			time.Sleep(within)
			require.LessOrEqual(t, b.Lag(), within)
			require.True(t, b.knows(handle), i)
		}
	})
}

// Who has more to catch up with than fits into half of Within gets to the end.
func TestFeed_Run_catchesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(2 * time.Second)
		stop := b.run(t)
		defer stop()
		b.answers(func(context.Context, models.FeedQuery) (models.FeedPage, error) { return models.FeedPage{}, errDown })
		for i := range 20_000 {
			b.write(fmt.Sprint(i))
			time.Sleep(100 * time.Millisecond)
		}
		b.slowly(300 * time.Millisecond) // 20 pages: six seconds
		time.Sleep(5 * time.Second)
		require.Greater(t, b.Lag(), time.Minute, "it is not there yet, and says so")
		time.Sleep(5 * time.Second)
		require.LessOrEqual(t, b.Lag(), 2*time.Second)
		for i := range 20_000 {
			require.True(t, b.knows(fmt.Sprint(i)), i)
		}
	})
}

// A hint that becomes visible up to 14 minutes late is found, whatever Within is, and
// although statements fail or there is more to read than fits into one poll.
func TestFeed_Run_findsWhatIsLate(t *testing.T) {
	t.Parallel()
	for _, within := range []time.Duration{500 * time.Millisecond, 2 * time.Second, time.Minute} {
		for late := 2 * time.Minute; late <= 14*time.Minute; late += 4 * time.Minute {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(within)
				b.rules.pageSize = 10
				rng := rand.New(rand.NewPCG(uint64(within), uint64(late)))
				b.answers(func(ctx context.Context, q models.FeedQuery) (models.FeedPage, error) {
					if rng.IntN(3) == 0 {
						return models.FeedPage{}, errDown
					}
					page := b.db.read(q, 0)
					return page, b.db.travel(ctx, within/15)
				})
				for b.Start(t.Context()) != nil {
					time.Sleep(time.Second)
				}
				go b.Run(t.Context())
				go func() {
					b.db.write(hintOf(models.HintSession, "late", "", 0), 0, late)
				}()
				for i := range 100 {
					b.write(fmt.Sprint(i))
					time.Sleep(late / 100)
				}
				time.Sleep(5*time.Minute + 30*within)
				require.True(t, b.knows("late"), "%v late, within %v", late, within)
			})
		}
	}
}

// A failover to a server whose clock is far behind: its hints are known as soon as any.
func TestFeed_Run_theDatabasesClockGoesBack(t *testing.T) {
	t.Parallel()
	for _, back := range []time.Duration{30 * time.Second, time.Minute, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(2 * time.Second)
			stop := b.run(t)
			defer stop()
			time.Sleep(10 * time.Minute)
			time.Sleep(time.Millisecond)
			b.db.jump(-back)
			b.write("one")
			time.Sleep(500 * time.Millisecond)
			require.True(t, b.knows("one"), back)
			time.Sleep(20 * time.Second) // a deep scan later
			b.write("two")
			time.Sleep(500 * time.Millisecond)
			require.True(t, b.knows("two"), back)
		})
	}
}

// A clock of the database that jumps ahead makes no hint from before so old that a
// token from after it is served.
func TestFeed_theDatabasesClockJumpsAhead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(2 * time.Second)
		b.db.write(hintOf(models.HintUser, "user", "", 0), 0, 0)
		// Another process, a minute ahead, made a token just before the row was
		// written.
		issuedAt := time.Now().Add(time.Minute + time.Minute).UnixMilli()
		b.db.jump(time.Minute)
		time.Sleep(time.Minute)
		require.NoError(t, b.Start(t.Context()))
		_, asks := b.Asks(nil, "handle", "user", issuedAt)
		require.True(t, asks)
	})
}

// The clock of this process may be wrong by days, and be put right: what it knows
// about sessions and users it goes on to know.
func TestFeed_theTimeOfDayJumps(t *testing.T) {
	t.Parallel()
	for _, by := range []time.Duration{-48 * time.Hour, -time.Minute, time.Minute, 48 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(2 * time.Second)
			stop := b.run(t)
			defer stop()
			issuedAt := time.Now().UnixMilli()
			b.write("one")
			b.db.write(hintOf(models.HintUser, "user1", "", 0), 0, 0)
			time.Sleep(10 * time.Minute)
			b.skew.Store(int64(by))
			time.Sleep(10 * time.Minute)
			b.skew.Store(0)
			b.write("two")
			time.Sleep(10 * time.Minute)
			require.LessOrEqual(t, b.Lag(), 2*time.Second)
			for _, handle := range []string{"one", "two"} {
				require.True(t, b.knows(handle))
			}
			_, asks := b.Asks(nil, "handle", "user1", issuedAt)
			require.True(t, asks)
		})
	}
}

// What becomes visible in a page that has been read, while the next ones are, is read
// by the next poll.
func TestFeed_aHintAmongThePagesThatWereRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(2 * time.Second)
		b.rules.pageSize = 10
		require.NoError(t, b.Start(t.Context()))
		go b.db.write(hintOf(models.HintSession, "late", "", 0), 0, time.Second)
		for i := range 30 {
			time.Sleep(time.Millisecond)
			b.write(fmt.Sprint(i))
		}
		b.slowly(900 * time.Millisecond)
		b.poll(t.Context())
		require.Equal(t, []error{nil}, b.told())
		require.False(t, b.knows("late"))
		require.True(t, b.knows("29"))
		b.poll(t.Context())
		require.True(t, b.knows("late"))
	})
}

func TestFeed_Apply(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(2 * time.Second)
		require.NoError(t, b.Start(t.Context()))
		h := hintOf(models.HintSession, "mine", "", 0)
		b.Apply(h)
		require.True(t, b.knows("mine"))
		require.EqualValues(t, 1, b.news.Load())
		arrivals := b.writer.table.Load().arrivals
		b.db.write(h, 0, 0)
		b.poll(t.Context())
		require.Equal(t, arrivals, b.writer.table.Load().arrivals, "it comes back, and is no news")
	})
}

func TestFeed_Run_aStoreWithoutAClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(2 * time.Second)
		b.answers(func(_ context.Context, q models.FeedQuery) (models.FeedPage, error) {
			page := b.db.read(q, 0)
			page.Clock = 0
			return page, nil
		})
		stop := b.run(t)
		defer stop()
		b.write("one")
		time.Sleep(time.Minute)
		require.True(t, b.knows("one"))
		require.NoError(t, errors.Join(b.told()...))
	})
}

// A hint about a key is told once, however often it is read, and asks about nobody.
func TestFeed_OnKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(2 * time.Second)
		var mu sync.Mutex
		var told []string
		b.cfg.OnKey = func(kid string) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, kid)
		}
		b.db.write(hintOf(models.HintKey, "before", "", 0), 0, 0)
		stop := b.run(t)
		defer stop()
		b.db.write(hintOf(models.HintKey, "one", "", 0), 0, 0)
		b.db.write(hintOf(models.HintKey, "two", "", 0), 0, 0)
		before := b.writer.table.Load().arrivals
		time.Sleep(20 * time.Minute)
		mu.Lock()
		defer mu.Unlock()
		require.ElementsMatch(t, []string{"before", "one", "two"}, told)
		require.Equal(t, before, b.writer.table.Load().arrivals)
		_, asks := b.Asks(nil, "handle", "user", time.Now().UnixMilli())
		require.False(t, asks)
	})
}

// AsksClaims asks about what was told, and about nothing from before.
func TestFeed_AsksClaims(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(2 * time.Second)
		stop := b.run(t)
		defer stop()
		memo := &Memo{}
		asks := func(user string) bool {
			q, asks := b.AsksClaims(memo, user, "pl")
			if asks {
				b.Refetched(memo, "pl", q)
			}
			return asks
		}
		require.False(t, asks("user"))
		b.db.write(hintOf(models.HintClaims, "user", "", 0), 0, 0)
		time.Sleep(time.Second)
		require.True(t, asks("user"))
		require.False(t, asks("user"))
		require.False(t, asks("other"))
		_, always := b.AsksClaims(nil, "user", "pl")
		require.True(t, always)
		time.Sleep(time.Second)
		require.True(t, asks("user"), "it has not settled")
		time.Sleep(time.Minute)
		require.True(t, asks("user"))
		time.Sleep(time.Hour)
		require.False(t, asks("user"))
	})
}
