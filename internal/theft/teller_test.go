package theft_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/theft"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// book is what failures were told.
type book struct {
	mu   sync.Mutex
	all  map[theft.Reason][]string
	lost int
}

func (b *book) add(f theft.Failure) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all == nil {
		b.all = make(map[theft.Reason][]string)
	}
	b.all[f.Reason] = append(b.all[f.Reason], f.Theft.SessionHandle)
	b.lost = max(b.lost, f.Lost)
}

func stolen(user string, n int) *errors.TokenTheftError {
	return &errors.TokenTheftError{UserID: user, SessionHandle: fmt.Sprintf("%s-%d", user, n)}
}

func closeIn(teller *theft.Teller, d time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	teller.Close(ctx)
}

// Whoever stages thefts gets Workers goroutines and a share of the queue, and
// another user's theft is told all the same.
func TestTell_oneUserGetsAShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var failures book
		var running, most, told atomic.Int64
		victimTold := make(chan struct{})
		release := make(chan struct{})
		teller := theft.New(func(_ context.Context, e *errors.TokenTheftError) {
			most.Store(max(most.Load(), running.Add(1)))
			<-release
			running.Add(-1)
			told.Add(1)
			if e.UserID == "victim" {
				close(victimTold)
			}
		}, failures.add)
		const staged = 2 * theft.MaxWaiting
		for n := range staged {
			teller.Tell(stolen("attacker", n))
			synctest.Wait()
		}
		teller.Tell(stolen("victim", 0))
		require.EqualValues(t, theft.Workers, running.Load())
		lost := staged - theft.Workers - theft.MaxPerUser
		require.Len(t, failures.all[theft.QueueFull], lost)
		require.Equal(t, lost, failures.lost)
		close(release)
		<-victimTold
		closeIn(teller, time.Second)
		require.EqualValues(t, theft.Workers, most.Load())
		require.EqualValues(t, theft.Workers+theft.MaxPerUser+1, told.Load())
	})
}

// Many users: the queue has an end too.
func TestTell_queueFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var failures book
		release := make(chan struct{})
		var told atomic.Int64
		teller := theft.New(func(context.Context, *errors.TokenTheftError) { <-release; told.Add(1) }, failures.add)
		for n := range theft.Workers + theft.MaxWaiting + 7 {
			teller.Tell(stolen(fmt.Sprint("user", n), 0))
			synctest.Wait()
		}
		require.Len(t, failures.all[theft.QueueFull], 7)
		close(release)
		closeIn(teller, time.Second)
		require.EqualValues(t, theft.Workers+theft.MaxWaiting, told.Load())
	})
}

// What was accepted is told before Close returns, and in the order of its coming.
func TestClose_tellsWhatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var failures book
		var told atomic.Int64
		teller := theft.New(func(ctx context.Context, _ *errors.TokenTheftError) {
			time.Sleep(100 * time.Millisecond)
			if ctx.Err() == nil {
				told.Add(1)
			}
		}, failures.add)
		for n := range 40 {
			teller.Tell(stolen("user", n))
		}
		closeIn(teller, 10*time.Second)
		require.EqualValues(t, 40, told.Load())
		require.Empty(t, failures.all)
		require.False(t, teller.Begin(), "nothing begins any more")
		teller.Tell(stolen("user", 99))
		require.Equal(t, []string{"user-99"}, failures.all[theft.Closed])
	})
}

// A theft that began is awaited, and told though it is found after Close began.
func TestClose_waitsForWhatBegan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var failures book
		var told atomic.Int64
		teller := theft.New(func(context.Context, *errors.TokenTheftError) { told.Add(1) }, failures.add)
		require.True(t, teller.Begin())
		closed := make(chan struct{})
		go func() {
			closeIn(teller, 10*time.Second)
			close(closed)
		}()
		synctest.Wait()
		require.True(t, teller.Begin(), "as long as Close waits")
		teller.End()
		teller.Tell(stolen("user", 0))
		teller.End()
		<-closed
		require.EqualValues(t, 1, told.Load())
		require.Empty(t, failures.all)
	})
}

