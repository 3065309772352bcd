package feed

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

// Kept is how long hints stay in the feed: the longest life of an access token is a
// day, and clocks disagree. The first poll reads back as far.
const Kept = 24*time.Hour + 5*time.Minute

// cleaned is how much of that may be cleaned up before the first poll has read it.
const cleaned = time.Minute

// Source reads the feed.
type Source interface {
	ReadFeed(ctx context.Context, q models.FeedQuery) (models.FeedPage, error)
}

// Config is what a Feed needs to know.
type Config struct {
	// Within is the bound that is promised.
	Within time.Duration
	// MaxEntries bounds what is kept in memory.
	MaxEntries int
	// Now is the clock that tokens are issued by.
	Now func() time.Time
	// OnPoll is told how each poll went, before the next begins, and whether the table
	// is full.
	OnPoll func(ctx context.Context, err error, full bool)
	// OnNews is told that there are new entries, or that a poll has failed, so that
	// whoever waits for something looks again. It must not block.
	OnNews func()
	// OnKey, unless nil, is told the id of a key that another process has retired. It
	// must not block. Start tells of those of the last day.
	OnKey func(kid string)
}

// Feed is what one process knows of the feed. It is safe for concurrent use.
type Feed struct {
	cfg    Config
	source Source
	writer writer
	rules  rules

	// began is where elapsed counts from.
	began time.Time
	// good is when the newest good poll was started.
	good atomic.Int64
	// clock is the database's time at the newest good poll, in milliseconds.
	clock atomic.Int64
	deep  deepScan // only who polls uses it
}

// New returns a Feed that knows nothing yet: Start it.
func New(source Source, cfg Config) *Feed {
	return newFeed(source, cfg, defaultRules())
}

func newFeed(source Source, cfg Config, r rules) *Feed {
	f := &Feed{cfg: cfg, source: source, rules: r, began: time.Now()}
	f.writer.init(r, cfg.MaxEntries)
	return f
}

// Start reads the feed for the first time. Run goes on from there.
func (f *Feed) Start(ctx context.Context) error {
	f.writer.load()
	defer f.writer.loaded()
	start := f.elapsed()
	first, err := f.source.ReadFeed(ctx, models.FeedQuery{After: models.FeedPosition{At: f.now()}, Limit: 1})
	if err != nil {
		return err
	}
	// This process's time as of after the answer: no hint is between what is covered
	// and what is read.
	f.writer.cover(f.now()-(f.rules.lookback-cleaned).Milliseconds(), start)
	f.deep.done = first.Clock
	return f.read(ctx, start, first.Clock, f.rules.lookback, f.source.ReadFeed)
}

// Run polls until ctx ends.
func (f *Feed) Run(ctx context.Context) {
	ticker := time.NewTicker(f.cfg.Within / 4)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			f.poll(ctx)
		}
	}
}

// poll reads what is new, and says how it went. A store that panics must not end the
// loop.
func (f *Feed) poll(ctx context.Context) {
	start := f.elapsed()
	err := safely(func() error {
		return f.read(ctx, start, f.clock.Load(), f.rules.overlap, f.readBriefly)
	})
	if err == nil {
		// What is found late has no bound, so that a failure is not one of the poll.
		_ = safely(func() error { return f.readDeep(ctx, start) })
	}
	if ctx.Err() != nil {
		return
	}
	elapsed := f.elapsed()
	f.writer.settle(elapsed)
	full := f.writer.purge(elapsed)
	f.cfg.OnPoll(ctx, err, full)
	f.cfg.OnNews()
}

func safely(fn func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = errPanicked
		}
	}()
	return fn()
}

var errPanicked = errors.New("feed: the store panicked")

type readFunc func(context.Context, models.FeedQuery) (models.FeedPage, error)

// readBriefly gives each statement half of Within: each page, and not all of them, or
// who has much to catch up with would never get to the end.
func (f *Feed) readBriefly(ctx context.Context, q models.FeedQuery) (models.FeedPage, error) {
	ctx, cancel := context.WithTimeout(ctx, f.cfg.Within/2)
	defer cancel()
	return f.source.ReadFeed(ctx, q)
}

// read reads page after page, from some time before a time of the database on. Only
// when all of it is known the poll was good.
func (f *Feed) read(ctx context.Context, start time.Duration, from int64, back time.Duration, next readFunc) error {
	var clock int64
	for first := true; first || clock < from-back.Milliseconds()/2; first = false {
		if !first {
			from = clock // another server answered, whose clock is far behind
		}
		q := models.FeedQuery{After: models.FeedPosition{At: from - back.Milliseconds()}, Limit: f.rules.pageSize}
		page, err := f.take(ctx, q, next)
		if err != nil {
			return err
		}
		clock = page.Clock
		for page.Next != nil {
			q.After = *page.Next
			if page, err = f.take(ctx, q, next); err != nil {
				return err
			}
		}
	}
	f.clock.Store(clock)
	f.good.Store(int64(start))
	return nil
}

// take puts a page into the table.
func (f *Feed) take(ctx context.Context, q models.FeedQuery, next readFunc) (models.FeedPage, error) {
	page, err := next(ctx, q)
	if err != nil {
		return page, err
	}
	// The answer is older than now: entries count as a little younger than they are,
	// never as older.
	now := f.now()
	_, keys := f.writer.add(page.Hints, page.Clock-now, f.elapsed(), now)
	for _, kid := range keys {
		if f.cfg.OnKey != nil {
			f.cfg.OnKey(kid)
		}
	}
	return page, nil
}

// Apply makes a hint of this process known to it at once. Its At is not asked.
func (f *Feed) Apply(h models.Hint) {
	h.At = f.now()
	f.writer.add([]models.Hint{h}, 0, f.elapsed(), h.At)
	f.cfg.OnNews()
}

// Lag is how old the knowledge is: the time since the newest good poll was started.
func (f *Feed) Lag() time.Duration { return f.elapsed() - time.Duration(f.good.Load()) }

// Size is how many entries are in memory, of those that [Config.MaxEntries] bounds.
func (f *Feed) Size() int {
	t := f.writer.table.Load()
	return t.base.size() + t.recent.size()
}

// elapsed is the time for periods, on the monotonic clock.
func (f *Feed) elapsed() time.Duration { return time.Since(f.began) }

// now is the time for tokens, in milliseconds.
func (f *Feed) now() int64 { return f.cfg.Now().UnixMilli() }
