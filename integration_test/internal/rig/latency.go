package rig

import "time"

// latencies counts answers by the milliseconds that they took; what takes
// longer than there are places is counted in the last one.
type latencies [12_000]int32

func (l *latencies) add(d time.Duration) {
	l[max(0, min(int(d/time.Millisecond), len(l)-1))]++
}

// percentile is the time within which that share of the answers came, rounded
// up to the millisecond.
func (l *latencies) percentile(share float64) time.Duration {
	total := 0
	for _, n := range l {
		total += int(n)
	}
	seen := 0
	for ms, n := range l {
		seen += int(n)
		if n > 0 && float64(seen) >= share*float64(total) {
			return time.Duration(ms+1) * time.Millisecond
		}
	}
	return 0
}
