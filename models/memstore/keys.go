package memstore

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

// Keys implements session.KeyStore, in the order of their slots.
func (s *Store) Keys(ctx context.Context, now int64) ([]models.SigningKey, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()

	var keys []models.SigningKey
	for _, key := range s.keys {
		if key.RetireAt > now {
			keys = append(keys, *cloneKey(key))
		}
	}
	slices.SortFunc(keys, func(a, b models.SigningKey) int {
		return cmp.Or(cmp.Compare(a.Slot, b.Slot), cmp.Compare(a.Purpose, b.Purpose))
	})
	return keys, nil
}

// InsertKey implements session.KeyStore. An id that a key of another purpose or
// slot has already is errors.ErrDuplicate: ids are random, so it is no race
// that reading again would settle.
func (s *Store) InsertKey(ctx context.Context, key models.SigningKey) error {
	if err := alive(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()

	for _, old := range s.keys {
		if old.Purpose == key.Purpose && old.Slot == key.Slot {
			return nil
		}
	}
	if _, ok := s.keys[key.ID]; ok {
		return errors.WithReason(errors.ErrGeneral, errors.ErrDuplicate)
	}
	if s.keys == nil {
		s.keys = make(map[string]*models.SigningKey)
	}
	s.keys[key.ID] = cloneKey(&key)

	return nil
}

// RetireKey implements session.KeyStore.
func (s *Store) RetireKey(ctx context.Context, id string, at int64) (bool, error) {
	if err := alive(ctx); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()

	key, ok := s.keys[id]
	if !ok || key.RetireAt <= at {
		return false, nil
	}
	key.RetireAt = at

	return true, nil
}

// SealKey implements session.KeyStore.
func (s *Store) SealKey(ctx context.Context, id string, read, sealed []byte) (bool, error) {
	if err := alive(ctx); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()

	key, ok := s.keys[id]
	if !ok || !bytes.Equal(key.Secret, read) {
		return false, nil
	}
	key.Secret = bytes.Clone(sealed)

	return true, nil
}

// DeleteKeys implements session.KeyStore.
func (s *Store) DeleteKeys(ctx context.Context, before int64) (int, error) {
	if err := alive(ctx); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()

	deleted := 0
	for id, key := range s.keys {
		if key.RetireAt < before {
			delete(s.keys, id)
			deleted++
		}
	}
	return deleted, nil
}

func cloneKey(key *models.SigningKey) *models.SigningKey {
	clone := *key
	clone.Secret = bytes.Clone(key.Secret)

	return &clone
}
