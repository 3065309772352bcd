package main

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// markdown is the page of tables.
func (r *report) markdown(w *bytes.Buffer) {
	fmt.Fprint(w, "# Cost by the size of the table, "+r.settings.layout().String()+"\n\n")
	for _, f := range r.facts {
		fmt.Fprintf(w, "- %s: %s\n", f.name, f.value)
	}
	fmt.Fprintf(w, "- the whole run: %s\n", r.took.Round(time.Second))
	r.operations(w)
	r.space(w)
	r.keys(w)
	r.cleanup(w)
	r.explained(w)
}

// operations has a column for each size, and how each compares with the table of
// the smallest size that was measured by turns with it.
func (r *report) operations(w *bytes.Buffer) {
	if len(r.stages) == 0 {
		return
	}
	small := count(r.settings.sizes[0])
	fmt.Fprintf(w, "\n## Operations: p50 / p99 in milliseconds\n\nThe first seven through the service, on sessions just created; "+
		"those on loaded rows through the store, on rows from all over the table. SELECT 1 is the bare round trip. "+
		"A table of %s sessions was measured by turns with the one that grew; \"× p50\" is p50 as a multiple of the small one's at that time. "+
		"At %s both are alike: what they differ by there is noise. "+
		"\"× first\" is p50 as a multiple of what it was at %s, some minutes earlier.\n\n", small, small, small)
	head := []string{"operation"}
	for _, m := range r.stages {
		head = append(head, count(m.size), small+" beside it", "× p50", "× p99", "× first")
	}
	table := [][]string{head}
	for o := range ops {
		row := []string{o.String()}
		for _, m := range r.stages {
			big, control := m.sums[o], m.control[o]
			row = append(row, big.millis(), control.millis(),
				ratio(big.p50, control.p50), ratio(big.p99, control.p99), ratio(big.p50, r.stages[0].sums[o].p50))
		}
		table = append(table, row)
	}
	writeTable(w, table)
	r.verdict(w)
	for _, m := range r.stages {
		least := m.sums[0].n
		for _, sum := range m.sums {
			least = min(least, sum.n)
		}
		fmt.Fprintf(w, "\nAt %s sessions: %d samples of create, at least %d of each operation.\n", count(m.size), m.sums[opCreate].n, least)
	}
}

// mostGrowth is how many times its p50 at the smallest size an operation may take at the largest.
const mostGrowth = 1.3

// verdict holds the largest size against the target, by the worse of both comparisons.
func (r *report) verdict(w *bytes.Buffer) {
	last := r.stages[len(r.stages)-1]
	var over []string
	for o := range ops {
		least := min(last.control[o].p50, r.stages[0].sums[o].p50)
		if float64(last.sums[o].p50) > mostGrowth*float64(least) {
			over = append(over, fmt.Sprintf("%s (%s)", o, ratio(last.sums[o].p50, least)))
		}
	}
	outcome := "met by every operation, in both comparisons"
	if len(over) > 0 {
		outcome = "missed, in one comparison at least, by " + strings.Join(over, ", ")
	}
	fmt.Fprintf(w, "\nTarget, p50 at %s at most %.1f times that at %s: %s.\n", count(last.size), mostGrowth, count(r.settings.sizes[0]), outcome)
}

func (r *report) space(w *bytes.Buffer) {
	fmt.Fprint(w, "\n## Bytes per session on disk\n\nEstimated by the server (data and indexes) after ANALYZE, and the file's size.\n\n")
	table := [][]string{{"table", "rows", "data", "indexes", "together", "file", "by index"}}
	for _, s := range r.spaces {
		per := func(bytes int64) string { return fmt.Sprintf("%.0f", float64(bytes)/float64(max(s.rows, 1))) }
		var by []string
		for _, i := range s.indexes {
			by = append(by, i.name+" "+per(i.bytes))
		}
		table = append(table, []string{s.layout.String(), strconv.Itoa(s.rows), per(s.data), per(s.index), per(s.data + s.index), per(s.file), strings.Join(by, ", ")})
	}
	writeTable(w, table)
}

