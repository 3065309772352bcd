package report

import (
	"fmt"
	"strconv"
	"time"
)

// count groups digits: 41,203.
func count(f float64) string {
	digits := strconv.FormatFloat(f, 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// latency is given in milliseconds, with as many digits as mean something.
func latency(seconds float64) string {
	ms := seconds * 1000
	if ms < 10 {
		return fmt.Sprintf("%.2f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
