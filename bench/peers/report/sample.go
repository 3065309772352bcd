// Package report turns measurements into tables, a raw list and a plot.
package report

import (
	"slices"
	"time"

	"github.com/gin-sessionkit/sessionkit/bench/peers/load"
)

// Scenario names a load.
type Scenario string

// The loads.
const (
	Get     Scenario = "get"
	Login   Scenario = "login"
	Refresh Scenario = "refresh"
)

// Sample is one measurement.
type Sample struct {
	Round    int
	Scenario Scenario
	Server   string
	load.Result
	CPU load.CPU
	// Repeats is how often it was made again, as the server was silent.
	Repeats int
}

// PerRequest is the server's processor time for one request or cycle.
func (s Sample) PerRequest() time.Duration { return s.CPU.Server / time.Duration(s.Requests) }

// Busy is how much of its core the server used, as a fraction.
func (s Sample) Busy() float64 { return s.CPU.Server.Seconds() / s.Elapsed.Seconds() }

// Foreign is how much of each core those had who have no part in the
// measurement, as fractions: of the server's core, and of the other.
func (s Sample) Foreign() (server, others float64) {
	return s.CPU.BesideServer.Seconds() / s.Elapsed.Seconds(), s.CPU.BesideLoad.Seconds() / s.Elapsed.Seconds()
}

// Disturbed reports whether so much of a core was somebody else's that the
// measurement says little.
func (s Sample) Disturbed() bool {
	server, others := s.Foreign()
	return s.Repeats > 0 || max(server, others) > tolerated
}

// Report is what a run found.
type Report struct {
	Environment
	Samples []Sample
}

// of picks the samples of one server and load, in the order of the rounds.
func (r Report) of(scenario Scenario, server string) []Sample {
	var found []Sample
	for _, s := range r.Samples {
		if s.Scenario == scenario && s.Server == server {
			found = append(found, s)
		}
	}
	return found
}

// Spread is a median with its extremes.
type Spread struct{ Median, Min, Max float64 }

// spread sums values up; of an even number the median is the mean of the
// middle two. There must be one at least.
func spread(values []float64) Spread {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return Spread{
		Median: (sorted[(n-1)/2] + sorted[n/2]) / 2,
		Min:    sorted[0],
		Max:    sorted[n-1],
	}
}

// figure is the spread of one property over samples.
func figure(samples []Sample, property func(Sample) float64) Spread {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = property(s)
	}
	return spread(values)
}
