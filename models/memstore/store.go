package memstore

import (
	"bytes"
	"context"
	"reflect"
	"sync"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

// Store is a session.Store in memory. One lock makes each method the single
// atomic statement that the contract asks for. Rows are copied deeply on the
// way in and out: changing what one has passed or got changes nothing stored.
//
// It is safe for concurrent use and the zero Store is empty and ready.
type Store struct {
	mu       sync.Mutex
	sessions map[string]*models.Session
	keys     map[string]*models.SigningKey
	// cleanupUntil has the claim of each slice.
	cleanupUntil [models.HomeSlices]int64
	feed         feed
	sharded      bool
}

// New returns an empty store.
func New() *Store { return &Store{} }

// NewSharded returns an empty store that asks of its rows what one asks that spreads
// them over servers. It is for the tests of those who have such a one.
func NewSharded() *Store { return &Store{sharded: true} }

// Sharded implements session.Store.
func (s *Store) Sharded() bool { return s.sharded }

// Check implements session.Store; a map lacks no column.
func (s *Store) Check(ctx context.Context) error {
	if err := alive(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.feed.seen = s.feed.on

	return nil
}

// Insert implements session.Store.
func (s *Store) Insert(ctx context.Context, row *models.Session) error {
	if err := alive(ctx); err != nil {
		return err
	}
	if home, ok := models.HomeOfHandle(row.Handle); s.sharded && (!ok || home != models.HomeOf(row.UserID)) {
		return errors.WithReason(errors.ErrInvalidInput, errors.New("handle is of another home than user_id"))
	}
	return s.insertRow(row)
}

// insertRow is Insert wherever the row belongs.
func (s *Store) insertRow(row *models.Session) error {
	s.mu.Lock()
	defer s.mu.Unlock()

	if old, ok := s.sessions[row.Handle]; ok {
		if reflect.DeepEqual(old, row) {
			return nil // the earlier attempt of this call
		}
		return errors.WithReason(errors.ErrGeneral, errors.ErrDuplicate)
	}
	if s.sessions == nil {
		s.sessions = make(map[string]*models.Session)
	}
	s.sessions[row.Handle] = cloneSession(row)

	return nil
}

// Find implements session.Store.
func (s *Store) Find(ctx context.Context, handle string) (*models.Session, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()

	row, ok := s.sessions[handle]
	if !ok {
		return nil, nil //nolint:nilnil // the contract: no row, no error
	}
	return cloneSession(row), nil
}

// Advance implements session.Store.
func (s *Store) Advance(ctx context.Context, step models.Advance) (bool, error) {
	return s.update(ctx, step.Handle, func(row *models.Session) bool {
		token := &row.Lineage
		if !row.LiveAt(step.Now) || !token.Current.Equal(step.From) ||
			!step.ExpectPrevious.IsZero() && !token.Previous.Equal(step.ExpectPrevious) {
			return false
		}
		*token = models.Lineage{
			Current: step.To, Previous: step.Previous, IssuedAt: step.IssuedAt, Generation: step.Generation,
		}
		row.ExpiresAt = max(row.ExpiresAt, step.ExpiresAt)
		row.LastUsedAt = step.Now

		return true
	})
}

// Extend implements session.Store.
func (s *Store) Extend(ctx context.Context, ext models.Extend) (bool, error) {
	return s.update(ctx, ext.Handle, func(row *models.Session) bool {
		if !row.LiveAt(ext.Now) || !row.Lineage.Current.Equal(ext.Current) ||
			row.ExpiresAt >= ext.ExpiresAt {
			return false
		}
		row.ExpiresAt = ext.ExpiresAt
		row.LastUsedAt = ext.Now

		return true
	})
}

// Confirm implements session.Store.
func (s *Store) Confirm(ctx context.Context, c models.Confirmation) (bool, error) {
	return s.update(ctx, c.Handle, func(row *models.Session) bool {
		if !row.LiveAt(c.Now) || !row.Flags.Has(models.FlagPending) {
			return false
		}
		row.Flags &^= models.FlagPending
		row.ExpiresAt = max(row.ExpiresAt, c.ExpiresAt)
		row.LastUsedAt = c.Now

		return true
	})
}

// WriteData implements session.Store.
func (s *Store) WriteData(ctx context.Context, w models.DataWrite) (bool, error) {
	return s.update(ctx, w.Handle, func(row *models.Session) bool {
		if !row.LiveAt(w.Now) || w.IfVersion != nil && row.DataVersion != *w.IfVersion {
			return false
		}
		row.Data = bytes.Clone(w.Data)
		row.DataVersion++

		return true
	})
}

// WritePayload implements session.Store.
func (s *Store) WritePayload(ctx context.Context, w models.PayloadWrite) (bool, error) {
	return s.update(ctx, w.Handle, func(row *models.Session) bool {
		if !row.LiveAt(w.Now) || !sameText(row.Payload, w.Old) {
			return false
		}
		row.Payload = bytes.Clone(w.New)

		return true
	})
}

// update runs change on the stored row under the lock, and reports what it
// says; an absent row is no match.
func (s *Store) update(ctx context.Context, handle string, change func(*models.Session) bool) (bool, error) {
	if err := alive(ctx); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	row, ok := s.sessions[handle]

	return ok && change(row), nil
}

// alive turns the end of ctx into the error that the contract asks for.
func alive(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return errors.WithReason(errors.ErrUnavailable, err)
	}
	return nil
}

// sameText compares JSON texts of which nil, and only nil, means absent.
func sameText(a, b []byte) bool {
	return (a == nil) == (b == nil) && bytes.Equal(a, b)
}

func cloneSession(row *models.Session) *models.Session {
	clone := *row
	clone.Payload = bytes.Clone(row.Payload)
	clone.Data = bytes.Clone(row.Data)

	return &clone
}
