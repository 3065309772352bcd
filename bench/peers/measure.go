package main

import (
	"context"
	"time"

	"github.com/gin-sessionkit/sessionkit/bench/peers/load"
	"github.com/gin-sessionkit/sessionkit/bench/peers/report"
	"github.com/gin-sessionkit/sessionkit/errors"
)

// scenarios are the loads, in the order of the report.
func scenarios() []report.Scenario {
	return []report.Scenario{report.Get, report.Login, report.Refresh}
}

// takes says which servers have a route for a load.
func takes(p *process, s report.Scenario) bool {
	switch s {
	case report.Login:
		return !p.Open
	case report.Refresh:
		return p.Refreshes
	default:
		return true
	}
}

// measureAll warms every server up, and then measures round by round.
func measureAll(ctx context.Context, o options, meter load.Meter, all []*process) ([]report.Sample, error) {
	if _, err := measureRound(ctx, meter, 0, all, o.warmup); err != nil {
		return nil, err
	}
	say("all are warm")
	var samples []report.Sample
	for round := 1; round <= o.rounds; round++ {
		got, err := measureRound(ctx, meter, round, all, o.each)
		if err != nil {
			return nil, err
		}
		samples = append(samples, got...)
		say("round %d of %d done", round, o.rounds)
	}
	return samples, nil
}

// measureRound puts every load to every server that takes it. Each round
// begins with another server, so that a disturbance does not always hit the same.
func measureRound(ctx context.Context, meter load.Meter, round int, all []*process, d time.Duration) ([]report.Sample, error) {
	var samples []report.Sample
	for _, scenario := range scenarios() {
		for i := range all {
			p := all[(i+round)%len(all)]
			if !takes(p, scenario) {
				continue
			}
			sample, err := insist(func() (report.Sample, error) { return measure(ctx, meter, p, scenario, d) })
			if ctx.Err() != nil {
				return nil, errors.New("interrupted")
			}
			if err != nil {
				return nil, p.explain(err)
			}
			sample.Round = round
			samples = append(samples, sample)
		}
	}
	return samples, nil
}

// repeats is how often a measurement in which the server was silent is made again.
const repeats = 3

// insist measures again while the server was silent: on a busy machine that says
// nothing about the server. The sample says how often.
func insist(measure func() (report.Sample, error)) (report.Sample, error) {
	for again := 0; ; again++ {
		sample, err := measure()
		if !errors.Is(err, load.ErrSilent) || again == repeats {
			sample.Repeats = again
			return sample, err
		}
	}
}

func measure(ctx context.Context, meter load.Meter, p *process, scenario report.Scenario, d time.Duration) (report.Sample, error) {
	before, err := meter.Read(p.cmd.Process.Pid)
	if err != nil {
		return report.Sample{}, err
	}
	result, err := put(ctx, p, scenario, d)
	if err != nil {
		return report.Sample{}, err
	}
	after, err := meter.Read(p.cmd.Process.Pid)
	return report.Sample{
		Server: p.Name, Scenario: scenario, Result: result, CPU: after.Sub(before),
	}, err
}

// put puts a server to work.
func put(ctx context.Context, p *process, scenario report.Scenario, d time.Duration) (load.Result, error) {
	switch scenario {
	case report.Login:
		return load.Logins(ctx, p.addr, d)
	case report.Refresh:
		return load.Cycles(ctx, p.addr, d)
	default:
		return load.Gets(ctx, p.addr, p.cookies, d)
	}
}
