package main

import (
	"cmp"
	"context"
	"fmt"
	"time"
)

// keyed is what a table of one layout was measured at.
type keyed struct {
	rows   int
	pool   string // size of the buffer pool
	layout layout
	sums   [ops]summary // create, without the service, and two on loaded rows
	rate   float64      // inserts per second, of all workers
	effort effort       // for all inserts, that of the background included
	used   effort       // for all promotions, each of which was put back
}

// keyedOps are those on loaded rows.
var keyedOps = [...]op{opLoadedAdvance, opLoadedList} //nolint:gochecknoglobals // a constant list

// each is a part of the effort for one insert.
func (k *keyed) each(n int64) float64 { return float64(n) / float64(max(1, k.sums[opCreate].n)) }

// update is the binary log of one update of a row: a promotion and its undoing are two
// of the same columns.
func (k *keyed) update() float64 {
	return float64(k.used.binlog) / float64(max(1, 2*k.sums[opLoadedAdvance].n))
}

// contest works on tables of several layouts in turns.
type contest struct {
	*bed
	slice  time.Duration
	rounds int
}

// contender is one of the tables.
type contender struct {
	site

	took    time.Duration // of the inserts
	samples []recorder
	effort  effort
	used    effort
	handles [][]string // what was inserted
}

// run inserts into the tables by turns of a slice each, so that what disturbs the machine
// hits all, and takes out again what it put in. As long it promotes and lists loaded rows
// in each.
func (c *contest) run(ctx context.Context, seed uint64, rows int, tables ...*contender) ([]keyed, error) {
	pool, err := c.variable(ctx, "innodb_buffer_pool_size")
	if err != nil {
		return nil, err
	}
	for _, t := range tables {
		t.took, t.effort, t.used = 0, effort{}, effort{}
		t.samples, t.handles = make([]recorder, c.workers), make([][]string, c.workers)
	}
	for round := range c.rounds {
		for turn := range tables {
			t := tables[(turn+round)%len(tables)]
			if err := c.insert(ctx, seed+uint64(round), t); err != nil {
				return nil, err
			}
			if err := c.use(ctx, seed+uint64(round), t); err != nil {
				return nil, err
			}
		}
	}
	var results []keyed
	for _, t := range tables {
		sums := summarised(t.samples)
		results = append(results, keyed{
			rows: rows, pool: inBytes(pool), layout: t.layout, sums: sums,
			rate: float64(sums[opCreate].n) / t.took.Seconds(), effort: t.effort, used: t.used,
		})
		if err := c.takeOut(ctx, t); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// insert lets all workers insert into t for the length of a slice.
func (c *contest) insert(ctx context.Context, seed uint64, t *contender) error {
	before, err := c.effort(ctx)
	if err != nil {
		return err
	}
	begin := time.Now()
	err = parallel(ctx, c.workers, func(ctx context.Context, number int) error {
		rng := newRand(seed, uint64(number)<<1|1)
		for time.Since(begin) < c.slice {
			row := newRow(rng, uuid(rng), time.Now().UnixMilli(), t.layout)
			if err := t.samples[number].measure(ctx, opCreate, func(ctx context.Context) error {
				return t.store.Insert(ctx, &row)
			}); err != nil {
				return err
			}
			t.handles[number] = append(t.handles[number], row.Handle)
		}
		return nil
	})
	if err != nil {
		return err
	}
	t.took += time.Since(begin)
	// Dirty pages are written long after: each turn has to pay for its own.
	if err := c.settle(ctx); err != nil {
		return err
	}
	after, err := c.effort(ctx)
	t.effort.add(before, after)
	return err
}

// use lets all workers promote and list loaded rows of t for the length of a slice.
func (c *contest) use(ctx context.Context, seed uint64, t *contender) error {
	before, err := c.effort(ctx)
	if err != nil {
		return err
	}
	begin := time.Now()
	err = parallel(ctx, c.workers, func(ctx context.Context, number int) error {
		w := worker{bed: t.bed, plan: t.plan, stage: t.stage, number: number, recorder: t.samples[number], rng: newRand(seed, uint64(number)<<1)}
		for time.Since(begin) < c.slice {
			if err := w.advanceLoaded(ctx, w.anyRow()); err != nil {
				return err
			}
			if err := w.listLoaded(ctx); err != nil {
				return err
			}
		}
		t.samples[number] = w.recorder
		return nil
	})
	if err != nil {
		return err
	}
	// The next turn must not pay for this one.
	if err := c.settle(ctx); err != nil {
		return err
	}
	after, err := c.effort(ctx)
	t.used.add(before, after)
	return err
}

// takeOut deletes what was inserted.
func (c *contest) takeOut(ctx context.Context, t *contender) error {
	return parallel(ctx, c.workers, func(ctx context.Context, number int) error {
		left := t.handles[number]
		for len(left) > 0 {
			n := min(len(left), 500)
			which, args := t.layout.ofHandles(left[:n]...)
			if _, err := c.db.ExecContext(ctx, "DELETE FROM "+t.table+" WHERE "+which, args...); err != nil {
				return err
			}
			left = left[n:]
		}
		return nil
	})
}

// resizePool changes the buffer pool and waits until the server has done it, which
// may round the size.
func (b *bed) resizePool(ctx context.Context, to string) error {
	const name = "innodb_buffer_pool_size"
	before, err := b.variable(ctx, name)
	if err != nil || before == to {
		return err
	}
	if _, err := b.admin.ExecContext(ctx, "SET GLOBAL "+name+" = "+to); err != nil {
		return err
	}
	for range 600 {
		value, err := b.variable(ctx, name)
		if err != nil || value != before {
			return err
		}
		wait(ctx, 100*time.Millisecond)
	}
	return fmt.Errorf("the buffer pool did not change to %s bytes within a minute", to)
}

// settle lets the server write what filling left to be written, so that measuring
// begins alike at every size. Without the account for it, it does nothing.
func (b *bed) settle(ctx context.Context) error {
	if b.admin == nil {
		return nil
	}
	const name = "innodb_max_dirty_pages_pct"
	before, err := b.variable(ctx, name)
	if err != nil {
		return err
	}
	if _, err := b.admin.ExecContext(ctx, "SET GLOBAL "+name+" = 0"); err != nil {
		return err
	}
	for range 120 {
		var ignored string
		var dirty int
		if err = b.db.QueryRowContext(ctx, "SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'").
			Scan(&ignored, &dirty); err != nil || dirty < 200 || ctx.Err() != nil {
			break
		}
		wait(ctx, time.Second)
	}
	_, restoreErr := b.admin.ExecContext(ctx, "SET GLOBAL "+name+" = "+before)
	return cmp.Or(err, restoreErr)
}
