package memstore

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/gin-sessionkit/sessionkit/models"
)

// feed is the feed of a Store, whose lock guards it.
type feed struct {
	hints        []models.Hint // in the order of their positions
	on, seen     bool          // seen: Check has seen it on
	cleanupUntil int64
}

// FeedOn implements session.FeedStore.
func (s *Store) FeedOn() bool {
	s.mu.Lock()
	defer s.mu.Unlock()

	return s.feed.seen
}

// TurnFeedOn implements session.FeedStore.
func (s *Store) TurnFeedOn(ctx context.Context) error {
	if err := alive(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.feed.on = true

	return nil
}

// WriteHint implements session.FeedStore. The clock of the database is this
// machine's.
func (s *Store) WriteHint(ctx context.Context, h models.Hint) error {
	if err := alive(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h.At = time.Now().UnixMilli()
	if at, found := slices.BinarySearchFunc(s.feed.hints, h.Position(), byPosition); !found {
		s.feed.hints = slices.Insert(s.feed.hints, at, h)
	}
	return nil
}

// ReadFeed implements session.FeedStore.
func (s *Store) ReadFeed(ctx context.Context, q models.FeedQuery) (page models.FeedPage, err error) {
	if err := alive(ctx); err != nil {
		return page, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	page.Clock = time.Now().UnixMilli()
	from, found := slices.BinarySearchFunc(s.feed.hints, q.After, byPosition)
	if found {
		from++
	}
	rest := s.feed.hints[from:]
	limit := cmp.Or(max(q.Limit, 0), 1000)
	page.Hints = slices.Clone(rest[:min(limit, len(rest))])
	if len(page.Hints) == limit {
		next := page.Hints[limit-1].Position()
		page.Next = &next
	}
	return page, nil
}

// FindMany implements session.FeedStore.
func (s *Store) FindMany(ctx context.Context, handles []string) (rows []models.Session, err error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()

	for _, handle := range handles {
		if row, ok := s.sessions[handle]; ok {
			rows = append(rows, shown(row))
		}
	}
	return rows, nil
}

// DeleteHints implements session.FeedStore.
func (s *Store) DeleteHints(ctx context.Context, before int64, limit int) (int, error) {
	if err := alive(ctx); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n, _ := slices.BinarySearchFunc(s.feed.hints, models.FeedPosition{At: before}, byPosition)
	n = min(n, max(limit, 0))
	s.feed.hints = slices.Delete(s.feed.hints, 0, n)

	return n, nil
}

// ClaimFeedCleanup implements session.FeedStore.
func (s *Store) ClaimFeedCleanup(ctx context.Context, now, until int64) (bool, error) {
	return s.claim(ctx, &s.feed.cleanupUntil, now, until)
}

func byPosition(h models.Hint, p models.FeedPosition) int {
	return cmp.Or(cmp.Compare(h.At, p.At), bytes.Compare(h.ID[:], p.ID[:]))
}
