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
	p := &plan{seed: s.seed, now: r.begin.UnixMilli(), sizes: s.sizes}
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
			if err := compareKeys(ctx, b, s, k, r); err != nil {
				return fmt.Errorf("comparing primary keys at %d: %w", size, err)
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
	control := *b
	control.table = "scale_control"
	var err error
	if control.store, err = b.newStore(ctx, control.table); err != nil {
		return site{}, err
	}
	small := *p
	small.sizes = p.sizes[:1]
	return site{&control, &small, 0}, load(ctx, b.db, control.table, &small, 0)
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

// compareKeys fills a table beside the one at hand with random handles, and inserts into
// both.
func compareKeys(ctx context.Context, b *bed, s settings, k int, r *report) error {
	const table = "scale_random"
	size := s.sizes[k]
	store, err := b.newStore(ctx, table)
	if err != nil {
		return err
	}
	// One stage of all rows: random handles have no order in which the table could have grown.
	p := &plan{seed: s.seed, now: r.begin.UnixMilli(), sizes: []int{size}, randomHandles: true}
	log.Printf("%d: filling with random handles", size)
	begin := time.Now()
	if err := load(ctx, b.db, table, p, 0); err != nil {
		return err
	}
	log.Printf("%d: filled in %v", size, time.Since(begin).Round(time.Second))
	if err := b.settle(ctx); err != nil {
		return err
	}
	space, err := b.spaceOf(ctx, table)
	if err != nil {
		return err
	}
	r.spaces = append(r.spaces, space)
	c := &contest{bed: b, slice: s.keySlice, rounds: s.keyRounds}
	ordered, random := &contender{table: b.table, store: b.store}, &contender{table: table, store: store, random: true}
	if err := c.both(ctx, s, size, r, ordered, random); err != nil {
		return err
	}
	return b.drop(ctx, tablesOf(table))
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
