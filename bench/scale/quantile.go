package main

import (
	"math"
	"slices"
	"time"
)

// quantile is the smallest of the sorted samples that at least the fraction q
// of them does not exceed; 0 of none.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(q * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// summary is what is kept of the samples of one operation.
type summary struct {
	n        int
	p50, p99 time.Duration
}

// summarise sorts samples.
func summarise(samples []time.Duration) summary {
	slices.Sort(samples)
	return summary{n: len(samples), p50: quantile(samples, 0.50), p99: quantile(samples, 0.99)}
}
