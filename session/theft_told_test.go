package session_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// logged is a log that may be read while it is written.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), part)
}

type told func(ctx context.Context, theft *errors.TokenTheftError)

// newTold is a kit with a callback and a log.
func newTold(t *testing.T, callback told, change ...func(*session.Config)) (*kit, *logged) {
	t.Helper()
	log := &logged{}
	return newKit(t, append(change, func(c *session.Config) {
		c.OnTheft = callback
		if c.Logger.Handler() == slog.DiscardHandler {
			c.Logger = slog.New(slog.NewTextHandler(log, nil))
		}
	})...), log
}

// stolen is a refresh token that was replaced for good, and the handle of its session.
func stolen(t *testing.T, svc *session.Service, userID string) (token, handle string) {
	t.Helper()
	tokens, err := svc.Create(t.Context(), userID)
	require.NoError(t, err)
	mustRefresh(t, svc, mustRefresh(t, svc, tokens.Refresh.Value))
	return tokens.Refresh.Value, tokens.Session.Handle()
}

// replays are the ways in which a stolen token comes in.
var replays = map[string]func(t *testing.T, svc *session.Service, token string) error{
	"without HTTP": func(t *testing.T, svc *session.Service, token string) error {
		t.Helper()
		_, err := svc.Refresh(t.Context(), token)
		return err
	},
	"by cookie": func(t *testing.T, svc *session.Service, token string) error {
		t.Helper()
		_, err := svc.RefreshHTTP(httptest.NewRecorder(), request(t, map[string]string{"Rid": "session"}, "sRefreshToken="+token))
		return err
	},
	"by header": func(t *testing.T, svc *session.Service, token string) error {
		t.Helper()
		_, err := svc.RefreshHTTP(httptest.NewRecorder(), request(t, map[string]string{"Authorization": "Bearer " + token, "St-Auth-Mode": "header"}))
		return err
	},
}

// inEachWay runs a story in a bubble of time of its own, for each way of replaying.
func inEachWay(t *testing.T, story func(t *testing.T, replay func(svc *session.Service, token string))) {
	t.Helper()
	for way, replay := range replays {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				story(t, func(svc *session.Service, token string) {
					require.ErrorAs(t, replay(t, svc, token), new(*errors.TokenTheftError))
				})
			})
		})
	}
}

// A-8, the attacker's row: thefts staged by one account against a callback that blocks.
func TestOnTheft_stagedThefts(t *testing.T) {
	t.Parallel()
	inEachWay(t, func(t *testing.T, replay func(*session.Service, string)) {
		var running, most, calls atomic.Int64
		var handles sync.Map
		release := make(chan struct{})
		k, log := newTold(t, func(_ context.Context, theft *errors.TokenTheftError) {
			most.Store(max(most.Load(), running.Add(1)))
			<-release
			running.Add(-1)
			calls.Add(1)
			if _, twice := handles.LoadOrStore(theft.SessionHandle, true); twice {
				t.Error("told twice")
			}
		})
		var staged []string
		for range 300 {
			token, handle := stolen(t, k.Service, "attacker")
			replay(k.Service, token) // returns at once, whatever the callback does
			staged = append(staged, handle)
			synctest.Wait()
		}
		token, victims := stolen(t, k.Service, "victim")
		replay(k.Service, token)
		synctest.Wait()
		require.LessOrEqual(t, running.Load(), int64(4))
		close(release)
		k.Close()
		require.LessOrEqual(t, most.Load(), int64(4))
		untold := log.count("level=ERROR msg=\"sessionkit: Config.OnTheft was not called: too many thefts are waiting\"")
		require.EqualValues(t, 301, calls.Load()+int64(untold), "each is told or logged")
		require.Equal(t, 1, log.count(fmt.Sprintf("not_told_so_far=%d\n", untold)), "and counted")
		_, ok := handles.Load(victims)
		require.True(t, ok, "nobody is shut out by another's thefts")
		for _, handle := range staged {
			require.Zero(t, log.count(handle))
		}
	})
}

// A deploy: Close comes while callbacks run and wait, and while thefts are found.
func TestOnTheft_toldBeforeCloseReturns(t *testing.T) {
	t.Parallel()
	inEachWay(t, func(t *testing.T, replay func(*session.Service, string)) {
		var k *kit
		var calls atomic.Int64
		k, log := newTold(t, func(ctx context.Context, theft *errors.TokenTheftError) {
			time.Sleep(time.Second)
			n, err := k.RevokeAll(ctx, theft.UserID)
			if n != 1 || err != nil || ctx.Err() != nil {
				t.Error("the callback can use the service until Close returns:", n, err)
			}
			calls.Add(1)
		})
		for n := range 10 {
			user := fmt.Sprint("user", n)
			_, err := k.Create(t.Context(), user)
			require.NoError(t, err)
			token, _ := stolen(t, k.Service, user)
			replay(k.Service, token)
		}
		_, err := k.Create(t.Context(), "late")
		require.NoError(t, err)
		late, _ := stolen(t, k.Service, "late")
		closed := make(chan struct{})
		go func() {
			k.Close()
			close(closed)
		}()
		synctest.Wait()
		replay(k.Service, late)
		<-closed
		require.EqualValues(t, 11, calls.Load())
		require.Zero(t, log.count("ERROR"))
	})
}

