package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// report is everything that a run has measured so far.
type report struct {
	settings settings
	begin    time.Time
	took     time.Duration
	facts    []fact

	spaces  []space
	stages  []measured
	plans   []planned
	keyed   []keyed
	cleaned *cleaned
}

// measured are the operations at one size.
type measured struct {
	size    int
	sums    [ops]summary
	control [ops]summary // of the table of the smallest size, by turns with the other
}

// planned are the plans at one size.
type planned struct {
	size  int
	steps []step
}

// withoutIndex is an error that names each statement that reads a whole table.
func (r *report) withoutIndex() error {
	var all []error
	for _, p := range r.plans {
		for _, s := range p.steps {
			if s.bad {
				all = append(all, fmt.Errorf("at %s sessions %s uses no index: %s", count(p.size), s.method, s.statement))
			}
		}
	}
	return errors.Join(all...)
}

// write prints the tables, and the files if a folder was named.
func (r *report) write(w io.Writer) error {
	var page, raw bytes.Buffer
	r.markdown(&page)
	r.text(&raw)
	_, err := w.Write(page.Bytes())
	if r.settings.out == "" || err != nil {
		return err
	}
	if err := os.MkdirAll(r.settings.out, 0o755); err != nil {
		return err
	}
	plot, err := r.svg()
	if err != nil {
		return err
	}
	for ending, content := range map[string][]byte{".md": page.Bytes(), ".txt": raw.Bytes(), ".svg": plot} {
		if err := os.WriteFile(filepath.Join(r.settings.out, r.settings.file()+ending), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// text is one line for each measurement.
func (r *report) text(w *bytes.Buffer) {
	for _, f := range r.facts {
		fmt.Fprintf(w, "# %s: %s\n", f.name, f.value)
	}
	fmt.Fprintf(w, "# took: %s\n", r.took.Round(time.Second))
	for _, m := range r.stages {
		for o, sum := range m.sums {
			fmt.Fprintf(w, "operation sessions=%d name=%q %s small: %s\n", m.size, op(o), sum, m.control[o])
		}
	}
	for _, s := range r.spaces {
		fmt.Fprintf(w, "space table=%s layout=%q rows=%d data=%d index=%d file=%d\n", s.table, s.layout, s.rows, s.data, s.index, s.file)
		for _, i := range s.indexes {
			fmt.Fprintf(w, "index table=%s rows=%d name=%s bytes=%d\n", s.table, s.rows, i.name, i.bytes)
		}
	}
	for _, k := range r.keyed {
		fmt.Fprintf(w, "key rows=%d pool=%q layout=%q %s per_second=%.0f pages_written=%.3f pages_read=%.3f redo=%.0f binlog=%.0f update_binlog=%.0f\n",
			k.rows, k.pool, k.layout, k.sums[opCreate], k.rate,
			k.each(k.effort.written), k.each(k.effort.read), k.each(k.effort.redo), k.each(k.effort.binlog), k.update())
		for _, o := range keyedOps {
			fmt.Fprintf(w, "key rows=%d pool=%q layout=%q name=%q %s\n", k.rows, k.pool, k.layout, o, k.sums[o])
		}
	}
	if c := r.cleaned; c != nil {
		fmt.Fprintf(w, "cleanup ended=%d removed=%d seconds=%.1f batch: %s first_p50_ms=%s last_p50_ms=%s\n",
			c.ended, c.removed, c.took.Seconds(), c.batches, millis(c.first), millis(c.last))
		for _, o := range []op{opRefresh, opPromote} {
			fmt.Fprintf(w, "cleanup when=before name=%q %s\n", o, c.before[o])
			fmt.Fprintf(w, "cleanup when=during name=%q %s\n", o, c.during[o])
		}
	}
	for _, p := range r.plans {
		for _, s := range p.steps {
			fmt.Fprintf(w, "plan sessions=%d method=%s table=%s type=%s key=%s rows=%s extra=%q verdict=%q statement=%q\n",
				p.size, s.method, s.table, s.kind, s.key, s.rows, s.extra, s.verdict, s.short())
		}
	}
}

// String is the form of the raw results.
func (s summary) String() string {
	return fmt.Sprintf("n=%d p50_ms=%s p99_ms=%s", s.n, millis(s.p50), millis(s.p99))
}

func millis(d time.Duration) string { return fmt.Sprintf("%.3f", float64(d)/float64(time.Millisecond)) }

// count is a number of sessions as people say it.
func count(n int) string {
	switch {
	case n >= 1_000_000 && n%100_000 == 0:
		return fmt.Sprintf("%g M", float64(n)/1e6)
	case n >= 1000 && n%100 == 0:
		return fmt.Sprintf("%g k", float64(n)/1e3)
	default:
		return strconv.Itoa(n)
	}
}
