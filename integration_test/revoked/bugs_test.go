package revoked_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

// flakyHints is a store on which every fourth hint meets a failure, before or after it
// was written: whoever revokes is told so. That is no bug.
type flakyHints struct{ session.FeedStore }

func (f *flakyHints) WriteHint(ctx context.Context, h models.Hint) error {
	switch rand.IntN(8) {
	case 0:
		return errBroken
	case 1:
		_ = f.FeedStore.WriteHint(ctx, h)
		return errBroken
	}
	return f.FeedStore.WriteHint(ctx, h)
}

var errBroken = errors.WithReason(errors.ErrUnavailable, errors.New("the connection broke"))

// swallowed is a bug: that a hint could not be written is kept for oneself.
type swallowed struct{ flakyHints }

func (s *swallowed) WriteHint(ctx context.Context, h models.Hint) error {
	_ = s.flakyHints.WriteHint(ctx, h)
	return nil
}

// silent is a bug: no hint is written.
type silent struct{ session.FeedStore }

func (*silent) WriteHint(context.Context, models.Hint) error { return nil }

// tardy is a bug: the hint is written long after the row.
type tardy struct{ session.FeedStore }

func (s *tardy) WriteHint(ctx context.Context, h models.Hint) error {
	time.AfterFunc(5*time.Second, func() { _ = s.FeedStore.WriteHint(context.WithoutCancel(ctx), h) })
	return nil
}

// atNewest is a bug: it reads from the newest hint on, and never sees those that were
// committed later with an older time.
type atNewest struct {
	session.FeedStore
	mu     sync.Mutex
	newest models.FeedPosition
}

func (s *atNewest) ReadFeed(ctx context.Context, q models.FeedQuery) (models.FeedPage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.newest.At > q.After.At {
		q.After = s.newest
	}
	page, err := s.FeedStore.ReadFeed(ctx, q)
	if n := len(page.Hints); err == nil && n > 0 {
		s.newest = page.Hints[n-1].Position()
	}
	return page, err
}

// blind is a bug: the polls of one process see nothing.
type blind struct{ session.FeedStore }

func (s *blind) ReadFeed(ctx context.Context, q models.FeedQuery) (models.FeedPage, error) {
	page, err := s.FeedStore.ReadFeed(ctx, q)
	page.Hints, page.Next = nil, nil
	return page, err
}

// asleep is a bug: after one failure the process never reads again, and takes that for
// a good look.
type asleep struct {
	session.FeedStore
	mu    sync.Mutex
	polls int
}

func (s *asleep) ReadFeed(ctx context.Context, q models.FeedQuery) (models.FeedPage, error) {
	page, err := s.FeedStore.ReadFeed(ctx, q)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.polls++; s.polls > 10 {
		page.Hints, page.Next = nil, nil
	}
	return page, err
}

// bug is one that must be found.
type bug struct {
	name string
	wrap func(session.FeedStore) session.FeedStore
	// one: the other process is as it should be.
	one bool
	// not is an engine on which it is none: where there is one writer, hints become
	// visible in the order of their times.
	not string
}

var bugs = []bug{
	{name: "hint swallowed when the INSERT fails", wrap: func(s session.FeedStore) session.FeedStore { return &swallowed{flakyHints{s}} }},
	{name: "no hint", wrap: func(s session.FeedStore) session.FeedStore { return &silent{s} }},
	{name: "hint five seconds after the row", wrap: func(s session.FeedStore) session.FeedStore { return &tardy{s} }},
	{name: "reads from the newest hint on", wrap: func(s session.FeedStore) session.FeedStore { return &atNewest{FeedStore: s} }, not: onSQLite},
	{name: "one process sees nothing", wrap: func(s session.FeedStore) session.FeedStore { return &blind{s} }, one: true},
	{name: "one process stops reading", wrap: func(s session.FeedStore) session.FeedStore { return &asleep{FeedStore: s} }, one: true},
}

// Each of these bugs is found.
func TestHistories_findBugs(t *testing.T) {
	t.Parallel()
	for _, bug := range bugs {
		t.Run(bug.name, func(t *testing.T) {
			t.Parallel()
			findBug(t, onMySQL, bug)
		})
	}
}

// findBug plays on two processes that have the bug, or one.
func findBug(t *testing.T, engine string, b bug) {
	t.Helper()
	d := fresh(t, engine)
	set := setting{Within: brief}
	w := &world{db: d.pool(t, 4)}
	users, hold := usersOn(engine)
	w.hold = hold
	for i := range 2 {
		if i == 1 && b.one {
			b.wrap = nil
		}
		w.processes = append(w.processes, start(t, d, set.config(), b.wrap).serve(t, set))
	}
	found := func() bool { return len(w.found()) > 0 }
	w.play(t, load{users: min(users, 6), duration: time.Minute, until: found})
	require.NotEmpty(t, w.found(), "the bug was not found")
	require.NotZero(t, w.sum.served, w.found()[0])
	require.Zero(t, w.sum.refused)
	t.Log(w.found()[0])
}
