package report

import (
	"fmt"
	"strings"

	"github.com/gin-sessionkit/sessionkit/bench/peers/servers"
)

// Markdown is the whole report.
func (r Report) Markdown() string {
	var b strings.Builder
	b.WriteString("# Session libraries side by side\n\n")
	for _, line := range r.Lines() {
		b.WriteString("- " + line + "\n")
	}
	b.WriteString("\n## GET, behind each one's session check\n\n")
	b.WriteString(r.gets())
	b.WriteString("\nRequests per second: the median of the rounds. CPU: the server's own, per request. " +
		"Latencies are those under full load, medians of the rounds.\n")
	b.WriteString("\n## Login, and refresh cycles\n\n")
	b.WriteString(r.writes())
	b.WriteString("\nA cycle is a POST that refreshes and a GET that makes it definite. " +
		"Core busy: how much of its core the server used; in an undisturbed run the rest went by in waiting for MariaDB " +
		"or the generator, which share a core.\n")
	b.WriteString("\n## Targets\n\n")
	b.WriteString(r.targets())
	b.WriteString("\n" + r.disturbance() + "\n")
	return b.String()
}

func (r Report) gets() string {
	var b strings.Builder
	b.WriteString("| server | reads | req/s | min – max | of bare Gin | CPU | core busy | p50 | p99 |\n" +
		"|---|---|--:|--:|--:|--:|--:|--:|--:|\n")
	bare := figure(r.of(Get, "gin"), rate).Median
	for _, s := range servers.All() {
		samples := r.of(Get, s.Name)
		rates := figure(samples, rate)
		fmt.Fprintf(&b, "| %s | %s | %s%s | %s – %s | %.2f | %.1f µs | %.0f %% | %s | %s |\n",
			s.Label, s.Reads, count(rates.Median), marked(samples), count(rates.Min), count(rates.Max), rates.Median/bare,
			figure(samples, perRequest).Median, 100*figure(samples, Sample.Busy).Median,
			latency(figure(samples, p50).Median), latency(figure(samples, p99).Median))
	}
	return b.String()
}

func (r Report) writes() string {
	var b strings.Builder
	b.WriteString("| server | load | per second | min – max | CPU | core busy | p50 | p99 |\n" +
		"|---|---|--:|--:|--:|--:|--:|--:|\n")
	for _, scenario := range []Scenario{Login, Refresh} {
		for _, s := range servers.All() {
			samples := r.of(scenario, s.Name)
			if len(samples) == 0 {
				continue
			}
			rates := figure(samples, rate)
			fmt.Fprintf(&b, "| %s | %s | %s%s | %s – %s | %.0f µs | %.0f %% | %s | %s |\n",
				s.Label, scenario, count(rates.Median), marked(samples), count(rates.Min), count(rates.Max),
				figure(samples, perRequest).Median, 100*figure(samples, Sample.Busy).Median,
				latency(figure(samples, p50).Median), latency(figure(samples, p99).Median))
		}
	}
	return b.String()
}

func rate(s Sample) float64       { return s.Rate() }
func perRequest(s Sample) float64 { return micros(s.PerRequest()) }
func p50(s Sample) float64        { return s.P50.Seconds() }
func p99(s Sample) float64        { return s.P99.Seconds() }
