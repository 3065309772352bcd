package memstore

import (
	"context"
	"time"

	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

// downgrading opens a store that treats each session of the user by lower, which
// reports whether it counts.
func downgrading(lower func(row *models.Session, d models.Downgrade) bool) func() session.Store {
	return breaking(func(s *Store, b *broken) {
		b.downgrade = func(ctx context.Context, d models.Downgrade) (done models.Downgraded, err error) {
			if err := alive(ctx); err != nil {
				return done, err
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, row := range s.sessions {
				if row.UserID == d.UserID && lower(row, d) {
					done.Count++
				}
			}
			return done, nil
		}
	})
}

func downgradeMutants() []mutant {
	const (
		live  = "Downgrade lowers the live ones of the user, and nothing else of them"
		raise = "Downgrade raises nothing"
	)
	return []mutant{
		{"downgrade of the dead", live, downgrading(func(row *models.Session, d models.Downgrade) bool {
			above := row.Level > d.Level
			row.Level = min(row.Level, d.Level)
			return above && row.LiveAt(d.Now)
		})},
		{"downgrade counts the dead", live, downgrading(func(row *models.Session, d models.Downgrade) bool {
			above := row.Level > d.Level
			if row.LiveAt(d.Now) {
				row.Level = min(row.Level, d.Level)
			}
			return above
		})},
		{"downgrade forgets how", live, downgrading(func(row *models.Session, d models.Downgrade) bool {
			if !row.LiveAt(d.Now) || row.Level <= d.Level {
				return false
			}
			row.Level, row.AMR = d.Level, ""
			return true
		})},
		{"downgrade is a use", live, downgrading(func(row *models.Session, d models.Downgrade) bool {
			if !row.LiveAt(d.Now) || row.Level <= d.Level {
				return false
			}
			row.Level, row.LastUsedAt = d.Level, d.Now
			return true
		})},
		{"downgrade raises", raise, downgrading(func(row *models.Session, d models.Downgrade) bool {
			above := row.Level > d.Level
			if row.LiveAt(d.Now) {
				row.Level = d.Level
			}
			return above && row.LiveAt(d.Now)
		})},
		{"downgrade to nothing", raise, downgrading(func(row *models.Session, d models.Downgrade) bool {
			if !row.LiveAt(d.Now) || row.Level <= d.Level {
				return false
			}
			row.Level = 0
			return true
		})},
		{"downgrade of everybody", live, breaking(func(s *Store, b *broken) {
			b.downgrade = func(ctx context.Context, d models.Downgrade) (models.Downgraded, error) {
				done, err := s.Downgrade(ctx, d)
				s.mu.Lock()
				defer s.mu.Unlock()
				for _, row := range s.sessions {
					row.Level = min(row.Level, d.Level)
				}
				return done, err
			}
		})},
	}
}

// downgradePageMutants go wrong where one call leaves off, or beside others.
func downgradePageMutants() []mutant {
	const (
		bounded  = "Downgrade looks at no more than the limit"
		complete = "Downgrade reaches every session, however few at a time"
		race     = "Downgrade counts each session once among the racers"
		apart    = "Downgrade and Advance leave each other's work alone"
	)
	with := func(before func(*models.Downgrade), after func(models.Downgrade, *models.Downgraded)) func() session.Store {
		return breaking(func(s *Store, b *broken) {
			b.downgrade = func(ctx context.Context, d models.Downgrade) (models.Downgraded, error) {
				before(&d)
				done, err := s.Downgrade(ctx, d)
				after(d, &done)
				return done, err
			}
		})
	}
	return []mutant{
		{"downgrade without a limit", bounded, with(
			func(d *models.Downgrade) { d.Limit = 1 << 30 }, func(models.Downgrade, *models.Downgraded) {})},
		{"downgrade says too early that it is done", complete, with(
			func(*models.Downgrade) {}, func(d models.Downgrade, done *models.Downgraded) {
				if done.Count < d.Limit {
					done.Next = nil
				}
			})},
		{"downgrade skips one millisecond", complete, with(
			func(d *models.Downgrade) { d.From.Handle = "" }, func(models.Downgrade, *models.Downgraded) {})},
		{"downgrade counts, then lowers", race, breaking(func(s *Store, b *broken) {
			b.downgrade = func(ctx context.Context, d models.Downgrade) (models.Downgraded, error) {
				page, err := s.List(ctx, models.SessionsOfUser{UserID: d.UserID, Now: d.Now})
				if err != nil {
					return models.Downgraded{}, err
				}
				count := 0
				for _, row := range page.Sessions {
					if row.Level > d.Level {
						count++
					}
				}
				dawdle()
				done, err := s.Downgrade(ctx, d)
				done.Count = count
				return done, err
			}
		})},
		{"downgrade writes whole rows", apart, breaking(func(s *Store, b *broken) {
			b.downgrade = func(ctx context.Context, d models.Downgrade) (models.Downgraded, error) {
				s.mu.Lock()
				before := map[string]models.Session{}
				for handle, row := range s.sessions {
					before[handle] = *row
				}
				s.mu.Unlock()
				time.Sleep(time.Millisecond) // on a busy machine the other racer needs more than dawdle
				done, err := s.Downgrade(ctx, d)
				s.mu.Lock()
				defer s.mu.Unlock()
				for handle, row := range s.sessions {
					if old, ok := before[handle]; ok && row.UserID == d.UserID {
						row.Lineage = old.Lineage
					}
				}
				return done, err
			}
		})},
	}
}
