package feed

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models"
)

// bugs are deliberate ones. A simulation that does not find them is worth nothing.
var bugs = []struct {
	name string
	// adapt makes a plan in which the bug has its chance.
	adapt func(*plan)
	plant func(*process)
}{
	{"no overlap", nil, func(p *process) { p.feed.rules.overlap, p.feed.rules.deepOverlap = 0, 0 }},
	{"no deep scan", late, func(p *process) { p.feed.rules.deepEvery = 1 << 30 }},
	{"deep scans from now, and not from the last one", slow, scansFromNow},
	{"a cursor at MAX(at)", nil, readsFromNewest},
	{"strict iat", nil, func(p *process) { p.feed.rules.tolerance, p.feed.writer.rules.tolerance = 0, 0 }},
	{"tolerance for the clocks only", nil, func(p *process) { p.feed.writer.rules.tolerance = time.Minute }},
	{"remembers for good before the entry has settled", nil, func(p *process) { p.feed.writer.rules.settling = 0 }},
	{"remembers for good a little early", nil, func(p *process) { p.feed.writer.rules.settling = 30 * time.Second }},
	{"the poller is dead after one error", breaks, func(p *process) { p.run = p.runsUntilError }},
	{"hints are told apart by id only", nil, knowsByID},
	{"crowding forgets", crowded, forgetsCrowds},
	{"a full table drops", func(p *plan) { p.maxEntries = 10 }, dropsWhenFull},
	{"a full table drops claims", func(p *plan) { p.maxEntries = 10 }, dropsClaimsWhenFull},
	{"hints whose ids have no room drop", func(p *plan) { p.maxEntries = 10 }, dropsWithoutIDs},
	{"the coverage is not asked", nil, coversAll},
	{"claims that are dropped are forgotten", longer, forgetsOldClaims},
	{"entries are kept for too short", longer, func(p *process) { p.feed.writer.rules.kept = 10 * time.Hour }},
	{"a merge loses what is recent", crowded, losesByMerge},
	{"reads one page only", func(p *plan) { p.pageSize = 3 }, readsOnePage},
}

func late(p *plan) { p.late, p.users, p.noise, p.maxEntries = true, 40, 0, 100_000 }

func longer(p *plan) { p.within, p.length, p.endings, p.changes = time.Minute, 50*time.Hour, 150, 20 }

func slow(p *plan) {
	late(p)
	p.within = time.Minute
}

func breaks(p *plan) { p.faulty = true }

func crowded(p *plan) { p.users, p.noise, p.maxEntries, p.maxOfOwner = 3, 120, 100_000, 1 }

// source is what a planted bug makes of the database.
type source func(context.Context, models.FeedQuery) (models.FeedPage, error)

func (s source) ReadFeed(ctx context.Context, q models.FeedQuery) (models.FeedPage, error) {
	return s(ctx, q)
}

func readsFromNewest(p *process) {
	next, newest := p.source, models.FeedPosition{}
	p.source = source(func(ctx context.Context, q models.FeedQuery) (models.FeedPage, error) {
		if q.After.At < newest.At {
			q.After = newest
		}
		page, err := next.ReadFeed(ctx, q)
		if err == nil && q.Limit > 1 && len(page.Hints) > 0 {
			newest = page.Hints[len(page.Hints)-1].Position()
		}
		return page, err
	})
}

func scansFromNow(p *process) {
	next := p.source
	p.source = source(func(ctx context.Context, q models.FeedQuery) (models.FeedPage, error) {
		p.feed.deep.done = max(p.feed.deep.done, p.feed.clock.Load())
		return next.ReadFeed(ctx, q)
	})
}

func readsOnePage(p *process) {
	next := p.source
	p.source = source(func(ctx context.Context, q models.FeedQuery) (models.FeedPage, error) {
		page, err := next.ReadFeed(ctx, q)
		page.Next = nil
		return page, err
	})
}