// A theft that comes after Close is left to an instance that can tell: nothing is
// revoked that nobody hears of.
func TestOnTheft_afterClose(t *testing.T) {
	t.Parallel()
	for way, replay := range replays {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			store := memstore.New()
			calls := make(chan string, 10)
			start := func(name string) *session.Service {
				svc, err := session.New(t.Context(), store, session.Config{
					Logger:  slog.New(slog.DiscardHandler),
					OnTheft: func(context.Context, *errors.TokenTheftError) { calls <- name },
				})
				require.NoError(t, err)
				t.Cleanup(svc.Close)
				return svc
			}
			old, next := start("old"), start("new")
			token, _ := stolen(t, old, "user")
			old.Close()
			require.ErrorIs(t, replay(t, old, token), errors.ErrClosed)
			require.ErrorAs(t, replay(t, next, token), new(*errors.TokenTheftError))
			next.Close()
			require.Equal(t, "new", <-calls)
			require.Empty(t, calls)
		})
	}
}

// Callbacks of every kind of bad manners: the request, the other thefts and Close go on.
func TestOnTheft_badCallbacks(t *testing.T) {
	t.Parallel()
	var k *kit
	for name, row := range map[string]struct {
		callback told
		says     string // in the log, for each call
		closes   time.Duration
	}{
		"panics":       {func(context.Context, *errors.TokenTheftError) { panic("secret") }, "Config.OnTheft panicked", 0},
		"panics, nil":  {func(context.Context, *errors.TokenTheftError) { panic(nil) }, "Config.OnTheft panicked", 0},
		"Goexit":       {func(context.Context, *errors.TokenTheftError) { runtime.Goexit() }, "", 0},
		"waits to end": {func(ctx context.Context, _ *errors.TokenTheftError) { <-ctx.Done() }, "", 10 * time.Second},
		"never ends": {
			func(context.Context, *errors.TokenTheftError) { time.Sleep(time.Hour) },
			"Config.OnTheft had not returned when Close gave up", 11 * time.Second,
		},
		"calls Close": {
			func(context.Context, *errors.TokenTheftError) { k.Close() },
			"Config.OnTheft had not returned when Close gave up", 11 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log *logged
				var calls atomic.Int64
				k, log = newTold(t, func(ctx context.Context, theft *errors.TokenTheftError) {
					calls.Add(1)
					row.callback(ctx, theft)
				})
				for n := range 3 {
					token, _ := stolen(t, k.Service, fmt.Sprint(n))
					_, err := k.Refresh(t.Context(), token)
					require.ErrorAs(t, err, new(*errors.TokenTheftError))
				}
				start := time.Now()
				k.Close()
				require.Equal(t, row.closes, time.Since(start))
				require.EqualValues(t, 3, calls.Load())
				if row.says != "" {
					require.Equal(t, 3, log.count(row.says))
				}
				require.Zero(t, log.count("secret"))
				time.Sleep(time.Hour) // for the bubble, which waits for its goroutines
			})
		})
	}
}

// What waits when the time is up is named, one by one.
func TestOnTheft_closeSaysWhatItGaveUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k, log := newTold(t, func(ctx context.Context, _ *errors.TokenTheftError) { <-ctx.Done() })
		for n := range 10 {
			token, _ := stolen(t, k.Service, fmt.Sprint(n))
			_, err := k.Refresh(t.Context(), token)
			require.ErrorAs(t, err, new(*errors.TokenTheftError))
		}
		k.Close()
		// Four ran until their time was up, which is Close's too.
		gaveUp := log.count("Config.OnTheft was not called before Close gave up")
		require.Positive(t, gaveUp)
		require.LessOrEqual(t, gaveUp, 6)
	})
}

// The callback's context is its own: it ends, and holds no values of a request that may
// be over (a Gin context is used again for the next one).
func TestOnTheft_itsOwnContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	ok := make(chan bool, 1)
	k, _ := newTold(t, func(ctx context.Context, _ *errors.TokenTheftError) {
		_, ends := ctx.Deadline()
		ok <- ends && ctx.Err() == nil && ctx.Value(key{}) == nil
	})
	token, _ := stolen(t, k.Service, "user")
	ctx, hangUp := context.WithCancel(context.WithValue(t.Context(), key{}, "the request's"))
	_, err := k.Refresh(ctx, token)
	hangUp()
	require.ErrorAs(t, err, new(*errors.TokenTheftError))
	require.True(t, <-ok)
}

