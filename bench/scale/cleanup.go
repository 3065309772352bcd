package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

// cleaned is what a cleanup was measured at.
type cleaned struct {
	ended, removed int           // sessions that had ended, and rows that were removed
	took           time.Duration // from the start of the first batch to the end of the last
	batches        summary
	first, last    time.Duration // median of the first tenth of the batches, and of the last
	before, during [ops]summary  // refreshes and promotions beside it
}

// Phases of a cleanup run, as the workers see them.
const (
	phaseWarm = iota
	phaseBefore
	phaseStarting
	phaseDuring
	phaseOver
)

// cleanup is a run of measureCleanup.
type cleanup struct {
	*bed
	ahead     time.Duration // of the machine's clock
	phase     atomic.Int32
	recorders [phaseOver][]recorder
	result    cleaned
}

// measureCleanup puts the clock forward to where n of the loaded sessions have
// ended, and lets the service's own cleanup, with its default batches and
// pauses, remove them while the workers refresh and promote.
func measureCleanup(ctx context.Context, b *bed, n int, before, limit time.Duration) (*cleaned, error) {
	c := &cleanup{bed: b, result: cleaned{ended: n}}
	for i := range c.recorders {
		c.recorders[i] = make([]recorder, b.workers)
	}
	var err error
	if c.ahead, err = b.untilEnded(ctx, n); err != nil {
		return nil, err
	}
	svc, err := service(ctx, b.store, c.ahead, nil)
	if err != nil {
		return nil, err
	}
	defer svc.Close()
	err = parallel(ctx, b.workers+1, func(ctx context.Context, number int) error {
		if number < b.workers {
			return c.refreshAndPromote(ctx, svc, number)
		}
		defer c.phase.Store(phaseOver)
		wait(ctx, before/4)
		c.phase.Store(phaseBefore)
		wait(ctx, before)
		c.phase.Store(phaseStarting)
		return c.run(ctx, limit)
	})
	c.result.before = summarised(c.recorders[phaseBefore])
	c.result.during = summarised(c.recorders[phaseDuring])
	return &c.result, err
}

// untilEnded is how far ahead a clock must be for n sessions to be so long over
// that they are removed: a minute, at this time.
func (b *bed) untilEnded(ctx context.Context, n int) (time.Duration, error) {
	var end int64
	err := b.db.QueryRowContext(ctx, "SELECT expires_at FROM "+b.table+" ORDER BY expires_at LIMIT 1 OFFSET ?", n-1).Scan(&end)
	return time.Until(time.UnixMilli(end)) + time.Minute, err
}

// refreshAndPromote goes on with a few sessions until the cleanup is over.
func (c *cleanup) refreshAndPromote(ctx context.Context, svc *session.Service, number int) error {
	w := &worker{bed: c.bed, svc: svc, rng: newRand(1, uint64(number))}
	sessions := make([]*session.Tokens, 2*heavy)
	var err error
	for i := range sessions {
		if sessions[i], err = w.create(ctx, uuid(w.rng)); err != nil {
			return err
		}
	}
	for i := 0; ; i = (i + 1) % len(sessions) {
		phase := c.phase.Load()
		if phase == phaseOver {
			return nil
		}
		w.recorder, c.recorders[phase][number] = c.recorders[phase][number], recorder{}
		if sessions[i], err = w.refresh(ctx, opRefresh, sessions[i]); err != nil {
			return err
		}
		if err = w.promote(ctx, sessions[i]); err != nil {
			return err
		}
		c.recorders[phase][number] = w.recorder
	}
}

// run waits for a service to begin its cleanup, and to end it.
func (c *cleanup) run(ctx context.Context, limit time.Duration) error {
	over := make(chan int, 1)
	store := &metered{Store: c.store, phase: &c.phase}
	cleaner, err := service(ctx, store, c.ahead, func(cfg *session.Config) {
		// The shortest period, so that it begins within seconds; all else by default.
		cfg.Cleanup = session.CleanupConfig{Every: time.Minute}
		cfg.OnEvent = func(e session.Event) {
			if e.Kind == session.EventCleanup {
				select {
				case over <- e.Count:
				default: // a second turn
				}
			}
		}
	})
	if err != nil {
		return err
	}
	select {
	case c.result.removed = <-over:
	case <-time.After(limit):
	case <-ctx.Done():
	}
	c.phase.Store(phaseOver)
	cleaner.Close()
	if c.result.removed == 0 {
		c.result.removed = store.removed
	}
	return c.result.judge(store)
}

// judge sums the batches up.
func (r *cleaned) judge(m *metered) error {
	if len(m.took) == 0 {
		return errors.New("the cleanup did not begin")
	}
	tenth := max(1, len(m.took)/10)
	r.first = summarise(append([]time.Duration{}, m.took[:tenth]...)).p50
	r.last = summarise(append([]time.Duration{}, m.took[len(m.took)-tenth:]...)).p50
	r.batches = summarise(m.took)
	r.took = m.end.Sub(m.begin)
	return m.err
}

// metered is a store that takes the time of the cleanup. One goroutine uses that.
type metered struct {
	session.Store
	phase      *atomic.Int32
	begin, end time.Time
	took       []time.Duration
	removed    int
	err        error
}

// DeleteEnded notes the time of a batch.
func (m *metered) DeleteEnded(ctx context.Context, e models.EndedSessions) (int, error) {
	begin := time.Now()
	if m.begin.IsZero() {
		m.begin = begin
		m.phase.CompareAndSwap(phaseStarting, phaseDuring)
	}
	n, err := m.Store.DeleteEnded(ctx, e)
	m.end = time.Now()
	m.took = append(m.took, m.end.Sub(begin))
	m.removed += n
	if err != nil && m.err == nil && !errors.Is(ctx.Err(), context.Canceled) {
		m.err = fmt.Errorf("cleanup, batch %d: %w", len(m.took), err)
	}
	return n, err
}

// wait is a sleep that ctx ends.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
