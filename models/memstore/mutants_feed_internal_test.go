package memstore

import (
	"context"
	"strings"
	"sync/atomic"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

// The methods of broken that belong to the feed.

func (b *broken) FeedOn() bool { return b.feedOn() }

func (b *broken) TurnFeedOn(ctx context.Context) error { return b.turnFeedOn(ctx) }

func (b *broken) WriteHint(ctx context.Context, h models.Hint) error { return b.writeHint(ctx, h) }

func (b *broken) ReadFeed(ctx context.Context, q models.FeedQuery) (models.FeedPage, error) {
	return b.readFeed(ctx, q)
}

func (b *broken) FindMany(ctx context.Context, handles []string) ([]models.Session, error) {
	return b.findMany(ctx, handles)
}

func (b *broken) DeleteHints(ctx context.Context, before int64, limit int) (int, error) {
	return b.deleteHints(ctx, before, limit)
}

func (b *broken) ClaimFeedCleanup(ctx context.Context, now, until int64) (bool, error) {
	return b.claimFeed(ctx, now, until)
}

// writing opens a store that changes or swallows the hints it is given.
func writing(write func(s *Store, h models.Hint) (models.Hint, bool)) func() session.Store {
	return breaking(func(s *Store, b *broken) {
		b.writeHint = func(ctx context.Context, h models.Hint) error {
			h, keep := write(s, h)
			if !keep {
				return alive(ctx)
			}
			return s.WriteHint(ctx, h)
		}
	})
}

// reading opens a store that asks for, or answers with, another page.
func reading(ask func(*models.FeedQuery), answer func(*models.FeedPage)) func() session.Store {
	return breaking(func(s *Store, b *broken) {
		b.readFeed = func(ctx context.Context, q models.FeedQuery) (models.FeedPage, error) {
			ask(&q)
			page, err := s.ReadFeed(ctx, q)
			answer(&page)
			return page, err
		}
	})
}

func feedMutants() []mutant {
	const on = "the feed is off until it is turned on, which Check sees"
	return []mutant{
		{"feed is always on", on, breaking(func(_ *Store, b *broken) { b.feedOn = func() bool { return true } })},
		{"feed is never on", on, breaking(func(_ *Store, b *broken) { b.feedOn = func() bool { return false } })},
		{"feed is on before Check", on, breaking(func(s *Store, b *broken) {
			b.feedOn = func() bool {
				s.mu.Lock()
				defer s.mu.Unlock()
				return s.feed.on
			}
		})},
		{"feed is turned on once only", on, breaking(func(s *Store, b *broken) {
			b.turnFeedOn = func(ctx context.Context) error {
				if s.mu.Lock(); s.feed.on {
					defer s.mu.Unlock()
					return errors.WithReason(errors.ErrGeneral, errors.ErrDuplicate)
				}
				s.mu.Unlock()
				return s.TurnFeedOn(ctx)
			}
		})},
		{"feed is turned off again", on, breaking(func(s *Store, b *broken) {
			b.turnFeedOn = func(ctx context.Context) error {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.feed.on = !s.feed.on
				return alive(ctx)
			}
		})},
	}
}

func hintMutants() []mutant {
	const (
		timed = "WriteHint takes the time from the database"
		kept  = "ReadFeed returns hints as they were written"
		seen  = "ReadFeed sees each hint that was written"
		twice = "WriteHint of a hint that is there does no harm"
	)
	always := func(change func(*models.Hint)) func(*Store, models.Hint) (models.Hint, bool) {
		return func(_ *Store, h models.Hint) (models.Hint, bool) {
			change(&h)
			return h, true
		}
	}
	var number atomic.Int64
	return []mutant{
		{"hint with the caller's time", timed, breaking(func(s *Store, b *broken) {
			b.writeHint = func(ctx context.Context, h models.Hint) error {
				at := h.At
				if err := s.WriteHint(ctx, h); err != nil || at == 0 {
					return err
				}
				s.mu.Lock()
				defer s.mu.Unlock()
				s.feed.hints[len(s.feed.hints)-1].At = at
				return nil
			}
		})},
		{"hint is lost now and then", seen, writing(func(_ *Store, h models.Hint) (models.Hint, bool) {
			return h, number.Add(1)%7 != 0
		})},
		{"hint about what has one already is lost", seen, writing(func(s *Store, h models.Hint) (models.Hint, bool) {
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, other := range s.feed.hints {
				if other.Kind == h.Kind && other.Subject == h.Subject {
					return h, false
				}
			}
			return h, true
		})},
		{"hint without its owner", kept, writing(always(func(h *models.Hint) { h.Owner = "" }))},
		{"hint with a folded subject", kept, writing(always(func(h *models.Hint) { h.Subject = strings.ToLower(h.Subject) }))},
		{"hint with a cut subject", kept, writing(always(func(h *models.Hint) { h.Subject = h.Subject[:min(len(h.Subject), 128)] }))},
		{"hint of one kind", kept, writing(always(func(h *models.Hint) { h.Kind = models.HintUser }))},
		{"hint whose id ends at a zero byte", kept, writing(always(func(h *models.Hint) {
			if at := strings.IndexByte(string(h.ID[:]), 0); at >= 0 {
				copy(h.ID[at:], make([]byte, len(h.ID)))
			}
		}))},
		{"hint with an id of the store's own", twice, writing(always(func(h *models.Hint) { h.ID[0]++ }))},
		{"hint that is there is an error", twice, breaking(func(s *Store, b *broken) {
			b.writeHint = func(ctx context.Context, h models.Hint) error {
				s.mu.Lock()
				for _, other := range s.feed.hints {
					if other.ID == h.ID {
						s.mu.Unlock()
						return errors.WithReason(errors.ErrGeneral, errors.ErrDuplicate)
					}
				}
				s.mu.Unlock()
				return s.WriteHint(ctx, h)
			}
		})},
	}
}

func feedPageMutants() []mutant {
	const (
		clock = "ReadFeed tells the time at the database without hints too"
		limit = "ReadFeed returns no more than the limit"
		pages = "ReadFeed returns each hint once, however few at a time"
	)
	asks := func(ask func(*models.FeedQuery)) func() session.Store { return reading(ask, func(*models.FeedPage) {}) }
	answers := func(answer func(*models.FeedPage)) func() session.Store {
		return reading(func(*models.FeedQuery) {}, answer)
	}
	return []mutant{
		{"no clock without hints", clock, answers(func(page *models.FeedPage) {
			if len(page.Hints) == 0 {
				page.Clock = 0
			}
		})},
		{"the clock is that of the last hint", clock, answers(func(page *models.FeedPage) {
			page.Clock = 0
			if n := len(page.Hints); n > 0 {
				page.Clock = page.Hints[n-1].At
			}
		})},
		{"feed without a limit", limit, asks(func(q *models.FeedQuery) { q.Limit = 1 << 30 })},
		{"feed says too early that it is through", limit, answers(func(page *models.FeedPage) { page.Next = nil })},
		{"feed skips equal times", pages, asks(func(q *models.FeedQuery) {
			if q.After.At != 0 {
				q.After = models.FeedPosition{At: q.After.At + 1}
			}
		})},
		{"feed begins each page with the whole millisecond", pages, asks(func(q *models.FeedQuery) {
			q.After.ID = models.HintID{}
		})},
		{"feed begins with the hint before", pages, asks(func(q *models.FeedQuery) {
			if n := len(q.After.ID) - 1; q.After.ID[n] > 0 {
				q.After.ID[n]--
			}
		})},
		{"feed in the order of ids", pages, answers(func(page *models.FeedPage) {
			for i, h := range page.Hints {
				for j := i; j > 0 && string(page.Hints[j-1].ID[:]) > string(h.ID[:]); j-- {
					page.Hints[j], page.Hints[j-1] = page.Hints[j-1], page.Hints[j]
				}
			}
		})},
	}
}

func findManyMutants() []mutant {
	const secrets = "FindMany returns live and ended sessions, without secrets"
	finding := func(change func(s *Store, rows []models.Session) []models.Session) func() session.Store {
		return breaking(func(s *Store, b *broken) {
			b.findMany = func(ctx context.Context, handles []string) ([]models.Session, error) {
				rows, err := s.FindMany(ctx, handles)
				s.mu.Lock()
				defer s.mu.Unlock()
				return change(s, rows), err
			}
		})
	}
	showing := func(show func(shown *models.Session, row *models.Session)) func() session.Store {
		return finding(func(s *Store, rows []models.Session) []models.Session {
			for i := range rows {
				show(&rows[i], s.sessions[rows[i].Handle])
			}
			return rows
		})
	}
	keeping := func(keep func(models.Session) bool) func() session.Store {
		return finding(func(_ *Store, rows []models.Session) (kept []models.Session) {
			for _, row := range rows {
				if keep(row) {
					kept = append(kept, row)
				}
			}
			return kept
		})
	}
	return []mutant{
		{"many without the revoked", secrets, keeping(func(row models.Session) bool { return row.RevokedAt == 0 })},
		{"many without the expired", secrets, keeping(func(row models.Session) bool { return row.ExpiresAt > during })},
		{"many with current hashes", secrets, showing(func(shown, row *models.Session) { shown.Lineage.Current = row.Lineage.Current })},
		{"many with previous hashes", secrets, showing(func(shown, row *models.Session) { shown.Lineage.Previous = row.Lineage.Previous })},
		{"many with payloads", secrets, showing(func(shown, row *models.Session) { shown.Payload = row.Payload })},
		{"many with data", secrets, showing(func(shown, row *models.Session) { shown.Data = row.Data })},
		{"many as one would find them", secrets, showing(func(shown, row *models.Session) { *shown = *row })},
		{"many with rows for the absent", "FindMany leaves out what is absent", breaking(func(s *Store, b *broken) {
			b.findMany = func(ctx context.Context, handles []string) ([]models.Session, error) {
				rows, err := s.FindMany(ctx, handles)
				for len(rows) < len(handles) {
					rows = append(rows, models.Session{})
				}
				return rows, err
			}
		})},
	}
}

func feedUpkeepMutants() []mutant {
	const (
		deleted = "DeleteHints removes hints from before the time given only"
		limited = "DeleteHints removes no more than the limit"
		race    = "ClaimFeedCleanup has one winner among the racers"
		until   = "ClaimFeedCleanup has no winner until the time given"
		apart   = "ClaimFeedCleanup and ClaimCleanup do not meet"
	)
	deleting := func(change func(before int64, limit int) (int64, int)) func() session.Store {
		return breaking(func(s *Store, b *broken) {
			b.deleteHints = func(ctx context.Context, before int64, limit int) (int, error) {
				before, limit = change(before, limit)
				return s.DeleteHints(ctx, before, limit)
			}
		})
	}
	return []mutant{
		{"hints deleted at the boundary", deleted, deleting(func(before int64, limit int) (int64, int) { return before + 1, limit })},
		{"hints deleted 1 ms late", deleted, deleting(func(before int64, limit int) (int64, int) { return before - 1, limit })},
		{"all hints deleted", deleted, deleting(func(_ int64, limit int) (int64, int) { return 1 << 62, limit })},
		{"hints deleted without a limit", limited, deleting(func(before int64, _ int) (int64, int) { return before, 1 << 30 })},
		{"hints counted, not deleted", limited, breaking(func(_ *Store, b *broken) {
			b.deleteHints = func(ctx context.Context, _ int64, limit int) (int, error) { return limit, alive(ctx) }
		})},
		{"feed cleanup for everybody", race, breaking(func(_ *Store, b *broken) {
			b.claimFeed = func(ctx context.Context, _, _ int64) (bool, error) { return true, alive(ctx) }
		})},
		{"feed cleanup once forever", until, breaking(func(s *Store, b *broken) {
			b.claimFeed = func(ctx context.Context, now, _ int64) (bool, error) { return s.ClaimFeedCleanup(ctx, now, 1<<62) }
		})},
		{"feed cleanup by the claim of rows", apart, breaking(func(s *Store, b *broken) {
			b.claimFeed = func(ctx context.Context, now, until int64) (bool, error) {
				return s.ClaimCleanup(ctx, models.CleanupClaim{Now: now, Until: until})
			}
		})},
	}
}
