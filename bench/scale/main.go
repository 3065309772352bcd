package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		log.Fatalf("scale: %v", err)
	}
}

// run measures all, and prints the report to w even when something failed on the way, for what
// is there has taken its time. It writes the files only of a whole run.
func run(ctx context.Context, args []string, w io.Writer) error {
	s, err := parseSettings(args)
	if err != nil {
		return err
	}
	need, free, err := s.checkDisk()
	if err != nil {
		return err
	}
	log.Printf("needs about %s on disk%s", gigabytes(need), free)
	b, err := openBed(ctx, s)
	if err != nil {
		return err
	}
	defer b.close()
	r := &report{settings: s, begin: time.Now()}
	if r.facts, err = b.facts(ctx, s); err != nil {
		return err
	}
	err = measureAll(ctx, b, s, r)
	r.took = time.Since(r.begin)
	if err != nil {
		var page bytes.Buffer
		r.markdown(&page)
		_, printErr := w.Write(page.Bytes())
		return errors.Join(err, printErr)
	}
	return errors.Join(r.withoutIndex(), r.write(w))
}

func measureAll(ctx context.Context, b *bed, s settings, r *report) error {
	p := &plan{seed: s.seed, now: r.begin.UnixMilli(), sizes: s.sizes, layout: b.layout}
	control, err := controlSite(ctx, b, p)
	if err != nil {
		return fmt.Errorf("filling the small table: %w", err)
	}
	for k, size := range s.sizes {
		if err := fillStage(ctx, b, p, k, r); err != nil {
			return fmt.Errorf("filling to %d: %w", size, err)
		}
		log.Printf("%d: measuring for %v", size, 2*(s.warm+s.measure))
		sums, err := measureSites(ctx, []site{{b, p, k}, control}, s.warm, s.slice, s.measure)
		if err != nil {
			return fmt.Errorf("measuring at %d: %w", size, err)
		}
		r.stages = append(r.stages, measured{size, sums[0], sums[1]})
		if slices.Contains(s.keyed, size) {
			if err := compareKeys(ctx, site{b, p, k}, s, r); err != nil {
				return fmt.Errorf("comparing layouts at %d: %w", size, err)
			}
		}
		steps, err := b.plans(ctx)
		if err != nil {
			return err
		}
		r.plans = append(r.plans, planned{size, steps})
	}
	if s.cleanup == 0 {
		return nil
	}
	log.Printf("cleaning up %d sessions", s.cleanup)
	result, err := measureCleanup(ctx, b, s.cleanup, s.cleanupBefore, s.cleanupLimit)
	r.cleaned = result
	return err
}

// controlSite is a table that stays at the smallest size. It is measured by turns with the one
// that grows, as nobody knows how fast the machine will be when that has become large.
func controlSite(ctx context.Context, b *bed, p *plan) (site, error) {
	control, err := b.beside(ctx, "scale_control", b.layout)
	if err != nil {
		return site{}, err
	}
	small := *p
	small.sizes = p.sizes[:1]
	return site{control, &small, 0}, load(ctx, b.db, control.table, &small, 0)
}

func fillStage(ctx context.Context, b *bed, p *plan, k int, r *report) error {
	log.Printf("%d: filling", p.sizes[k])
	begin := time.Now()
	if err := load(ctx, b.db, b.table, p, k); err != nil {
		return err
	}
	took := time.Since(begin)
	log.Printf("%d: filled in %v, %.0f rows/s", p.sizes[k], took.Round(time.Second), float64(p.stage(k).n)/took.Seconds())
	if err := b.settle(ctx); err != nil {
		return err
	}
	space, err := b.spaceOf(ctx, b.table)
	r.spaces = append(r.spaces, space)
	return err
}

// compareKeys fills tables of the other layouts beside the one at hand, works on all of
// them, and drops them again.
func compareKeys(ctx context.Context, main site, s settings, r *report) error {
	tables := []*contender{{site: main}}
	var err error
	for l := range layouts {
		if l == main.layout {
			continue
		}
		var t *contender
		if t, err = fillBeside(ctx, main, l, r); err != nil {
			return err
		}
		tables = append(tables, t)
	}
	c := &contest{bed: main.bed, slice: s.keySlice, rounds: s.keyRounds}
	err = c.both(ctx, s, main.size(), r, tables...)
	for _, t := range tables[1:] {
		err = errors.Join(err, t.drop(ctx, t.tables()))
	}
	return err
}

// fillBeside makes a table as large as that of main.
func fillBeside(ctx context.Context, main site, l layout, r *report) (*contender, error) {
	b, err := main.beside(ctx, l.table(), l)
	if err != nil {
		return nil, err
	}
	// One stage of all rows: only keys in the order of time have one in which the table
	// grows at its end.
	p := &plan{seed: main.plan.seed, now: main.plan.now, sizes: []int{main.size()}, layout: l}
	log.Printf("%d: filling, %s", main.size(), l)
	begin := time.Now()
	if err := load(ctx, b.db, b.table, p, 0); err != nil {
		return nil, err
	}
	log.Printf("%d: filled in %v", main.size(), time.Since(begin).Round(time.Second))
	if err := b.settle(ctx); err != nil {
		return nil, err
	}
	space, err := b.spaceOf(ctx, b.table)
	r.spaces = append(r.spaces, space)
	return &contender{site: site{b, p, 0}}, err
}

// both runs the contest with the buffer pool as it is, and with a small one.
func (c *contest) both(ctx context.Context, s settings, size int, r *report, tables ...*contender) error {
	results, err := c.run(ctx, s.seed+1<<32, size, tables...)
	r.keyed = append(r.keyed, results...)
	if err != nil || c.admin == nil || s.smallPool == 0 {
		return err
	}
	before, err := c.variable(ctx, "innodb_buffer_pool_size")
	if err != nil {
		return err
	}
	log.Printf("%d: the same with a buffer pool of %d MiB", size, s.smallPool)
	if err := c.resizePool(ctx, strconv.Itoa(s.smallPool<<20)); err != nil {
		return err
	}
	results, err = c.run(ctx, s.seed+2<<32, size, tables...)
	r.keyed = append(r.keyed, results...)
	return errors.Join(err, c.resizePool(ctx, before))
}
