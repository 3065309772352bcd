package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// keyed is what inserting into a table with one order of primary keys was measured at.
type keyed struct {
	rows   int
	pool   string // size of the buffer pool
	random bool
	insert summary
	rate   float64 // inserts per second, of all workers
	// Pages that the server wrote and read for each insert, those of the background
	// included.
	written, read float64
}

// contest inserts into tables in turns.
type contest struct {
	*bed
	slice  time.Duration
	rounds int
}

// contender is one of the tables.
type contender struct {
	table  string
	store  *gormstore.Store
	random bool

	took    time.Duration
	samples []recorder
	pages   [len(counted)]int64
	handles [][]string // what was inserted
}

// run inserts into both tables by turns of a slice each, so that what disturbs the machine
// hits both, and takes out again what it put in.
func (c *contest) run(ctx context.Context, seed uint64, rows int, tables ...*contender) ([]keyed, error) {
	pool, err := c.variable(ctx, "innodb_buffer_pool_size")
	if err != nil {
		return nil, err
	}
	for _, t := range tables {
		t.took, t.pages = 0, [len(counted)]int64{}
		t.samples, t.handles = make([]recorder, c.workers), make([][]string, c.workers)
	}
	for round := range c.rounds {
		for turn := range tables {
			if err := c.turn(ctx, seed+uint64(round), tables[(turn+round)%len(tables)]); err != nil {
				return nil, err
			}
		}
	}
	var results []keyed
	for _, t := range tables {
		sum := summarised(t.samples)[opCreate]
		results = append(results, keyed{
			rows: rows, pool: inBytes(pool), random: t.random, insert: sum,
			rate:    float64(sum.n) / t.took.Seconds(),
			written: float64(t.pages[0]) / float64(sum.n), read: float64(t.pages[1]) / float64(sum.n),
		})
		if err := c.takeOut(ctx, t); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// turn lets all workers insert into t for the length of a slice.
func (c *contest) turn(ctx context.Context, seed uint64, t *contender) error {
	before, err := c.pages(ctx)
	if err != nil {
		return err
	}
	begin := time.Now()
	err = parallel(ctx, c.workers, func(ctx context.Context, number int) error {
		rng := newRand(seed, uint64(number)<<1|1)
		for time.Since(begin) < c.slice {
			row := newRow(rng, uuid(rng), time.Now().UnixMilli(), t.random)
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
	after, err := c.pages(ctx)
	for i := range after {
		t.pages[i] += after[i] - before[i]
	}
	return err
}

// takeOut deletes what was inserted.
func (c *contest) takeOut(ctx context.Context, t *contender) error {
	return parallel(ctx, c.workers, func(ctx context.Context, number int) error {
		left := t.handles[number]
		for len(left) > 0 {
			n := min(len(left), 500)
			args := make([]any, n)
			for i := range args {
				args[i] = left[i]
			}
			marks := strings.TrimSuffix(strings.Repeat("?, ", n), ", ")
			if _, err := c.db.ExecContext(ctx, "DELETE FROM "+t.table+" WHERE handle IN ("+marks+")", args...); err != nil {
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
