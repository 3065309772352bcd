package otel

import (
	"context"

	"go.opentelemetry.io/otel/attribute"

	"github.com/gin-sessionkit/sessionkit/models"
)

// Check implements [session.Store].
func (s *spans) Check(ctx context.Context) error {
	ctx, span := s.start(ctx, "Check", "")
	return ended(span, s.Store.Check(ctx))
}

// Insert implements [session.Store].
func (s *spans) Insert(ctx context.Context, row *models.Session) error {
	ctx, span := s.start(ctx, "Insert", row.Handle)
	return ended(span, s.Store.Insert(ctx, row))
}

// Find implements [session.Store].
func (s *spans) Find(ctx context.Context, handle string) (*models.Session, error) {
	ctx, span := s.start(ctx, "Find", handle)
	found, err := s.Store.Find(ctx, handle)
	return found, ended(span, err, row(found))
}

// Advance implements [session.Store].
func (s *spans) Advance(ctx context.Context, step models.Advance) (bool, error) {
	ctx, span := s.start(ctx, "Advance", step.Handle)
	found, err := s.Store.Advance(ctx, step)
	return found, ended(span, err, applied(found))
}

// Extend implements [session.Store].
func (s *spans) Extend(ctx context.Context, ext models.Extend) (bool, error) {
	ctx, span := s.start(ctx, "Extend", ext.Handle)
	found, err := s.Store.Extend(ctx, ext)
	return found, ended(span, err, applied(found))
}

// WriteData implements [session.Store].
func (s *spans) WriteData(ctx context.Context, w models.DataWrite) (bool, error) {
	ctx, span := s.start(ctx, "WriteData", w.Handle)
	found, err := s.Store.WriteData(ctx, w)
	return found, ended(span, err, applied(found))
}

// WritePayload implements [session.Store].
func (s *spans) WritePayload(ctx context.Context, w models.PayloadWrite) (bool, error) {
	ctx, span := s.start(ctx, "WritePayload", w.Handle)
	found, err := s.Store.WritePayload(ctx, w)
	return found, ended(span, err, applied(found))
}

// Revoke implements [session.Store].
func (s *spans) Revoke(ctx context.Context, r models.Revocation) (bool, error) {
	ctx, span := s.start(ctx, "Revoke", r.Handle, attribute.String(reasonKey, string(r.Reason)))
	found, err := s.Store.Revoke(ctx, r)
	return found, ended(span, err, applied(found))
}

// Confirm implements [session.Store].
func (s *spans) Confirm(ctx context.Context, c models.Confirmation) (bool, error) {
	ctx, span := s.start(ctx, "Confirm", c.Handle)
	found, err := s.Store.Confirm(ctx, c)
	return found, ended(span, err, applied(found))
}

// RevokeAll implements [session.Store].
func (s *spans) RevokeAll(ctx context.Context, r models.RevocationOfUser) (models.RevokedOfUser, error) {
	ctx, span := s.start(ctx, "RevokeAll", "", attribute.String(reasonKey, string(r.Reason)))
	found, err := s.Store.RevokeAll(ctx, r)
	return found, ended(span, err, counted(found.Count))
}

// List implements [session.Store].
func (s *spans) List(ctx context.Context, q models.SessionsOfUser) (models.SessionPage, error) {
	ctx, span := s.start(ctx, "List", "")
	found, err := s.Store.List(ctx, q)
	return found, ended(span, err, counted(len(found.Sessions)))
}

// SetLabel implements [session.Store].
func (s *spans) SetLabel(ctx context.Context, w models.LabelWrite) (bool, error) {
	ctx, span := s.start(ctx, "SetLabel", w.Handle)
	found, err := s.Store.SetLabel(ctx, w)
	return found, ended(span, err, applied(found))
}

// Downgrade implements [session.Store].
func (s *spans) Downgrade(ctx context.Context, d models.Downgrade) (models.Downgraded, error) {
	ctx, span := s.start(ctx, "Downgrade", "")
	found, err := s.Store.Downgrade(ctx, d)
	return found, ended(span, err, counted(found.Count))
}

// Walk implements [session.Store].
func (s *spans) Walk(ctx context.Context, w models.Walk) (models.WalkPage, error) {
	ctx, span := s.start(ctx, "Walk", "")
	found, err := s.Store.Walk(ctx, w)
	return found, ended(span, err, counted(len(found.Sessions)))
}

// RevokeMany implements [session.Store].
func (s *spans) RevokeMany(ctx context.Context, r models.RevocationOfMany) (int, error) {
	ctx, span := s.start(ctx, "RevokeMany", "", attribute.String(reasonKey, string(r.Reason)))
	found, err := s.Store.RevokeMany(ctx, r)
	return found, ended(span, err, counted(found))
}

// DeleteEnded implements [session.Store].
func (s *spans) DeleteEnded(ctx context.Context, e models.EndedSessions) (int, error) {
	ctx, span := s.start(ctx, "DeleteEnded", "")
	found, err := s.Store.DeleteEnded(ctx, e)
	return found, ended(span, err, counted(found))
}

// ClaimCleanup implements [session.Store].
func (s *spans) ClaimCleanup(ctx context.Context, c models.CleanupClaim) (bool, error) {
	ctx, span := s.start(ctx, "ClaimCleanup", "")
	found, err := s.Store.ClaimCleanup(ctx, c)
	return found, ended(span, err, applied(found))
}

// Keys implements [session.KeyStore].
func (s *spans) Keys(ctx context.Context, now int64) ([]models.SigningKey, error) {
	ctx, span := s.start(ctx, "Keys", "")
	found, err := s.Store.Keys(ctx, now)
	return found, ended(span, err, counted(len(found)))
}

// InsertKey implements [session.KeyStore].
func (s *spans) InsertKey(ctx context.Context, key models.SigningKey) error {
	ctx, span := s.start(ctx, "InsertKey", "")
	return ended(span, s.Store.InsertKey(ctx, key))
}

// RetireKey implements [session.KeyStore].
func (s *spans) RetireKey(ctx context.Context, id string, at int64) (bool, error) {
	ctx, span := s.start(ctx, "RetireKey", "")
	found, err := s.Store.RetireKey(ctx, id, at)
	return found, ended(span, err, applied(found))
}

// SealKey implements [session.KeyStore].
func (s *spans) SealKey(ctx context.Context, id string, read, sealed []byte) (bool, error) {
	ctx, span := s.start(ctx, "SealKey", "")
	found, err := s.Store.SealKey(ctx, id, read, sealed)
	return found, ended(span, err, applied(found))
}

// DeleteKeys implements [session.KeyStore].
func (s *spans) DeleteKeys(ctx context.Context, before int64) (int, error) {
	ctx, span := s.start(ctx, "DeleteKeys", "")
	found, err := s.Store.DeleteKeys(ctx, before)
	return found, ended(span, err, counted(found))
}
