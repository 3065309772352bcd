package memstore

import (
	"context"

	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

func confirmMutants() []mutant {
	confirming := func(match func(*models.Session, models.Confirmation) bool, change func(*models.Session, models.Confirmation)) func() session.Store {
		return breaking(func(s *Store, b *broken) {
			b.confirm = func(ctx context.Context, c models.Confirmation) (bool, error) {
				return s.update(ctx, c.Handle, func(row *models.Session) bool {
					if !match(row, c) {
						return false
					}
					change(row, c)
					return true
				})
			}
		})
	}
	matches := func(row *models.Session, c models.Confirmation) bool {
		return row.LiveAt(c.Now) && row.Flags.Has(models.FlagPending)
	}
	right := func(row *models.Session, c models.Confirmation) {
		row.Flags &^= models.FlagPending
		row.ExpiresAt, row.LastUsedAt = max(row.ExpiresAt, c.ExpiresAt), c.Now
	}
	return []mutant{
		{"confirm of the dead", "Confirm refuses a revoked session", confirming(func(row *models.Session, _ models.Confirmation) bool {
			return row.Flags.Has(models.FlagPending)
		}, right)},
		{"confirm without looking at the absolute end", "Confirm refuses 1 ms after the absolute end", confirming(func(row *models.Session, c models.Confirmation) bool {
			return row.RevokedAt == 0 && row.ExpiresAt > c.Now && row.Flags.Has(models.FlagPending)
		}, right)},
		{"confirm counts no change", "Confirm refuses a session that is not pending", confirming(func(row *models.Session, c models.Confirmation) bool {
			return row.LiveAt(c.Now)
		}, right)},
		{"confirm takes another flag", "Confirm refuses a session that is not pending", confirming(matchesAnyFlag, right)},
		{"confirm takes all flags", "Confirm takes the flag, moves the idle end and changes nothing else", confirming(matches, func(row *models.Session, c models.Confirmation) {
			right(row, c)
			row.Flags = 0
		})},
		{"confirm leaves the idle end", "Confirm takes the flag, moves the idle end and changes nothing else", confirming(matches, func(row *models.Session, c models.Confirmation) {
			row.Flags &^= models.FlagPending
			row.LastUsedAt = c.Now
		})},
		{"confirm moves the idle end back", "Confirm never moves the idle end back", confirming(matches, func(row *models.Session, c models.Confirmation) {
			right(row, c)
			row.ExpiresAt = c.ExpiresAt
		})},
		{"confirm does nothing", "Confirm takes the flag, moves the idle end and changes nothing else", confirming(matches, func(*models.Session, models.Confirmation) {})},
		{"confirm forgets the origin", "Confirm takes the flag, moves the idle end and changes nothing else", confirming(matches, func(row *models.Session, c models.Confirmation) {
			right(row, c)
			row.Origin = ""
		})},
		{"confirm of absent rows", "Confirm refuses an unknown handle", breaking(func(s *Store, b *broken) {
			b.confirm = func(ctx context.Context, c models.Confirmation) (bool, error) {
				row, err := s.Find(ctx, c.Handle)
				if row == nil {
					return true, err
				}
				return s.Confirm(ctx, c)
			}
		})},
		{"confirm reads, compares, writes", "Confirm lets one of the racers win", breaking(func(s *Store, b *broken) {
			b.confirm = func(ctx context.Context, c models.Confirmation) (bool, error) {
				row, err := s.Find(ctx, c.Handle)
				if err != nil || row == nil || !matches(row, c) {
					return false, err
				}
				dawdle()
				return s.update(ctx, c.Handle, func(row *models.Session) bool {
					right(row, c)
					return true
				})
			}
		})},
	}
}

// matchesAnyFlag takes any flag for the pending one.
func matchesAnyFlag(row *models.Session, c models.Confirmation) bool {
	return row.LiveAt(c.Now) && row.Flags != 0
}
