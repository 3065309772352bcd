//go:build faults

package faults_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/internal/testpage"
	"github.com/gin-sessionkit/sessionkit/internal/testseed"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

// The server's clock jumps while the browsers' go on. The crowd is on that
// server; then the idle end comes, to the millisecond.
func TestF31_ClockJumps(t *testing.T) {
	s := setUp(t, setting{})
	var ahead atomic.Int64 // of the true time
	jumpy := s.start(setting{}, func(c *session.Config) {
		c.AccessTokenValidity, c.RefreshTokenValidity = 10*time.Minute, 24*time.Hour
		c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	crowd := rig.StartCrowd(t, rig.CrowdConfig{Strict: []string{jumpy.URL}, Eager: 0.05})
	sleep(t.Context(), 2*time.Second)
	jumps := 0
	for _, jump := range []time.Duration{-time.Hour, time.Hour, time.Hour, -2 * time.Hour, time.Hour, -30 * time.Second, 30 * time.Second} {
		ahead.Add(int64(jump))
		jumps++
		sleep(t.Context(), 2*time.Second)
	}
	clock := sessiontest.NewClock(time.Now().Truncate(time.Second))
	exact := s.start(setting{}, func(c *session.Config) {
		c.AccessTokenValidity, c.RefreshTokenValidity, c.Now = 10*time.Minute, 24*time.Hour, clock.Now
	})
	idleEnd(t, exact, clock)
	s.finish(crowd, "F-31", "clock jumps of up to 2 h, idle end", false, []*rig.App{jumpy, exact}, stat("jumps", jumps))
}

// idleEnd refreshes one millisecond before the idle end of a day, and at it.
func idleEnd(t *testing.T, app *rig.App, clock *sessiontest.Clock) {
	t.Helper()
	client := rig.NewClient(10 * time.Second)
	defer client.Close()
	jar := rig.NewJar(time.Now, true) // keeps tokens whatever its own clock says
	send := func(method, path string) rig.Answer {
		reply, err := client.Do(t.Context(), app.URL, jar.Request(method, path))
		require.NoError(t, err)
		jar.Take(reply)
		return reply.Answer()
	}
	require.Equal(t, rig.OK, send(http.MethodPost, "/login?user=u"))
	clock.Set(testpage.IdleEnd(clock.Now(), 24*time.Hour).Add(-time.Millisecond))
	require.Equal(t, rig.OK, send(http.MethodPost, rig.RefreshPath), "one millisecond before the idle end")
	clock.Set(testpage.IdleEnd(clock.Now(), 24*time.Hour)) // where that refresh moved the end
	require.Equal(t, rig.Unauthorised, send(http.MethodPost, rig.RefreshPath), "at the idle end")
}

// Revoke-all against sign-ins and refreshes: no session that was there before
// the call survives it.
func TestF34_RevokeAllRacing(t *testing.T) {
	s := setUp(t, setting{})
	// An instance of its own: threads that share tokens look like thieves, and the
	// crowd's books know nothing of them.
	cfg := config()
	cfg.OperationTimeout = 10 * time.Second
	svc, err := session.New(t.Context(), s.store, cfg)
	require.NoError(t, err)
	crowd := s.crowd()
	sleep(t.Context(), 5*time.Second)
	const rounds, threads = 500, 32
	survivors, created := 0, atomic.Int64{}
	for round := range rounds {
		user := fmt.Sprint("racer", round)
		before := make([]*session.Tokens, 4)
		for i := range before {
			tokens, err := svc.Create(t.Context(), user)
			require.NoError(t, err)
			before[i] = tokens
		}
		var all sync.WaitGroup
		for thread := range threads {
			all.Go(func() {
				switch {
				case thread == threads/2:
					_, err := svc.RevokeAll(t.Context(), user)
					assert.NoError(t, err)
				case thread%4 == 0:
					_, err := svc.Create(t.Context(), user)
					assert.NoError(t, err)
					created.Add(1)
				default:
					token := before[thread%len(before)].Refresh.Value
					for range 2 {
						if next, err := svc.Refresh(t.Context(), token); err == nil {
							_, _, _ = svc.Verify(t.Context(), next.Access.Value, next.AntiCSRF)
							token = next.Refresh.Value
						} else {
							assert.ErrorIs(t, err, errors.ErrUnauthorised)
						}
					}
				}
			})
		}
		all.Wait()
		for _, tokens := range before {
			if row, err := s.store.Find(t.Context(), tokens.Session.Handle()); err != nil || row.RevokedAt == 0 {
				survivors++
			}
		}
	}
	sleep(t.Context(), 5*time.Second)
	svc.Close()
	s.finish(crowd, "F-34", "revoke-all racing logins and refreshes", false, nil, stat("rounds", rounds), stat("threads", threads),
		stat("logins_meanwhile", created.Load()), stat("survivors", survivors))
	require.Zero(t, survivors)
}

// Clients hang up at any moment; a theft that is being recorded is recorded all the same.
func TestF35_ClientDisconnects(t *testing.T) {
	s := setUp(t, setting{})
	crowd := rig.StartCrowd(t, rig.CrowdConfig{
		Browsers: 40, Tabs: 3, Loss: 0.05, Thieves: 0.25, Pace: 150 * time.Millisecond,
		Aborts: 0.4, Hurry: 8 * time.Millisecond,
		Strict: []string{s.strict.URL}, Window: []string{s.window.URL},
	})
	sleep(t.Context(), 20*time.Second)
	found, unfinished := s.thievesHangUp(60)
	s.finish(crowd, "F-35", "40 % of the clients hang up", false, nil, stat("thieves_hung_up", found+unfinished), stat("found_out", found))
	assert.Positive(t, found)
}

// thievesHangUp presents replaced tokens and hangs up at a random moment:
// either nothing has happened, or the family is revoked and the theft reported.
func (s *stage) thievesHangUp(n int) (found, unfinished int) {
	s.t.Helper()
	random := testseed.Random(s.t)
	ledger, cfg := &rig.Ledger{}, config()
	cfg.OnEvent = ledger.Event
	svc, err := session.New(s.t.Context(), s.store, cfg)
	require.NoError(s.t, err)
	defer svc.Close()
	for i := range n {
		tokens, err := svc.Create(s.t.Context(), fmt.Sprint("victim", i))
		require.NoError(s.t, err)
		next, err := svc.Refresh(s.t.Context(), tokens.Refresh.Value)
		require.NoError(s.t, err)
		_, _, err = svc.Verify(s.t.Context(), next.Access.Value, next.AntiCSRF)
		require.NoError(s.t, err)

		ctx, cancel := context.WithTimeout(s.t.Context(), time.Duration(random.Int64N(int64(4*time.Millisecond))))
		_, err = svc.Refresh(ctx, tokens.Refresh.Value)
		cancel()
		require.Error(s.t, err)
		handle := tokens.Session.Handle()
		row, findErr := s.store.Find(s.t.Context(), handle)
		require.NoError(s.t, findErr)
		revoked := row.RevokedAt != 0
		require.Equal(s.t, revoked, ledger.Thefts()[handle] == 1, "revoked and reported, or neither: %v", err)
		require.Equal(s.t, revoked, errors.Is(err, errors.ErrTokenTheft), "%v", err)
		if revoked {
			found++
		} else {
			unfinished++
		}
	}
	return found, unfinished
}

// The application's own code panics: in OnEvent, in OnTheft, before and after
// its handlers.
func TestF36_Panics(t *testing.T) {
	var panics atomic.Int64
	perhaps := func(share float64) {
		if rand.Float64() < share {
			panics.Add(1)
			panic("the application's own fault")
		}
	}
	s := setUp(t, setting{
		session: func(c *session.Config) {
			c.OnEvent = func(session.Event) { perhaps(0.2) }
			c.OnTheft = func(context.Context, *errors.TokenTheftError) { perhaps(0.5) }
		},
		app: func(c *rig.AppConfig) {
			c.Routes = func(router *gin.Engine, _ *rig.App) {
				router.Use(func(c *gin.Context) {
					perhaps(0.03)
					c.Next()
					perhaps(0.03)
				})
			}
		},
	})
	crowd := rig.StartCrowd(t, rig.CrowdConfig{
		Browsers: 40, Tabs: 3, Loss: 0.1, Thieves: 0.25, Allow500: true,
		Strict: []string{s.strict.URL}, Window: []string{s.window.URL},
	})
	sleep(t.Context(), 20*time.Second)
	crowd.Stop()
	pool, err := s.pool.DB()
	require.NoError(t, err)
	require.Zero(t, pool.Stats().InUse, "no connection is held")
	s.finish(crowd, "F-36", "panics in callbacks and handlers", false, nil, stat("panics", panics.Load()))
	assert.Greater(t, panics.Load(), int64(200))
}
