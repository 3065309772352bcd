package session

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestGridEnd(t *testing.T) {
	t.Parallel()
	const day = 24 * 60 * 60 * 1000
	const step = 100 * day / 64
	for name, row := range map[string]struct{ now, length, absolute, want int64 }{
		"the first of a step":       {1000*step - 100*day, 100 * day, 0, 1000 * step},
		"the last of a step":        {1001*step - 100*day - 1, 100 * day, 0, 1000 * step},
		"an absolute end is exact":  {1000*step - 100*day, 100 * day, 1000*step - 1, 1000*step - 1},
		"an absolute end after it":  {1000*step - 100*day + 5, 100 * day, 1000*step + 1, 1000 * step},
		"a length of no whole step": {1_000_000, 1000, 0, 1_000_995}, // 15 ms, not 15.6
		"shorter than the grid":     {1_000_001, 63, 0, 1_000_064},
		"a time that nobody has":    {math.MaxInt64 - 1, 100 * day, 0, math.MaxInt64 / step * step},
	} {
		require.Equal(t, row.want, gridEnd(row.now, row.length, row.absolute), name)
	}
}

// What all who write an end count on, for any length and time.
func TestGridEnd_properties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		length := rapid.Int64Range(1, (365*24*time.Hour).Milliseconds()).Draw(t, "length")
		now := rapid.Int64Range(0, 4_000_000_000_000).Draw(t, "now")
		later := now + rapid.Int64Range(0, 2*length).Draw(t, "later")
		absolute := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(now+1, now+2*length)).Draw(t, "absolute")

		end := gridEnd(now, length, 0)
		require.LessOrEqual(t, end, now+length, "nobody stays in for longer than configured")
		require.Greater(t, end, now, "nobody is out at once")
		require.GreaterOrEqual(t, end, now+length-length/64, "nor more than a 64th too early")
		require.Zero(t, end%max(length/64, 1))
		require.Equal(t, end, gridEnd(end-length, length, 0), "the first use of a step comes to the end of all")
		require.LessOrEqual(t, end, gridEnd(later, length, 0))
		if absolute > 0 {
			require.Equal(t, min(end, absolute), gridEnd(now, length, absolute))
		}
	})
}
