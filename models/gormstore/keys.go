package gormstore

import (
	"context"
	"database/sql"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

// Keys returns the keys that retire after now; see session.KeyStore.
func (s *Store) Keys(ctx context.Context, now int64) ([]models.SigningKey, error) {
	return collect(ctx, s, scanKey, s.sql[selectKeys], now, maxKeys)
}

// InsertKey stores a key unless its purpose and slot have one; see
// session.KeyStore. An id that another slot's key has is errors.ErrDuplicate.
//
// It is a plain INSERT that may fail rather than the dialects' forms of "insert
// or ignore": MySQL's ignores every other error with it, and cuts values off.
func (s *Store) InsertKey(ctx context.Context, key models.SigningKey) error {
	if err := keyFits(&key); err != nil {
		return err
	}
	_, err := s.exec(ctx, s.sql[insertKey], key.ID, string(key.Purpose), key.Slot, key.Algorithm,
		s.bytes(key.Secret), key.CreatedAt, key.ActiveFrom, key.RetireAt)
	if !errors.Is(err, errors.ErrDuplicate) {
		return err
	}
	taken, findErr := collect(ctx, s, scanKey, s.sql[keyOfSlot], string(key.Purpose), key.Slot)
	switch {
	case findErr != nil:
		return findErr
	case len(taken) > 0:
		return nil
	}
	return err
}

// RetireKey moves a key's retirement to an earlier time; see session.KeyStore.
func (s *Store) RetireKey(ctx context.Context, id string, at int64) (bool, error) {
	return s.swap(ctx, s.sql[retireKey], at, id, at)
}

// SealKey replaces the stored form of a key's secret; see session.KeyStore.
func (s *Store) SealKey(ctx context.Context, id string, read, sealed []byte) (bool, error) {
	if err := firstMisfit([]limit{secretLimit(sealed)}); err != nil {
		return false, err
	}
	return s.swap(ctx, s.sql[sealKey], s.bytes(sealed), id, s.bytes(read))
}

// DeleteKeys removes keys that retired before the given time; see
// session.KeyStore.
func (s *Store) DeleteKeys(ctx context.Context, before int64) (int, error) {
	return s.exec(ctx, s.sql[deleteKeys], before)
}

// scanKey is in the order of keyColumns.
func scanKey(rows *sql.Rows, key *models.SigningKey) error {
	return rows.Scan(&key.ID, &key.Purpose, &key.Slot, &key.Algorithm, &key.Secret,
		&key.CreatedAt, &key.ActiveFrom, &key.RetireAt)
}
