package feed

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

var errDown = errors.New("the database is down")

// database is the one that the processes of a simulation share: the feed, whose
// hints others see later than they were written, sessions, and roles.
type database struct {
	mu      sync.Mutex
	hints   []hintRow // by position
	skew    time.Duration
	outages []outage
	ended   map[string]time.Time // when the end of a session is visible
	roles   map[string]int
	calm    atomic.Bool
}

type hintRow struct {
	models.Hint
	visible time.Time
}

// outage is a time in which no statement gets an answer.
type outage struct {
	from, to time.Time
	hangs    bool
}

func newDatabase(skew time.Duration) *database {
	return &database{skew: skew, ended: map[string]time.Time{}, roles: map[string]int{}}
}

// clock is the time at one of its servers; the lock is held.
func (d *database) clock(server time.Duration) int64 {
	return time.Now().Add(d.skew + server).UnixMilli()
}

// jump is what a failover does to the clock.
func (d *database) jump(skew time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.skew = skew
}

// travel is one way of a statement. It fails in an outage, and when ctx ends.
func (d *database) travel(ctx context.Context, latency time.Duration) error {
	d.mu.Lock()
	down, hangs := false, false
	for _, o := range d.outages {
		if now := time.Now(); !now.Before(o.from) && now.Before(o.to) {
			down, hangs = true, o.hangs
		}
	}
	d.mu.Unlock()
	switch {
	case hangs:
		<-ctx.Done()
		return ctx.Err()
	case down:
		return errDown
	}
	timer := time.NewTimer(latency)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// write puts a hint into the table, at the server whose clock is that far ahead. It is
// visible after a time, and write returns then.
func (d *database) write(h models.Hint, server, commit time.Duration) {
	d.mu.Lock()
	h.At = d.clock(server)
	row := hintRow{h, time.Now().Add(commit)}
	at, _ := slices.BinarySearchFunc(d.hints, h.Position(), hintRow.compare)
	d.hints = slices.Insert(d.hints, at, row)
	d.mu.Unlock()
	time.Sleep(commit)
}

func (r hintRow) compare(p models.FeedPosition) int {
	return cmp.Or(cmp.Compare(r.At, p.At), slices.Compare(r.ID[:], p.ID[:]))
}

// read is what is visible now.
func (d *database) read(q models.FeedQuery, server time.Duration) models.FeedPage {
	d.mu.Lock()
	defer d.mu.Unlock()
	page := models.FeedPage{Clock: d.clock(server)}
	from, found := slices.BinarySearchFunc(d.hints, q.After, hintRow.compare)
	if found {
		from++
	}
	for _, row := range d.hints[from:] {
		if row.visible.After(time.Now()) {
			continue
		}
		if len(page.Hints) == q.Limit {
			next := page.Hints[q.Limit-1].Position()
			page.Next = &next
			break
		}
		page.Hints = append(page.Hints, row.Hint)
	}
	return page
}

// end ends a session as of a moment from now. It fails if somebody else has locked the
// row for longer.
func (d *database) end(handle string, after time.Duration) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := time.Now().Add(after)
	if other, ok := d.ended[handle]; ok {
		return !other.After(at)
	}
	d.ended[handle] = at
	return true
}

// lives reports whether a session lives now.
func (d *database) lives(handle string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	at, ok := d.ended[handle]
	return !ok || time.Now().Before(at)
}

// locked reports whether a statement that would change the row has to wait, or finds
// that the session has ended.
func (d *database) locked(handle string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, ok := d.ended[handle]
	return ok
}

func (d *database) role(user string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.roles[user]
}

func (d *database) promote(user string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.roles[user]++
	return d.roles[user]
}

// connection is one process's way to the database.
type connection struct {
	*database
	// server is how far the clock of the one that it ends at is ahead.
	server time.Duration
	rng    *rand.Rand
	within time.Duration
	// faulty: some statements fail, hang or panic, until the database is calm.
	faulty bool
}

func (c *connection) ReadFeed(ctx context.Context, q models.FeedQuery) (models.FeedPage, error) {
	latency := time.Duration(c.rng.Int64N(int64(20 * time.Millisecond)))
	dice := c.rng.Float64()
	switch {
	case !c.faulty || c.calm.Load():
	case dice < 0.02:
		return models.FeedPage{}, errDown
	case dice < 0.03:
		panic("a store that panics")
	case dice < 0.04:
		<-ctx.Done()
		return models.FeedPage{}, ctx.Err()
	case dice < 0.10: // nearly too slow
		latency = c.within / 2 * 9 / 10
	}
	there := time.Duration(c.rng.Int64N(int64(latency) + 1))
	if err := c.travel(ctx, there); err != nil {
		return models.FeedPage{}, err
	}
	page := c.read(q, c.server)
	return page, c.travel(ctx, latency-there)
}
