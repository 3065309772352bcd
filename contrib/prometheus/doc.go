// Package prometheus shows the numbers of a session.Service to Prometheus.
//
//	registry.MustRegister(prometheus.New(svc))
//
// It reads Service.Stats at each scrape and keeps nothing itself, so requests pay
// nothing for it. No label names a user or a session: there are kind, reason and
// result, each with a fixed list of values, all of which are there from the start.
// For several Services in one process, prometheus.WrapRegistererWith gives each a label
// of its own.
//
// Names and labels are promises; testdata/names.txt has them. Beside this file are a
// dashboard for Grafana (dashboard.json) and rules for alarms (alerts.yml).
package prometheus
