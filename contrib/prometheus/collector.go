package prometheus

import (
	"time"

	client "github.com/prometheus/client_golang/prometheus"

	"github.com/gin-sessionkit/sessionkit/session"
)

// New returns a Collector of the numbers of svc, for a Registry of client_golang.
func New(svc *session.Service) client.Collector {
	c := &collector{svc: svc}
	for _, m := range metrics() {
		var labels []string
		if m.label != "" {
			labels = []string{m.label}
		}
		m.desc = client.NewDesc("sessionkit_"+m.name, m.help, labels, nil)
		c.metrics = append(c.metrics, m)
	}
	return c
}

type collector struct {
	svc     *session.Service
	metrics []metric
}

// metric is one of the names that Prometheus sees.
type metric struct {
	name, label, help string
	kind              client.ValueType
	// read passes each value of the label, or "", and the number.
	read func(s *session.Stats, tell func(label string, value float64))
	desc *client.Desc
}

// Describe implements [client.Collector].
func (c *collector) Describe(to chan<- *client.Desc) {
	for _, m := range c.metrics {
		to <- m.desc
	}
}

// Collect implements [client.Collector].
func (c *collector) Collect(to chan<- client.Metric) {
	stats := c.svc.Stats()
	for _, m := range c.metrics {
		m.read(&stats, func(label string, value float64) {
			if m.label == "" {
				to <- client.MustNewConstMetric(m.desc, m.kind, value)
				return
			}
			to <- client.MustNewConstMetric(m.desc, m.kind, value, label)
		})
	}
}

// number is a metric without a label.
func number[N int | uint64 | time.Duration](name, help string, kind client.ValueType, value func(*session.Stats) N) metric {
	return metric{name: name, help: help, kind: kind, read: func(s *session.Stats, tell func(string, float64)) {
		tell("", float(value(s)))
	}}
}

// numbers is a metric with a label.
func numbers[K ~string, N int | uint64 | time.Duration](
	name, label, help string, kind client.ValueType, values func(*session.Stats) map[K]N,
) metric {
	return metric{name: name, label: label, help: help, kind: kind, read: func(s *session.Stats, tell func(string, float64)) {
		for k, v := range values(s) {
			tell(string(k), float(v))
		}
	}}
}

// float has durations in seconds, as Prometheus wants them.
func float[N int | uint64 | time.Duration](n N) float64 {
	if d, ok := any(n).(time.Duration); ok {
		return d.Seconds()
	}
	return float64(n)
}
