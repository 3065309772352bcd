package sessiontest_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

func TestClockMovesOnlyWhenTold(t *testing.T) {
	t.Parallel()
	t0 := time.Date(2100, 1, 2, 3, 4, 5, 678, time.UTC)
	clock := sessiontest.NewClock(t0)
	require.Equal(t, t0, clock.Now())
	require.Equal(t, t0, clock.Now())

	require.Equal(t, t0.Add(time.Hour), clock.Advance(time.Hour))
	require.Equal(t, t0.Add(time.Hour), clock.Now())
	clock.Advance(-2 * time.Hour)
	require.Equal(t, t0.Add(-time.Hour), clock.Now())

	past := t0.AddDate(-80, 0, 0)
	clock.Set(past)
	require.Equal(t, past, clock.Now())
}

func TestClockLosesNoConcurrentMove(t *testing.T) {
	t.Parallel()
	var clock sessiontest.Clock // the zero value is ready
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for range 100 {
				clock.Advance(time.Second)
				_ = clock.Now()
			}
		})
	}
	group.Wait()
	require.Equal(t, time.Time{}.Add(1600*time.Second), clock.Now())
}