// panicking is a log handler that panics at the lines with this text.
type panicking struct {
	slog.Handler
	text string
}

func (p panicking) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, p.text) {
		panic("of the logger")
	}
	return nil
}
func (p panicking) Enabled(context.Context, slog.Level) bool { return true }

// The hooks that hear of a theft before its callback cannot swallow it.
func TestOnTheft_toldWhateverTheHooksDo(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*session.Config){
		"OnEvent panics": func(c *session.Config) { c.OnEvent = func(session.Event) { panic("x") } },
		"OnEvent ends the goroutine": func(c *session.Config) {
			c.OnEvent = func(e session.Event) {
				if e.Kind == session.EventTheft {
					runtime.Goexit()
				}
			}
		},
		"logger panics": func(c *session.Config) {
			c.Logger = slog.New(panicking{slog.DiscardHandler, "token_theft"})
		},
		"logger and OnEvent panic": func(c *session.Config) {
			c.Logger = slog.New(panicking{slog.DiscardHandler, "OnEvent panicked"})
			c.OnEvent = func(session.Event) { panic("x") }
		},
		"no hooks": func(*session.Config) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := make(chan string, 10)
			k, _ := newTold(t, func(_ context.Context, theft *errors.TokenTheftError) { calls <- theft.SessionHandle }, change)
			token, handle := stolen(t, k.Service, "user")
			var ended sync.WaitGroup
			ended.Go(func() {
				defer func() { _ = recover() }()
				_, _ = k.Refresh(context.WithoutCancel(t.Context()), token)
			})
			ended.Wait()
			k.Close()
			require.Equal(t, handle, <-calls)
			require.Empty(t, calls)
		})
	}
}

// Nobody wants to know: the theft is dealt with all the same.
func TestOnTheft_nil(t *testing.T) {
	t.Parallel()
	inEachWay(t, func(t *testing.T, replay func(*session.Service, string)) {
		k, _ := newTold(t, nil)
		token, handle := stolen(t, k.Service, "user")
		replay(k.Service, token)
		ended, err := k.Revoke(t.Context(), handle)
		require.NoError(t, err)
		require.False(t, ended, "it was revoked")
	})
}

// OnEvent runs on the cleanup's goroutine too, which Close waits for.
func TestClose_cleanupThatDoesNotReturn(t *testing.T) {
	t.Parallel()
	var k *kit
	for name, hook := range map[string]func(){
		"blocks":      func() { time.Sleep(time.Hour) },
		"calls Close": func() { k.Close() },
		"panics":      func() { panic("x") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log *logged
				reached, made := make(chan struct{}, 100), make(chan struct{})
				k, log = newTold(t, nil, func(c *session.Config) {
					c.Cleanup.Every = time.Minute
					c.OnEvent = func(e session.Event) {
						if e.Kind == session.EventCleanup {
							reached <- struct{}{}
							<-made
							hook()
						}
					}
				})
				close(made)
				<-reached
				synctest.Wait()
				start := time.Now()
				k.Close()
				_, err := k.List(t.Context(), "user")
				require.ErrorIs(t, err, errors.ErrClosed)
				if name == "panics" {
					require.Zero(t, time.Since(start))
				} else {
					require.Equal(t, 10*time.Second, time.Since(start))
					require.Equal(t, 1, log.count("Close gave up waiting"))
				}
				time.Sleep(time.Hour) // for the bubble, which waits for its goroutines
			})
		})
	}
}

// A logger that panics does not end the process by way of the cleanup.
func TestCleanup_loggerPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newKit(t, func(c *session.Config) {
			c.Cleanup.Every = time.Minute
			c.Logger = slog.New(panicking{slog.DiscardHandler, "clean"})
		})
		time.Sleep(10 * time.Minute)
		k.Close()
	})
}

// New that fails leaves nothing running (goleak looks), wherever it fails.
func TestNew_failureLeavesNothing(t *testing.T) {
	t.Parallel()
	callback := func(context.Context, *errors.TokenTheftError) {}
	for call := 1; ; call++ {
		store := storetest.Faulty(memstore.New(), storetest.Fault{Call: call})
		svc, err := session.New(t.Context(), store, session.Config{Logger: slog.New(slog.DiscardHandler), OnTheft: callback})
		if store.Fired() == 0 {
			require.NoError(t, err)
			svc.Close()
			return
		}
		if err == nil {
			svc.Close()
			continue
		}
		require.Nil(t, svc)
	}
}
