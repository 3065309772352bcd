package report

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Raw is every measurement as CSV, after the environment as comments.
func (r Report) Raw() string {
	var b strings.Builder
	for _, line := range r.Lines() {
		b.WriteString("# " + line + "\n")
	}
	w := csv.NewWriter(&b)
	rows := [][]string{{
		"round", "load", "server", "requests", "seconds", "per_second", "p50_us", "p99_us", "cpu_us_per_request", "core_busy", "server_core_foreign", "load_core_foreign", "repeats",
	}}
	for _, s := range r.Samples {
		server, others := s.Foreign()
		rows = append(rows, []string{
			strconv.Itoa(s.Round), string(s.Scenario), s.Server, strconv.Itoa(s.Requests),
			fmt.Sprintf("%.3f", s.Elapsed.Seconds()), fmt.Sprintf("%.1f", s.Rate()),
			fmt.Sprintf("%.0f", micros(s.P50)), fmt.Sprintf("%.0f", micros(s.P99)),
			fmt.Sprintf("%.2f", micros(s.PerRequest())), fmt.Sprintf("%.3f", s.Busy()),
			fmt.Sprintf("%.3f", server), fmt.Sprintf("%.3f", others), strconv.Itoa(s.Repeats),
		})
	}
	_ = w.WriteAll(rows) // a strings.Builder takes everything
	return b.String()
}

// Write puts peers.md, peers.txt and peers.svg into folder. Those of a disturbed run
// have names of their own, disturbed.md and so on: they never take the place of
// figures that say something.
func (r Report) Write(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	plot, err := r.Plot()
	if err != nil {
		return err
	}
	name := "peers"
	if r.Disturbed() {
		name = "disturbed"
	}
	for kind, content := range map[string][]byte{
		".md": []byte(r.Markdown()), ".txt": []byte(r.Raw()), ".svg": plot,
	} {
		if err := os.WriteFile(filepath.Join(folder, name+kind), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