func (p *process) runsUntilError(ctx context.Context) {
	dead := false
	p.feed.cfg.OnPoll = func(_ context.Context, err error, _ bool) { dead = dead || err != nil }
	for ctx.Err() == nil && !dead {
		time.Sleep(p.within / 4)
		p.feed.poll(ctx)
	}
}

func knowsByID(p *process) {
	next, known := p.source, map[models.HintID]string{}
	p.source = source(func(ctx context.Context, q models.FeedQuery) (models.FeedPage, error) {
		page, err := next.ReadFeed(ctx, q)
		page.Hints = slices.DeleteFunc(page.Hints, func(h models.Hint) bool {
			first, ok := known[h.ID]
			if !ok {
				known[h.ID] = h.Subject
			}
			return ok && first != h.Subject
		})
		return page, err
	})
}

// tampers has the table changed, as a bug would have done when it was made.
func (p *process) tampers(change func(before, t *table)) {
	last := p.feed.writer.table.Load()
	p.tamper = func() {
		w := &p.feed.writer
		w.mu.Lock()
		defer w.mu.Unlock()
		now := w.table.Load()
		if now == last {
			return
		}
		next := *now
		next.base.users, next.recent.users = maps.Clone(next.base.users), maps.Clone(next.recent.users)
		next.base.sessions = maps.Clone(next.base.sessions)
		change(last, &next)
		w.table.Store(&next)
		last = &next
	}
}

func forgetsCrowds(p *process) {
	p.tampers(func(_, t *table) {
		for owner, handles := range p.feed.writer.owners {
			if len(handles) >= p.feed.rules.maxOfOwner {
				delete(t.base.users, owner)
				delete(t.recent.users, owner)
			}
		}
	})
}

func dropsWhenFull(p *process) {
	p.tampers(func(before, t *table) {
		if p.feed.writer.full {
			t.all = before.all
		}
	})
}

func dropsClaimsWhenFull(p *process) {
	p.tampers(func(before, t *table) {
		if p.feed.writer.full {
			t.anybody = before.anybody
		}
	})
}

func dropsWithoutIDs(p *process) {
	next := p.source
	p.source = source(func(ctx context.Context, q models.FeedQuery) (models.FeedPage, error) {
		page, err := next.ReadFeed(ctx, q)
		p.feed.writer.mu.Lock()
		defer p.feed.writer.mu.Unlock()
		if len(p.feed.writer.seen) >= seenPerEntry*p.maxEntries {
			page.Hints = nil
		}
		return page, err
	})
}

func coversAll(p *process) {
	p.tampers(func(_, t *table) {
		if t.all.arrival <= 1 {
			t.all = entry{}
		}
	})
}

func forgetsOldClaims(p *process) {
	p.tampers(func(_, t *table) { t.unknown = entry{} })
}

func losesByMerge(p *process) {
	p.tampers(func(before, t *table) {
		if before.recent.size() == 0 || t.recent.size() > 0 {
			return
		}
		for handle := range before.recent.sessions {
			delete(t.base.sessions, handle)
		}
		for user := range before.recent.users {
			delete(t.base.users, user)
		}
	})
}

func TestSimulation_findsPlantedBugs(t *testing.T) {
	t.Parallel()
	for _, bug := range bugs {
		t.Run(bug.name, func(t *testing.T) {
			tried := seeds(t, 60)
			for i, seed := range tried {
				p := planOf(seed)
				p.plant = bug.plant
				if bug.adapt != nil {
					bug.adapt(&p)
				}
				if w := simulate(t, p); len(w.faults) > 0 {
					t.Logf("found in simulation %d: SESSIONKIT_SEED=%d, %s", i+1, seed, w.faults[0])
					return
				}
			}
			require.Fail(t, "not found", "in %d simulations from SESSIONKIT_SEED=%d on", len(tried), cmp.Or(tried...))
		})
	}
}
