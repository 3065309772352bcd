package gormstore

import (
	"context"

	"github.com/gin-sessionkit/sessionkit/models"
)

// Advance applies one compare-and-swap; see session.Store.
func (s *Store) Advance(ctx context.Context, step models.Advance) (bool, error) {
	query := s.sql[advance]
	args := []any{
		s.hash(step.Previous), s.hash(step.To), step.IssuedAt, step.Generation, step.Now,
		step.ExpiresAt, step.ExpiresAt,
		s.exact(step.Handle), s.hash(step.From), step.Now, step.Now,
	}
	if !step.ExpectPrevious.IsZero() {
		query += " AND refresh_prev_hash = ?"
		args = append(args, s.hash(step.ExpectPrevious))
	}
	return s.swap(ctx, query, args...)
}

// Extend moves the idle end later; see session.Store.
func (s *Store) Extend(ctx context.Context, ext models.Extend) (bool, error) {
	return s.swap(ctx, s.sql[extend], ext.ExpiresAt, ext.Now,
		s.exact(ext.Handle), s.hash(ext.Current), ext.ExpiresAt, ext.Now, ext.Now)
}

// WriteData replaces the data; see session.Store. Data that no column holds is
// errors.ErrInvalidInput.
func (s *Store) WriteData(ctx context.Context, w models.DataWrite) (bool, error) {
	if err := firstMisfit([]limit{{"data", 0, maxBlob, len(w.Data), true}}); err != nil {
		return false, err
	}
	query := s.sql[writeData]
	args := []any{s.bytes(w.Data), s.exact(w.Handle), w.Now, w.Now}
	if w.IfVersion != nil {
		query += " AND data_version = ?"
		args = append(args, *w.IfVersion)
	}
	return s.swap(ctx, query, args...)
}

// WritePayload replaces the payload; see session.Store. A payload that no column
// holds is errors.ErrInvalidInput.
func (s *Store) WritePayload(ctx context.Context, w models.PayloadWrite) (bool, error) {
	if err := firstMisfit([]limit{{"payload", 0, maxBlob, len(w.New), true}}); err != nil {
		return false, err
	}
	query := s.sql[writePayload]
	args := []any{s.bytes(w.New), s.exact(w.Handle), w.Now, w.Now}
	if w.Old == nil {
		query += " AND payload IS NULL"
	} else {
		query += " AND payload = ?"
		args = append(args, s.bytes(w.Old))
	}
	return s.swap(ctx, query, args...)
}

// Revoke marks the row as revoked; see session.Store.
func (s *Store) Revoke(ctx context.Context, r models.Revocation) (bool, error) {
	if err := reasonFits(r.Reason); err != nil {
		return false, err
	}
	query := s.sql[revoke]
	args := []any{r.Now, string(r.Reason), s.exact(r.Handle)}
	if r.UserID != "" {
		query += " AND user_id = ?"
		args = append(args, s.exact(r.UserID))
	}
	if !r.Current.IsZero() {
		query += " AND refresh_cur_hash = ?"
		args = append(args, s.hash(r.Current))
	}
	return s.swap(ctx, query, args...)
}

func reasonFits(reason models.RevokeReason) error {
	return firstMisfit([]limit{{"revoke_reason", 0, maxReason, len(reason), ascii(string(reason))}})
}
