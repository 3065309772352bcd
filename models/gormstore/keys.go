package gormstore

import (
	"context"
	"database/sql"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

// maxKeys bounds what Keys reads. A ring has a handful; and a SELECT that says
// how many rows it wants is out of the reach of MySQL's sql_select_limit.
const maxKeys = 10_000

// selectKeys leaves out keys that are dead already. The order is that of an
// index, and makes no difference: the key ring sorts.
const selectKeys statement = "SELECT " + keyColumns + " FROM {keys} WHERE retire_at > ? ORDER BY retire_at, id LIMIT ?"

// Keys returns the keys that retire after now; see session.KeyStore.
func (s *Store) Keys(ctx context.Context, now int64) ([]models.SigningKey, error) {
	return collect(ctx, s, scanKey, s.sql.of(selectKeys), now, maxKeys)
}

// insertKey and keyOfSlot meet at the unique index on purpose and slot.
const (
	insertKey statement = "INSERT INTO {keys} (" + keyColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
	keyOfSlot statement = "SELECT " + keyColumns + " FROM {keys} WHERE purpose = ? AND slot = ?"
)

// InsertKey stores a key unless its purpose and slot have one; see
// session.KeyStore. An id that another slot's key has is [errors.ErrDuplicate].
//
// It is a plain INSERT that may fail rather than the dialects' forms of "insert
// or ignore": MySQL's ignores every other error with it, and cuts values off.
func (s *Store) InsertKey(ctx context.Context, key models.SigningKey) error {
	if err := checkKey(&key); err != nil {
		return err
	}
	_, err := s.exec(ctx, s.sql.of(insertKey), key.ID, string(key.Purpose), key.Slot, key.Algorithm,
		s.bytes(key.Secret), key.CreatedAt, key.ActiveFrom, key.RetireAt)
	if !errors.Is(err, errors.ErrDuplicate) {
		return err
	}
	// Which of the two unique keys was it? The slot's means that somebody was
	// faster.
	taken, findErr := collect(ctx, s, scanKey, s.sql.of(keyOfSlot), string(key.Purpose), key.Slot)
	switch {
	case findErr != nil:
		return findErr
	case len(taken) > 0:
		return nil
	}
	return err
}

// retireKey only moves the time to an earlier one: two calls end with the
// earlier of their times, in whatever order they come.
const retireKey statement = "UPDATE {keys} SET retire_at = ? WHERE id = ? AND retire_at > ?"

// RetireKey moves a key's retirement to an earlier time; see session.KeyStore.
func (s *Store) RetireKey(ctx context.Context, id string, at int64) (bool, error) {
	return s.swap(ctx, s.sql.of(retireKey), at, id, at)
}

// sealKey compares the secret with what was read, so that of two processes
// which seal one key with different encryption keys only the first does it.
const sealKey statement = "UPDATE {keys} SET secret = ? WHERE id = ? AND secret = ?"

// SealKey replaces the stored form of a key's secret; see session.KeyStore.
func (s *Store) SealKey(ctx context.Context, id string, read, sealed []byte) (bool, error) {
	if err := checkLimits([]limit{secretLimit(sealed)}); err != nil {
		return false, err
	}
	return s.swap(ctx, s.sql.of(sealKey), s.bytes(sealed), id, s.bytes(read))
}

// deleteKeys needs no limit: a key ring makes few keys.
const deleteKeys statement = "DELETE FROM {keys} WHERE retire_at < ?"

// DeleteKeys removes keys that retired before the given time; see
// session.KeyStore.
func (s *Store) DeleteKeys(ctx context.Context, before int64) (int, error) {
	return s.exec(ctx, s.sql.of(deleteKeys), before)
}

// scanKey is in the order of keyColumns.
func scanKey(rows *sql.Rows, key *models.SigningKey) error {
	return rows.Scan(&key.ID, &key.Purpose, &key.Slot, &key.Algorithm, &key.Secret,
		&key.CreatedAt, &key.ActiveFrom, &key.RetireAt)
}
