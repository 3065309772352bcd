package report_test

import (
	"encoding/csv"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/bench/peers/load"
	"github.com/gin-sessionkit/sessionkit/bench/peers/report"
	"github.com/gin-sessionkit/sessionkit/bench/peers/servers"
)

// rates are those of each round, by load and server.
type rates map[report.Scenario]map[string][]int

// made is the report of a run of one-second rounds in which each server got
// what it is given, and 1,000 if nothing.
func made(given rates) report.Report {
	r := report.Report{Environment: report.Environment{CPU: "Test CPU", Each: time.Second}}
	for _, scenario := range []report.Scenario{report.Get, report.Login, report.Refresh} {
		for _, s := range servers.All() {
			for round := range 4 {
				n := 1000
				if list := given[scenario][s.Name]; list != nil {
					n = list[round]
				}
				r.Samples = append(r.Samples, report.Sample{
					Round: round + 1, Scenario: scenario, Server: s.Name,
					Result: load.Result{Requests: n, Elapsed: time.Second, P50: time.Millisecond, P99: 20 * time.Millisecond},
					CPU:    load.CPU{Server: 500 * time.Millisecond},
				})
			}
		}
	}
	return r
}

func line(t *testing.T, text, begin string) string {
	t.Helper()
	for l := range strings.Lines(text) {
		if strings.HasPrefix(l, begin) {
			return strings.TrimSuffix(l, "\n")
		}
	}
	t.Fatalf("no line begins with %q in:\n%s", begin, text)
	return ""
}

func TestMarkdown(t *testing.T) {
	t.Parallel()
	text := made(rates{report.Get: {
		"gin": {40000, 50000, 50000, 60000},
		"kit": {50000, 45000, 30000, 40000}, // the median is the mean of the middle two
	}}).Markdown()
	require.Equal(t, "| sessionkit | token | 42,500 | 30,000 – 50,000 | 0.85 | 11.8 µs | 50 % | 1.00 ms | 20 ms |",
		line(t, text, "| sessionkit | token"))
	require.Equal(t, "| Gin bare | get | 0.80 × | 0.85 × | 0.60 – 1.25 | met |", line(t, text, "| Gin bare | get"))
	require.Equal(t, "| sessionkit | refresh | 1,000 | 1,000 – 1,000 | 500 µs | 50 % | 1.00 ms | 20 ms |",
		line(t, text, "| sessionkit | refresh"))
	require.Contains(t, line(t, text, "| Node library, Express | login | 6.00"), "| 1.00 × | 1.00 – 1.00 | **missed** |")
	require.Contains(t, text, "Undisturbed")
}

func TestMarkdownNamesDisturbances(t *testing.T) {
	t.Parallel()
	r := made(nil)                                        // four rounds of each server, in the order of the table
	r.Samples[0].CPU.BesideServer = 50 * time.Millisecond // what is tolerated
	r.Samples[9].CPU.BesideServer = 60 * time.Millisecond
	r.Samples[10].CPU.BesideLoad = 400 * time.Millisecond
	text := r.Markdown()
	require.Contains(t, text, "**Disturbed:**")
	require.Contains(t, text, ": kit get 2 (6 %, 0 %); kit get 3 (0 %, 40 %).")

	require.Contains(t, text, "| sessionkit | token | 1,000 † |")
	require.Contains(t, text, "| scs, mysqlstore | get | 5.00 × | 1.00 × † |")
	require.Contains(t, text, "| gin-jwt v2 | token | 1,000 | ")

	again := made(nil)
	again.Samples[9].Repeats = 2
	require.Contains(t, again.Markdown(), ": kit get 2 (0 %, 0 %, silent 2 times before).")

	for i := range r.Samples {
		r.Samples[i].CPU.BesideLoad = time.Second
	}
	require.Contains(t, r.Markdown(), "; and 90 more.")
}

func TestRawIsCSV(t *testing.T) {
	t.Parallel()
	r := made(nil)
	reader := csv.NewReader(strings.NewReader(r.Raw()))
	reader.Comment = '#'
	rows, err := reader.ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 1+len(r.Samples))
	require.Equal(t, []string{"1", "get", "gin", "1000", "1.000", "1000.0", "1000", "20000", "500.00", "0.500", "0.000", "0.000", "0"}, rows[1])
}

func TestDisturbedFiguresReplaceNone(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	quiet, busy := made(nil), made(nil)
	busy.Samples[3].CPU.BesideServer = time.Second
	require.NoError(t, quiet.Write(folder))
	kept, err := os.ReadFile(filepath.Join(folder, "peers.txt"))
	require.NoError(t, err)
	require.NoError(t, busy.Write(folder))
	after, err := os.ReadFile(filepath.Join(folder, "peers.txt"))
	require.NoError(t, err)
	require.Equal(t, string(kept), string(after))
	other, err := os.ReadFile(filepath.Join(folder, "disturbed.md"))
	require.NoError(t, err)
	require.Contains(t, string(other), "**Disturbed:**")
}

func TestPlotIsSVG(t *testing.T) {
	t.Parallel()
	plot, err := made(rates{report.Get: {"kit": {41203, 41203, 41203, 41203}}}).Plot()
	require.NoError(t, err)
	text := string(plot)
	for _, s := range servers.All() {
		require.Contains(t, text, ">"+s.Label+"<")
	}
	require.Contains(t, text, ">41,203<")
	require.Contains(t, text, "sans-serif")
	decoder := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err = decoder.Token(); err != nil {
			break
		}
	}
	require.ErrorIs(t, err, io.EOF)
}
