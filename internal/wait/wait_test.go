package wait_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/internal/wait"
)

func TestSleep_waitsItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		require.True(t, wait.Sleep(t.Context(), time.Hour))
		require.Equal(t, time.Hour, time.Since(begin))
	})
}

func TestSleep_endsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		require.False(t, wait.Sleep(ctx, time.Hour))
		require.Equal(t, time.Second, time.Since(begin))
		require.False(t, wait.Sleep(ctx, 0), "has ended before")
		require.Equal(t, time.Second, time.Since(begin))
	})
}

func TestBelowAndJitter_keepTheirBounds(t *testing.T) {
	t.Parallel()
	seen := map[time.Duration]bool{}
	for range 1000 {
		b := wait.Below(3)
		require.True(t, 0 <= b && b <= 3, "%v", b)
		seen[b] = true
		d := wait.Jitter(time.Second, 4)
		require.True(t, 750*time.Millisecond <= d && d <= time.Second, "%v", d)
	}
	require.Len(t, seen, 4, "both ends are among them")
	for _, none := range []time.Duration{0, -1, -time.Hour} {
		require.Zero(t, wait.Below(none))
	}
	require.Equal(t, time.Duration(1), wait.Jitter(1, 2), "too short to shorten")
}
