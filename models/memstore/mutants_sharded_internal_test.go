package memstore

import (
	"context"

	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

func shardedMutants() []mutant {
	const (
		placed = "a sharded store takes no handle of another home"
		slices = "DeleteEnded removes ended rows of its slice alone"
		claims = "ClaimCleanup of one slice leaves the others alone"
		beyond = "DeleteEnded and ClaimCleanup refuse slices that are not there"
	)
	// ending deletes from the slice that of says.
	ending := func(of func(int) int) func() session.Store {
		return breakingSharded(func(s *Store, b *broken) {
			b.deleteEnded = func(ctx context.Context, e models.EndedSessions) (int, error) {
				e.Slice = of(e.Slice)
				return s.DeleteEnded(ctx, e)
			}
		})
	}
	return []mutant{
		{"any handle anywhere", placed, breakingSharded(func(s *Store, b *broken) {
			b.insert = func(ctx context.Context, row *models.Session) error {
				if err := alive(ctx); err != nil {
					return err
				}
				return s.insertRow(row)
			}
		})},
		{"any home of a handle", placed, breakingSharded(func(s *Store, b *broken) {
			b.insert = func(ctx context.Context, row *models.Session) error {
				if _, ok := models.HomeOfHandle(row.Handle); !ok || alive(ctx) != nil {
					return s.Insert(ctx, row)
				}
				return s.insertRow(row)
			}
		})},
		{"cleanup of all slices at once", slices, breakingSharded(func(s *Store, b *broken) {
			b.deleteEnded = func(ctx context.Context, e models.EndedSessions) (count int, err error) {
				for e.Slice = range models.HomeSlices {
					n, err := s.DeleteEnded(ctx, e)
					if count += n; err != nil {
						return count, err
					}
				}
				return count, nil
			}
		})},
		{"cleanup of the first slice only", slices, ending(func(int) int { return 0 })},
		{"cleanup leaves the last slice", slices, ending(func(slice int) int { return min(slice, models.HomeSlices-2) })},
		{"one claim for all slices", claims, breakingSharded(func(s *Store, b *broken) {
			b.claim = func(ctx context.Context, c models.CleanupClaim) (bool, error) {
				c.Slice = 0
				return s.ClaimCleanup(ctx, c)
			}
		})},
		{"cleanup of a slice beyond the last", beyond, breaking(func(s *Store, b *broken) {
			b.deleteEnded = func(ctx context.Context, e models.EndedSessions) (int, error) {
				e.Slice = 0
				return s.DeleteEnded(ctx, e)
			}
		})},
		{"claim of a slice beyond the last", beyond, breakingSharded(func(s *Store, b *broken) {
			b.claim = func(ctx context.Context, c models.CleanupClaim) (bool, error) {
				c.Slice = max(c.Slice, 0) % models.HomeSlices
				return s.ClaimCleanup(ctx, c)
			}
		})},
	}
}