// A database that hangs keeps Close for its time only.
func TestClose_givesUpOnWhatBegan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var failures book
		teller := theft.New(func(context.Context, *errors.TokenTheftError) { t.Error("too late") }, failures.add)
		require.True(t, teller.Begin())
		start := time.Now()
		closeIn(teller, 10*time.Second)
		require.Equal(t, 10*time.Second+theft.Grace, time.Since(start))
		teller.Tell(stolen("user", 0))
		teller.End()
		require.Equal(t, []string{"user-0"}, failures.all[theft.Closed])
	})
}

// A callback that heeds its context is ended by it, one that does not is left
// behind; nothing that waits is forgotten.
func TestClose_givesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var failures book
		deaf := make(chan struct{})
		var ended atomic.Int64
		teller := theft.New(func(ctx context.Context, e *errors.TokenTheftError) {
			if e.SessionHandle == "user-0" {
				<-deaf
			}
			<-ctx.Done()
			ended.Add(1)
		}, failures.add)
		for n := range 10 {
			teller.Tell(stolen("user", n))
		}
		synctest.Wait()
		start := time.Now()
		closeIn(teller, time.Second)
		require.Equal(t, time.Second+theft.Grace, time.Since(start))
		require.Equal(t, []string{"user-0"}, failures.all[theft.NotReturned])
		require.Len(t, failures.all[theft.Closed], 10-theft.Workers)
		require.Equal(t, 10-theft.Workers, failures.lost)
		require.EqualValues(t, theft.Workers-1, ended.Load())
		close(deaf)
	})
}

// A callback that hangs gives its worker back when its context ends.
func TestCall_endsByItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told atomic.Int64
		teller := theft.New(func(ctx context.Context, _ *errors.TokenTheftError) {
			<-ctx.Done()
			told.Add(1)
		}, func(theft.Failure) {})
		for n := range 3 * theft.Workers {
			teller.Tell(stolen("user", n))
		}
		time.Sleep(3*theft.CallTime + time.Millisecond)
		require.EqualValues(t, 3*theft.Workers, told.Load())
		closeIn(teller, time.Second)
	})
}

// Whatever a callback or the application's logger does, the next theft is told.
func TestCall_cannotHurt(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]func(){
		"panic":     func() { panic("secret") },
		"panic nil": func() { panic(nil) },
		"Goexit":    runtime.Goexit,
		"fatal": func() {
			var m map[string]int
			m["x"] = 1 //nolint:staticcheck // what an application may do
		},
	} {
		for _, logger := range []string{"good", "panics"} {
			t.Run(name+", logger "+logger, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var told atomic.Int64
					var failures book
					teller := theft.New(func(context.Context, *errors.TokenTheftError) {
						told.Add(1)
						bad()
					}, func(f theft.Failure) {
						failures.add(f)
						if logger == "panics" {
							panic("of the logger")
						}
					})
					for n := range 5 * theft.Workers {
						teller.Tell(stolen("user", n))
					}
					closeIn(teller, time.Second)
					require.EqualValues(t, 5*theft.Workers, told.Load())
					if name != "Goexit" {
						require.Len(t, failures.all[theft.Panicked], 5*theft.Workers)
					}
				})
			})
		}
	}
}

// The caller, the callback and the failure have a theft each.
func TestTell_sharesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var failures book
		teller := theft.New(func(_ context.Context, e *errors.TokenTheftError) {
			e.SessionHandle = "changed by the callback"
			panic("")
		}, failures.add)
		e := stolen("user", 0)
		teller.Tell(e)
		e.SessionHandle = "changed by the caller"
		closeIn(teller, time.Second)
		require.Equal(t, []string{"user-0"}, failures.all[theft.Panicked])
	})
}

func TestNil(t *testing.T) {
	t.Parallel()
	teller := theft.New(nil, nil)
	require.Nil(t, teller)
	require.True(t, teller.Begin())
	teller.Tell(stolen("user", 0))
	teller.End()
	teller.Close(t.Context())
}
