//go:build faults

package revoked_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testseed"
	"github.com/gin-sessionkit/sessionkit/session"
)

// How long after Revoke has returned another process goes on serving the session: a
// request in a tight loop, at random moments of at least 500 polls.
func TestF52_Delay(t *testing.T) {
	for _, within := range []time.Duration{2 * time.Second, brief} {
		t.Run(within.String(), func(t *testing.T) { measureDelay(t, within) })
	}
}

func measureDelay(t *testing.T, within time.Duration) {
	const polls = 500
	d := fresh(t, onMySQL)
	cfg := setting{Within: within}.config()
	here, there := start(t, d, cfg, nil), start(t, d, cfg, nil)
	rng := testseed.Random(t)
	var delays []time.Duration
	late := 0
	for begin := time.Now(); time.Since(begin) < polls*within/4; {
		victim := there.signIn(t, "ada")
		served, _ := there.serves(t, victim.Access)
		require.True(t, served)
		time.Sleep(time.Duration(rng.Int64N(int64(within / 4))))
		_, err := here.svc.Revoke(t.Context(), victim.Handle)
		returned := time.Now()
		require.NoError(t, err)
		for {
			asked, lag := time.Now(), there.svc.RevocationLag()
			_, _, err := there.svc.Verify(t.Context(), victim.Access, "", session.InsecureSkipAntiCSRF())
			if err != nil {
				require.ErrorIs(t, err, errors.ErrUnauthorised)
				delays = append(delays, asked.Sub(returned))
				break
			}
			if asked.Sub(returned) > within && max(lag, there.svc.RevocationLag()) <= within {
				late++
			}
			time.Sleep(100 * time.Microsecond)
		}
	}
	slices.Sort(delays)
	at := func(share float64) time.Duration {
		return delays[int(share*float64(len(delays)-1))].Round(time.Millisecond)
	}
	assert.Zero(t, late)
	printRow("F-52", "delay, Within "+within.String(), "logouts", 0, "revocations", len(delays), "feed_polls", polls, "late_served", late,
		"p50", at(0.5), "delay_p99", at(0.99), "max", at(1))
}
