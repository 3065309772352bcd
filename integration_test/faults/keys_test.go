//go:build faults

package faults_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// Keys rotate every two seconds on three instances whose clocks disagree.
func TestF27_KeyRotation(t *testing.T) {
	s := setUp(t, setting{})
	var apps []*rig.App
	var urls []string
	for _, skew := range []time.Duration{-5 * time.Second, 0, 5 * time.Second} {
		app := s.start(setting{}, func(c *session.Config) {
			c.SigningKey.Rotation = 2 * time.Second
			// No token expires in this row: whatever is refused, is refused for its key.
			c.AccessTokenValidity, c.Leeway = 10*time.Minute, 30*time.Second
			c.Now = func() time.Time { return time.Now().Add(skew) }
		})
		apps, urls = append(apps, app), append(urls, app.URL)
	}
	crowd := rig.StartCrowd(t, rig.CrowdConfig{
		Browsers: 40, Tabs: 3, Loss: 0.16, Strict: urls, Eager: 0.1,
	})
	sleep(t.Context(), 30*time.Second)
	keys := s.keys()
	r := s.finish(crowd, "F-27", "key rotation every 2 s, skew ±5 s", false, apps, stat("refused", crowd.Tally().Numbers().Refused), stat("keys", keys))
	assert.GreaterOrEqual(t, keys, 10, "keys rotated")
	// An instance has three quarters of a second to learn of a key: at the default
	// of a day it has ten minutes, and a busy machine delays nobody.
	assert.LessOrEqual(t, r.Refused, r.Requests/100, "a rotation refuses next to no token")
	assert.LessOrEqual(t, r.Unavailable, r.Requests/100)
	assert.Zero(t, r.StatelessFailed)
}

// verifying verifies a genuine access token each millisecond for a while, and
// returns how long all but one in a hundred take. None may fail.
func verifying(ctx context.Context, svc *session.Service, genuine *session.Tokens, d time.Duration) (p99 time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var took []time.Duration
	for ctx.Err() == nil {
		begin := time.Now()
		if _, _, err := svc.Verify(context.WithoutCancel(ctx), genuine.Access.Value, genuine.AntiCSRF); err != nil {
			return d
		}
		took = append(took, time.Since(begin))
		sleep(ctx, time.Millisecond)
	}
	slices.Sort(took)
	return took[len(took)*99/100]
}

// flood sends forged tokens of all kinds to a service and counts them, and
// verifies a genuine one beside them.
func flood(ctx context.Context, svc *session.Service, genuine *session.Tokens) (forged int64, p99 time.Duration) {
	var sent atomic.Int64
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for ctx.Err() == nil {
				for range 50 {
					access, refresh := genuine.Access.Value, genuine.Refresh.Value
					_, _, _ = svc.Verify(ctx, mutate(access), "")
					_, _ = svc.Refresh(ctx, mutate(refresh))
					sent.Add(2)
				}
				sleep(ctx, 10*time.Millisecond) // 10,000 each second on each goroutine, and the crowd works on
			}
		})
	}
	deadline, _ := ctx.Deadline()
	p99 = verifying(ctx, svc, genuine, time.Until(deadline))
	all.Wait()
	return sent.Load(), p99
}

// mutate changes one character anywhere: the key id, the claims, the signature.
func mutate(text string) string {
	b := []byte(text)
	i := rand.IntN(len(b))
	b[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef0123456789-_"[rand.IntN(44)]
	if string(b) == text {
		return text + "A"
	}
	return string(b)
}

func TestF28_ForgedFlood(t *testing.T) {
	s := setUp(t, setting{})
	counting := storetest.Faulty(s.store)
	target, err := session.New(t.Context(), counting, config())
	require.NoError(t, err)
	genuine, err := target.Create(t.Context(), "somebody")
	require.NoError(t, err)
	crowd := s.crowd()
	sleep(t.Context(), 3*time.Second)
	quiet := verifying(t.Context(), target, genuine, 3*time.Second)
	counting.Arm()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	sent, flooded := flood(ctx, target, genuine)
	queries := counting.Calls()
	sleep(t.Context(), 2*time.Second)
	target.Close()
	s.finish(crowd, "F-28", "forged tokens, 15 s", false, nil, stat("forged", sent), stat("queries", queries),
		stat("genuine_p99", flooded), stat("genuine_p99_before", quiet))
	// One look for unknown key ids each ten seconds, and the schedule's own.
	assert.LessOrEqual(t, queries, 4)
	assert.GreaterOrEqual(t, sent, int64(20_000))
	// It takes microseconds; below a millisecond the scheduler decides, not the kit.
	assert.LessOrEqual(t, flooded, max(2*quiet, time.Millisecond), "genuine tokens are verified as before")
}

func TestF29_ForgedFloodWithoutDatabase(t *testing.T) {
	s := setUp(t, setting{})
	lasting := s.lastingly()
	genuine, err := lasting.Svc.Create(t.Context(), "somebody")
	require.NoError(t, err)
	crowd := s.mixedCrowd(lasting, 0)
	sleep(t.Context(), 3*time.Second)
	s.proxy.Set(rig.Weather{Down: true})
	ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
	defer cancel()
	var forging sync.WaitGroup
	var sent int64
	var p99 time.Duration
	forging.Go(func() { sent, p99 = flood(ctx, lasting.Svc, genuine) })
	s.goesOn(crowd, 12)
	forging.Wait()
	s.proxy.Set(rig.Weather{})
	sleep(t.Context(), 4*time.Second)
	r := s.finish(crowd, "F-29", "forged tokens while the database is down", false, []*rig.App{lasting}, stat("forged", sent), stat("genuine_p99", p99))
	assert.Zero(t, r.StatelessFailed, "genuine tokens work on")
	assert.Positive(t, r.Unavailable)
	assert.GreaterOrEqual(t, r.Stall, 11*time.Second, "nothing that needs the database succeeded")
}
