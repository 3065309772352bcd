package feed

import (
	"context"
	"time"

	"github.com/gin-sessionkit/sessionkit/models"
)

// deepScan looks for what became visible later than the polls read back. It goes on
// from poll to poll until it has read all, so that a busy feed, or a database that
// fails now and then, makes it slower, and never has it begin again and again.
type deepScan struct {
	// done is the database's time when the newest scan began that got to its end. From
	// the time before that on the next one reads: however long it is until then, a
	// hint that was not visible to the one is read by the other.
	done int64
	// polls counts those since a scan began.
	polls   int
	running bool
	began   int64
	after   models.FeedPosition
}

// readDeep begins a scan if it is time for one, and goes on with it. What a poll may
// take is over when the poll has taken half of Within.
func (f *Feed) readDeep(ctx context.Context, start time.Duration) error {
	d := &f.deep
	d.polls++
	if !d.running {
		if d.polls < f.rules.deepEvery {
			return nil
		}
		now := f.clock.Load()
		from := min(d.done, now) - f.rules.deepOverlap.Milliseconds()
		*d = deepScan{done: d.done, running: true, began: now, after: models.FeedPosition{At: from}}
	}
	ctx, cancel := context.WithTimeout(ctx, f.cfg.Within/2-(f.elapsed()-start))
	defer cancel()
	for f.elapsed()-start < f.cfg.Within/4 {
		q := models.FeedQuery{After: d.after, Limit: f.rules.pageSize}
		page, err := f.take(ctx, q, f.source.ReadFeed)
		if err != nil {
			return err
		}
		if page.Next == nil {
			d.done, d.running = d.began, false
			return nil
		}
		d.after = *page.Next
	}
	return nil
}
