package memstore

import (
	"bytes"
	"context"
	"strings"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

func cleanupMutants() []mutant {
	deleting := func(ended func(*models.Session, int64) bool) func() session.Store {
		return breaking(func(s *Store, b *broken) {
			b.deleteEnded = func(ctx context.Context, e models.EndedSessions) (count int, err error) {
				s.mu.Lock()
				defer s.mu.Unlock()
				for handle, row := range s.sessions {
					if count < e.Limit && ended(row, e.Before) {
						delete(s.sessions, handle)
						count++
					}
				}
				return count, alive(ctx)
			}
		})
	}
	const ended = "DeleteEnded removes ended rows and never a live one"
	return []mutant{
		{"cleanup of the living", ended, deleting(func(*models.Session, int64) bool { return true })},
		{"cleanup of tombstones", ended, deleting(func(row *models.Session, before int64) bool {
			return endedBefore(row, before) || row.RevokedAt != 0 && row.RevokedAt < before
		})},
		{"cleanup spares tombstones forever", ended, deleting(func(row *models.Session, before int64) bool {
			return endedBefore(row, before) && row.RevokedAt == 0
		})},
		{"cleanup takes 0 for an absolute end", ended, deleting(func(row *models.Session, before int64) bool {
			return row.ExpiresAt < before || row.AbsoluteExpiresAt < before
		})},
		{"cleanup by idle end only", ended, deleting(func(row *models.Session, before int64) bool {
			return row.ExpiresAt < before
		})},
		{"cleanup by absolute end only", ended, deleting(func(row *models.Session, before int64) bool {
			return row.AbsoluteExpiresAt != 0 && row.AbsoluteExpiresAt < before
		})},
		{"cleanup 1 ms early", ended, deleting(func(row *models.Session, before int64) bool {
			return endedBefore(row, before+1)
		})},
		{"cleanup without limit", "DeleteEnded removes no more than the limit", breaking(func(s *Store, b *broken) {
			b.deleteEnded = func(ctx context.Context, e models.EndedSessions) (int, error) {
				e.Limit = 1 << 30
				return s.DeleteEnded(ctx, e)
			}
		})},
		{
			"cleanup counts what it meant to delete", "DeleteEnded counts each row once among the racers",
			breaking(func(s *Store, b *broken) {
				b.deleteEnded = func(ctx context.Context, e models.EndedSessions) (int, error) {
					found := 0
					s.mu.Lock()
					for _, row := range s.sessions {
						if found < e.Limit && endedBefore(row, e.Before) {
							found++
						}
					}
					s.mu.Unlock()
					dawdle()
					_, err := s.DeleteEnded(ctx, e)
					return found, err
				}
			}),
		},
		{"claim for everybody", "ClaimCleanup has one winner among the racers", breaking(func(_ *Store, b *broken) {
			b.claim = func(ctx context.Context, _ models.CleanupClaim) (bool, error) { return true, alive(ctx) }
		})},
		{"claim moves even when it fails", "ClaimCleanup has no winner until the time given", breaking(func(s *Store, b *broken) {
			b.claim = func(ctx context.Context, c models.CleanupClaim) (bool, error) {
				ok, err := s.ClaimCleanup(ctx, c)
				s.mu.Lock()
				defer s.mu.Unlock()
				s.cleanupUntil[0] = max(s.cleanupUntil[0], c.Until)
				return ok, err
			}
		})},
		{"claim once forever", "ClaimCleanup has no winner until the time given", breaking(func(s *Store, b *broken) {
			b.claim = func(ctx context.Context, c models.CleanupClaim) (bool, error) {
				c.Until = 1 << 62
				return s.ClaimCleanup(ctx, c)
			}
		})},
	}
}

func keyMutants() []mutant {
	return append(keyInsertMutants(),
		mutant{"keys with the retired", "Keys leaves out a key from its retirement on", breaking(func(s *Store, b *broken) {
			b.keysAt = func(ctx context.Context, _ int64) ([]models.SigningKey, error) { return s.Keys(ctx, 0) }
		})},
		mutant{"keys at their retirement", "Keys leaves out a key from its retirement on", breaking(func(s *Store, b *broken) {
			b.keysAt = func(ctx context.Context, now int64) ([]models.SigningKey, error) { return s.Keys(ctx, now-1) }
		})},
		mutant{"retirement put off", "RetireKey moves the end to an earlier time only", breaking(func(s *Store, b *broken) {
			b.retireKey = func(ctx context.Context, id string, at int64) (bool, error) {
				s.mu.Lock()
				defer s.mu.Unlock()
				key, ok := s.keys[id]
				if ok {
					key.RetireAt = at
				}
				return ok, alive(ctx)
			}
		})},
		mutant{"seals whatever is there", "SealKey replaces exactly what was read", breaking(func(s *Store, b *broken) {
			b.sealKey = func(ctx context.Context, id string, _, sealed []byte) (bool, error) {
				s.mu.Lock()
				key, ok := s.keys[id]
				var there []byte
				if ok {
					there = key.Secret
				}
				s.mu.Unlock()
				return s.SealKey(ctx, id, there, sealed)
			}
		})},
		mutant{"seals regardless of case", "SealKey replaces exactly what was read", breaking(func(s *Store, b *broken) {
			b.sealKey = func(ctx context.Context, id string, read, sealed []byte) (bool, error) {
				s.mu.Lock()
				if key, ok := s.keys[id]; ok && bytes.EqualFold(key.Secret, read) {
					read = key.Secret
				}
				s.mu.Unlock()
				return s.SealKey(ctx, id, read, sealed)
			}
		})},
		mutant{"seals and keeps the caller's bytes", "SealKey replaces exactly what was read", breaking(func(s *Store, b *broken) {
			b.sealKey = func(ctx context.Context, id string, read, sealed []byte) (bool, error) {
				ok, err := s.SealKey(ctx, id, read, sealed)
				s.mu.Lock()
				defer s.mu.Unlock()
				if ok {
					s.keys[id].Secret = sealed
				}
				return ok, err
			}
		})},
		mutant{"seals all that are alike", "SealKey replaces exactly what was read", breaking(func(s *Store, b *broken) {
			b.sealKey = func(ctx context.Context, id string, read, sealed []byte) (bool, error) {
				ok, err := s.SealKey(ctx, id, read, sealed)
				s.mu.Lock()
				defer s.mu.Unlock()
				for _, key := range s.keys {
					if ok && bytes.Equal(key.Secret, read) {
						key.Secret = bytes.Clone(sealed)
					}
				}
				return ok, err
			}
		})},
		mutant{"seals nothing and says so", "SealKey replaces exactly what was read", breaking(func(_ *Store, b *broken) {
			b.sealKey = func(ctx context.Context, _ string, _, _ []byte) (bool, error) { return true, alive(ctx) }
		})},
		mutant{"retirement of all", "RetireKey moves the end to an earlier time only", breaking(func(s *Store, b *broken) {
			b.retireKey = func(ctx context.Context, id string, at int64) (bool, error) {
				ok, err := s.RetireKey(ctx, id, at)
				s.mu.Lock()
				defer s.mu.Unlock()
				for _, key := range s.keys {
					key.RetireAt = min(key.RetireAt, at)
				}
				return ok, err
			}
		})},
		mutant{"retirement regardless of case", "InsertKey keeps purposes and slots apart", breaking(func(s *Store, b *broken) {
			b.retireKey = func(ctx context.Context, id string, at int64) (bool, error) {
				s.mu.Lock()
				defer s.mu.Unlock()
				count := 0
				for _, key := range s.keys {
					if strings.EqualFold(key.ID, id) && key.RetireAt > at {
						key.RetireAt = at
						count++
					}
				}
				return count > 0, alive(ctx)
			}
		})},
		mutant{
			"keys deleted at their retirement", "DeleteKeys removes keys that retired before and no other",
			breaking(func(s *Store, b *broken) {
				b.deleteKeys = func(ctx context.Context, before int64) (int, error) { return s.DeleteKeys(ctx, before+1) }
			}),
		},
		mutant{
			"keys never deleted", "DeleteKeys removes keys that retired before and no other",
			breaking(func(_ *Store, b *broken) {
				b.deleteKeys = func(ctx context.Context, _ int64) (int, error) { return 0, alive(ctx) }
			}),
		},
	)
}

func keyInsertMutants() []mutant {
	// replacing deletes the keys that are in the way first.
	replacing := func(inTheWay func(old, key models.SigningKey) bool) func() session.Store {
		return breaking(func(s *Store, b *broken) {
			b.insertKey = func(ctx context.Context, key models.SigningKey) error {
				s.mu.Lock()
				for id, old := range s.keys {
					if inTheWay(*old, key) {
						delete(s.keys, id)
					}
				}
				s.mu.Unlock()
				return s.InsertKey(ctx, key)
			}
		})
	}
	sameSlot := func(old, key models.SigningKey) bool { return old.Purpose == key.Purpose && old.Slot == key.Slot }

	return []mutant{
		{"keys replaced by slot", "InsertKey never overwrites a key of that purpose and slot", replacing(sameSlot)},
		{
			"keys replaced by id", "InsertKey never overwrites a key of that id",
			replacing(func(old, key models.SigningKey) bool { return old.ID == key.ID }),
		},
		{"the last key wins", "InsertKey converges to one key among the racers", replacing(sameSlot)},
		{
			"retired keys leave their slot", "InsertKey never overwrites a key of that purpose and slot",
			replacing(func(old, key models.SigningKey) bool { return sameSlot(old, key) && old.RetireAt < during }),
		},
		{"a taken slot is an error", "InsertKey converges to one key among the racers", breaking(func(s *Store, b *broken) {
			b.insertKey = func(ctx context.Context, key models.SigningKey) error {
				keys, _ := s.Keys(ctx, 0)
				for _, old := range keys {
					if sameSlot(old, key) {
						return errors.WithReason(errors.ErrGeneral, errors.ErrDuplicate)
					}
				}
				return s.InsertKey(ctx, key)
			}
		})},
		{"one key per slot of any purpose", "InsertKey keeps purposes and slots apart", breaking(func(s *Store, b *broken) {
			b.insertKey = func(ctx context.Context, key models.SigningKey) error {
				keys, err := s.Keys(ctx, 0)
				for _, old := range keys {
					if old.Slot == key.Slot {
						return err
					}
				}
				return s.InsertKey(ctx, key)
			}
		})},
		{"secrets trimmed", "InsertKey keeps every field exactly", breaking(func(s *Store, b *broken) {
			b.insertKey = func(ctx context.Context, key models.SigningKey) error {
				key.Secret = trimBlanks(key.Secret)
				return s.InsertKey(ctx, key)
			}
		})},
		{"keys keep the caller's slice", "InsertKey and Keys copy deeply", breaking(func(s *Store, b *broken) {
			b.insertKey = func(ctx context.Context, key models.SigningKey) error {
				err := s.InsertKey(ctx, key)
				s.mu.Lock()
				defer s.mu.Unlock()
				if stored, ok := s.keys[key.ID]; ok && sameSlot(*stored, key) {
					stored.Secret = key.Secret
				}
				return err
			}
		})},
	}
}