func (r *report) keys(w *bytes.Buffer) {
	if len(r.keyed) == 0 {
		return
	}
	fmt.Fprint(w, "\n## Layouts compared\n\nTables of the same size, worked on by turns: inserts of new sessions, "+
		"and promotions and lists of loaded rows, from all over the table.\n\n")
	table := [][]string{{"rows", "buffer pool", "layout", "insert: p50 / p99 ms", "inserts/s", "per insert: pages written", "pages read", "bytes of redo", "of binary log", "of binary log per update"}}
	for _, o := range keyedOps {
		table[0] = append(table[0], o.String()+": p50 / p99 ms")
	}
	for _, k := range r.keyed {
		row := []string{
			count(k.rows), k.pool, k.layout.String(), k.sums[opCreate].millis(),
			fmt.Sprintf("%.0f", k.rate), fmt.Sprintf("%.2f", k.each(k.effort.written)), fmt.Sprintf("%.2f", k.each(k.effort.read)),
			fmt.Sprintf("%.0f", k.each(k.effort.redo)), fmt.Sprintf("%.0f", k.each(k.effort.binlog)), fmt.Sprintf("%.0f", k.update()),
		}
		for _, o := range keyedOps {
			row = append(row, k.sums[o].millis())
		}
		table = append(table, row)
	}
	writeTable(w, table)
}

func (r *report) cleanup(w *bytes.Buffer) {
	c := r.cleaned
	if c == nil {
		return
	}
	fmt.Fprintf(w, "\n## Cleanup\n\n%d of %d ended sessions removed in %.1f s and %d batches: %.0f rows/s, with the default pauses. "+
		"A batch took %s / %s ms (p50 / p99); the first tenth of them %s, the last %s (p50).\n\n", c.removed, c.ended, c.took.Seconds(), c.batches.n,
		float64(c.removed)/max(c.took.Seconds(), 1e-3), short(c.batches.p50), short(c.batches.p99), short(c.first), short(c.last))
	table := [][]string{{"operation beside it", "before: p50 / p99 ms", "during: p50 / p99 ms", "samples during"}}
	for _, o := range []op{opRefresh, opPromote} {
		b, d := c.before[o], c.during[o]
		table = append(table, []string{
			o.String(), b.millis(), d.millis(), strconv.Itoa(d.n),
		})
	}
	writeTable(w, table)
}

// explained shows the plans at the largest size. At the others the run fails as well
// when one uses no index.
func (r *report) explained(w *bytes.Buffer) {
	if len(r.plans) == 0 {
		return
	}
	last := r.plans[len(r.plans)-1]
	fmt.Fprintf(w, "\n## EXPLAIN of every statement of the store, at %s sessions\n\n", count(last.size))
	table := [][]string{{"method", "table", "type", "key", "rows", "", "statement"}}
	for _, s := range last.steps {
		row := []string{s.method, s.table, s.kind, s.key, s.rows, s.verdict, "`" + strings.ReplaceAll(s.short(), "`", "") + "`"}
		if !slices.ContainsFunc(table, func(other []string) bool { return slices.Equal(row, other) }) {
			table = append(table, row)
		}
	}
	writeTable(w, table)
}

// short is the statement without what is the same in all of them.
func (s step) short() string {
	text := s.statement
	text = asBytes.ReplaceAllString(text, "$1")
	for _, columns := range []string{columns, listColumns} {
		text = strings.ReplaceAll(text, columns, "…")
	}
	// In a sharded table each home has a list of its own.
	text = ofHomes.ReplaceAllStringFunc(text, func(lists string) string {
		homes := strings.Count(lists, ofHome)
		return fmt.Sprintf("(home = ? AND handle IN (?, …)) OR … %d homes, %d handles", homes, strings.Count(lists, "?")-homes)
	})
	return manyMarks.ReplaceAllStringFunc(text, func(marks string) string {
		return fmt.Sprintf("IN (?, ?, … %d)", strings.Count(marks, "?"))
	})
}

const ofHome = "(home = ? AND "

var (
	asBytes   = regexp.MustCompile(`CAST\((\w+) AS BINARY\)`)                                                                      //nolint:gochecknoglobals // a constant
	manyMarks = regexp.MustCompile(`IN \( ?\?(, \?){2,}\)`)                                                                        //nolint:gochecknoglobals // a constant
	ofHomes   = regexp.MustCompile(`\(home = \? AND handle IN \( ?\?[^)]*\)\)( OR \(home = \? AND handle IN \( ?\?[^)]*\)\)){2,}`) //nolint:gochecknoglobals // a constant
)

const listColumns = "handle, user_id, refresh_cur_iat, refresh_gen, data_version, created_at, last_used_at, " +
	"expires_at, absolute_expires_at, auth_at, aal, idle_ms, flags, revoked_at, revoke_reason, " +
	"user_agent, ip, label, amr, origin"

func writeTable(w *bytes.Buffer, rows [][]string) {
	for i, row := range rows {
		fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			fmt.Fprintf(w, "|%s\n", strings.Repeat("---|", len(row)))
		}
	}
}

// millis is p50 / p99.
func (s summary) millis() string { return short(s.p50) + " / " + short(s.p99) }

func short(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d)/float64(time.Millisecond)) }

func ratio(a, b time.Duration) string {
	if b == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", float64(a)/float64(b))
}
