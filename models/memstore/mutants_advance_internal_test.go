package memstore

import (
	"bytes"
	"context"

	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

type (
	condition  func(*models.Session, models.Advance) bool
	assignment func(*models.Session, models.Advance)
)

// The conditions of the compare-and-swap, and what it sets.
func lives(row *models.Session, step models.Advance) bool { return row.LiveAt(step.Now) }

func fromFits(row *models.Session, step models.Advance) bool {
	return row.Lineage.Current == step.From
}

func prevFits(row *models.Session, step models.Advance) bool {
	return step.ExpectPrevious.IsZero() || row.Lineage.Previous == step.ExpectPrevious
}

func assign(row *models.Session, step models.Advance) { *row = advanced(*row, step) }

// advanced returns row as it must be after step.
func advanced(row models.Session, step models.Advance) models.Session {
	row.Lineage = models.Lineage{
		Current: step.To, Previous: step.Previous, IssuedAt: step.IssuedAt, Generation: step.Generation,
	}
	row.ExpiresAt = max(row.ExpiresAt, step.ExpiresAt)
	row.LastUsedAt = step.Now

	return row
}

// swapping opens a store whose Advance has these conditions and assignments.
func swapping(set assignment, conditions ...condition) func() session.Store {
	return breaking(func(s *Store, b *broken) {
		b.advance = func(ctx context.Context, step models.Advance) (bool, error) {
			return s.update(ctx, step.Handle, func(row *models.Session) bool {
				for _, holds := range conditions {
					if !holds(row, step) {
						return false
					}
				}
				set(row, step)
				return true
			})
		}
	})
}

// liveUnless is lives with other ideas about the ends.
func liveUnless(ended func(row *models.Session, now int64) bool) condition {
	return func(row *models.Session, step models.Advance) bool {
		return row.RevokedAt == 0 && !ended(row, step.Now)
	}
}

// likeHash compares tokens after some text function.
func likeHash(fold func([]byte) []byte) condition {
	return func(row *models.Session, step models.Advance) bool {
		return bytes.Equal(fold(row.Lineage.Current[:]), fold(step.From[:]))
	}
}

func trimBlanks(b []byte) []byte { return bytes.TrimRight(b, " \x00") }

func advanceMutants() []mutant {
	ended := func(idle, absolute int64) condition {
		return liveUnless(func(row *models.Session, now int64) bool {
			return row.ExpiresAt <= now+idle ||
				row.AbsoluteExpiresAt != 0 && row.AbsoluteExpiresAt <= now+absolute
		})
	}
	const never = -100 * day
	return []mutant{
		{"swap without compare", "Advance refuses a token that never was one", swapping(assign, lives, prevFits)},
		{"swap takes the previous token, too", "Advance refuses the previous token", swapping(assign, lives, prevFits,
			func(row *models.Session, step models.Advance) bool {
				return fromFits(row, step) || row.Lineage.Previous == step.From
			})},
		{"swap takes no token for any", "Advance refuses no token", swapping(assign, lives, prevFits,
			func(row *models.Session, step models.Advance) bool { return step.From.IsZero() || fromFits(row, step) })},
		{
			"swap compares a prefix", "Advance refuses a token that differs in the last bit",
			swapping(assign, lives, prevFits, likeHash(func(b []byte) []byte { return b[:31] })),
		},
		{
			"swap compares regardless of case", "Advance refuses a token that differs in case",
			swapping(assign, lives, prevFits, likeHash(bytes.ToLower)),
		},
		{
			"swap compares padded", "Advance refuses a token that differs in trailing blanks",
			swapping(assign, lives, prevFits, likeHash(trimBlanks)),
		},
		{
			"swap ignores the expected previous token", "Advance refuses another previous token than expected",
			swapping(assign, lives, fromFits),
		},
		{
			"swap always expects a previous token", "Advance applies to the first generation, which has no previous token",
			swapping(assign, lives, fromFits, prevFits, func(row *models.Session, _ models.Advance) bool {
				return !row.Lineage.Previous.IsZero()
			}),
		},
		{"swap of revoked sessions", "Advance refuses a revoked session", swapping(assign, fromFits, prevFits,
			func(row *models.Session, step models.Advance) bool {
				live := *row
				live.RevokedAt = 0
				return live.LiveAt(step.Now)
			})},
		{
			"swap compares the revocation with now", "Advance refuses a session revoked at a later time",
			swapping(assign, fromFits, prevFits, func(row *models.Session, step models.Advance) bool {
				live := *row
				if live.RevokedAt > step.Now {
					live.RevokedAt = 0
				}
				return live.LiveAt(step.Now)
			}),
		},
		{"swap at the idle end", "Advance refuses at the idle end", swapping(assign, fromFits, prevFits, ended(-1, 0))},
		{
			"swap without idle end", "Advance refuses 1 ms after the idle end",
			swapping(assign, fromFits, prevFits, ended(never, 0)),
		},
		{
			"swap at the absolute end", "Advance refuses at the absolute end",
			swapping(assign, fromFits, prevFits, ended(0, -1)),
		},
		{
			"swap without absolute end", "Advance refuses 1 ms after the absolute end",
			swapping(assign, fromFits, prevFits, ended(0, never)),
		},
		{
			"swap ends 1 ms early", "Advance applies 1 ms before the idle end",
			swapping(assign, fromFits, prevFits, ended(1, 0)),
		},
		{
			"swap ends absolutely 1 ms early", "Advance applies 1 ms before the absolute end",
			swapping(assign, fromFits, prevFits, ended(0, 1)),
		},
		{
			"swap takes 0 for an absolute end", "Advance applies without an absolute end",
			swapping(assign, fromFits, prevFits, liveUnless(func(row *models.Session, now int64) bool {
				return row.ExpiresAt <= now || row.AbsoluteExpiresAt <= now
			})),
		},
		{"swap reports a step that was done already", "Advance refuses the same step again", swapping(assign, lives, prevFits,
			func(row *models.Session, step models.Advance) bool {
				return fromFits(row, step) || row.Lineage.Current == step.To
			})},
		{"swap is an upsert", "Advance refuses an unknown handle", breaking(func(s *Store, b *broken) {
			b.advance = func(ctx context.Context, step models.Advance) (bool, error) {
				row := advanced(models.Session{Handle: step.Handle}, step)
				if err := s.Insert(ctx, &row); err == nil {
					return true, nil
				}
				return s.Advance(ctx, step)
			}
		})},
		{"swap reads, compares, writes", "Advance lets exactly one of the racers win", breaking(func(s *Store, b *broken) {
			b.advance = func(ctx context.Context, step models.Advance) (bool, error) {
				row, err := s.Find(ctx, step.Handle)
				if err != nil || row == nil || !lives(row, step) || !fromFits(row, step) || !prevFits(row, step) {
					return false, err
				}
				dawdle()
				return s.update(ctx, step.Handle, func(row *models.Session) bool {
					assign(row, step)
					return true
				})
			}
		})},
		{"swap writes the whole row back", "Advance racing Revoke never applies afterwards", breaking(func(s *Store, b *broken) {
			b.advance = func(ctx context.Context, step models.Advance) (bool, error) {
				read, err := s.Find(ctx, step.Handle)
				if err != nil || read == nil || !lives(read, step) || !prevFits(read, step) {
					return false, err
				}
				dawdle()
				return s.update(ctx, step.Handle, func(row *models.Session) bool {
					if !fromFits(row, step) {
						return false
					}
					assign(read, step)
					*row = *read
					return true
				})
			}
		})},
	}
}

func boundMutants() []mutant {
	after := func(fix assignment) func() session.Store {
		return swapping(func(row *models.Session, step models.Advance) {
			assign(row, step)
			fix(row, step)
		}, lives, fromFits, prevFits)
	}
	return []mutant{
		{
			"previous token from the row, after its change", "Advance applies a chain of steps",
			after(func(row *models.Session, step models.Advance) { row.Lineage.Previous = step.To }),
		},
		{
			"previous token from the row, before its change", "Advance applies the bound previous token, whatever was current",
			after(func(row *models.Session, step models.Advance) { row.Lineage.Previous = step.From }),
		},
		{
			"generation counted by the store", "Advance applies a generation that skips some",
			swapping(func(row *models.Session, step models.Advance) {
				step.Generation = row.Lineage.Generation + 1
				assign(row, step)
			}, lives, fromFits, prevFits),
		},
		{
			"issue time never goes back", "Advance applies an earlier issue time and last use",
			swapping(func(row *models.Session, step models.Advance) {
				step.IssuedAt = max(step.IssuedAt, row.Lineage.IssuedAt)
				assign(row, step)
			}, lives, fromFits, prevFits),
		},
		{
			"last use forgotten", "Advance applies a chain of steps",
			swapping(func(row *models.Session, step models.Advance) {
				step.Now = row.LastUsedAt
				assign(row, step)
			}, lives, fromFits, prevFits),
		},
		{
			"idle end moves back", "Advance applies an idle end that is earlier, without moving it back",
			after(func(row *models.Session, step models.Advance) { row.ExpiresAt = step.ExpiresAt }),
		},
		{
			"swap makes null of absent", "Advance applies without touching an absent payload and data",
			after(func(row *models.Session, _ models.Advance) {
				if row.Payload == nil {
					row.Payload = []byte("null")
				}
			}),
		},
		{
			"hashes lose trailing blanks", "Advance applies hashes of bytes that text columns mangle",
			after(func(row *models.Session, step models.Advance) {
				row.Lineage.Current = models.Hash{}
				copy(row.Lineage.Current[:], trimBlanks(step.To[:]))
			}),
		},
		{
			"times end in 2038", "Advance applies in the year 2100",
			after(func(row *models.Session, _ models.Advance) { row.ExpiresAt = min(row.ExpiresAt, 1<<31*1000) }),
		},
	}
}
