package storetest

import (
	"context"

	"github.com/gin-sessionkit/sessionkit/models"
)

// Check implements session.Store.
func (f *FaultyStore) Check(ctx context.Context) error {
	return faultyErr(ctx, f, "Check", func() error { return f.store.Check(ctx) })
}

// Insert implements session.Store.
func (f *FaultyStore) Insert(ctx context.Context, row *models.Session) error {
	return faultyErr(ctx, f, "Insert", func() error { return f.store.Insert(ctx, row) })
}

// Find implements session.Store.
func (f *FaultyStore) Find(ctx context.Context, handle string) (*models.Session, error) {
	return faulty(ctx, f, "Find", func() (*models.Session, error) { return f.store.Find(ctx, handle) })
}

// Advance implements session.Store.
func (f *FaultyStore) Advance(ctx context.Context, step models.Advance) (bool, error) {
	return faulty(ctx, f, "Advance", func() (bool, error) { return f.store.Advance(ctx, step) })
}

// Extend implements session.Store.
func (f *FaultyStore) Extend(ctx context.Context, ext models.Extend) (bool, error) {
	return faulty(ctx, f, "Extend", func() (bool, error) { return f.store.Extend(ctx, ext) })
}

// Confirm implements session.Store.
func (f *FaultyStore) Confirm(ctx context.Context, c models.Confirmation) (bool, error) {
	return faulty(ctx, f, "Confirm", func() (bool, error) { return f.store.Confirm(ctx, c) })
}

// WriteData implements session.Store.
func (f *FaultyStore) WriteData(ctx context.Context, w models.DataWrite) (bool, error) {
	return faulty(ctx, f, "WriteData", func() (bool, error) { return f.store.WriteData(ctx, w) })
}

// WritePayload implements session.Store.
func (f *FaultyStore) WritePayload(ctx context.Context, w models.PayloadWrite) (bool, error) {
	return faulty(ctx, f, "WritePayload", func() (bool, error) { return f.store.WritePayload(ctx, w) })
}

// Revoke implements session.Store.
func (f *FaultyStore) Revoke(ctx context.Context, r models.Revocation) (bool, error) {
	return faulty(ctx, f, "Revoke", func() (bool, error) { return f.store.Revoke(ctx, r) })
}

// RevokeAll implements session.Store.
func (f *FaultyStore) RevokeAll(ctx context.Context, r models.RevocationOfUser) (models.RevokedOfUser, error) {
	return faulty(ctx, f, "RevokeAll", func() (models.RevokedOfUser, error) { return f.store.RevokeAll(ctx, r) })
}

// Downgrade implements session.Store.
func (f *FaultyStore) Downgrade(ctx context.Context, d models.Downgrade) (models.Downgraded, error) {
	return faulty(ctx, f, "Downgrade", func() (models.Downgraded, error) { return f.store.Downgrade(ctx, d) })
}

// List implements session.Store.
func (f *FaultyStore) List(ctx context.Context, q models.SessionsOfUser) (models.SessionPage, error) {
	return faulty(ctx, f, "List", func() (models.SessionPage, error) { return f.store.List(ctx, q) })
}

// SetLabel implements session.Store.
func (f *FaultyStore) SetLabel(ctx context.Context, w models.LabelWrite) (bool, error) {
	return faulty(ctx, f, "SetLabel", func() (bool, error) { return f.store.SetLabel(ctx, w) })
}

// Walk implements session.Store.
func (f *FaultyStore) Walk(ctx context.Context, w models.Walk) (models.WalkPage, error) {
	return faulty(ctx, f, "Walk", func() (models.WalkPage, error) { return f.store.Walk(ctx, w) })
}

// RevokeMany implements session.Store.
func (f *FaultyStore) RevokeMany(ctx context.Context, r models.RevocationOfMany) (int, error) {
	return faulty(ctx, f, "RevokeMany", func() (int, error) { return f.store.RevokeMany(ctx, r) })
}

// Sharded implements session.Store. It never fails.
func (f *FaultyStore) Sharded() bool { return f.store.Sharded() }

// DeleteEnded implements session.Store.
func (f *FaultyStore) DeleteEnded(ctx context.Context, e models.EndedSessions) (int, error) {
	return faulty(ctx, f, "DeleteEnded", func() (int, error) { return f.store.DeleteEnded(ctx, e) })
}

// ClaimCleanup implements session.Store.
func (f *FaultyStore) ClaimCleanup(ctx context.Context, c models.CleanupClaim) (bool, error) {
	return faulty(ctx, f, "ClaimCleanup", func() (bool, error) { return f.store.ClaimCleanup(ctx, c) })
}

// Keys implements session.KeyStore.
func (f *FaultyStore) Keys(ctx context.Context, now int64) ([]models.SigningKey, error) {
	return faulty(ctx, f, "Keys", func() ([]models.SigningKey, error) { return f.store.Keys(ctx, now) })
}

// InsertKey implements session.KeyStore.
func (f *FaultyStore) InsertKey(ctx context.Context, key models.SigningKey) error {
	return faultyErr(ctx, f, "InsertKey", func() error { return f.store.InsertKey(ctx, key) })
}

// RetireKey implements session.KeyStore.
func (f *FaultyStore) RetireKey(ctx context.Context, id string, at int64) (bool, error) {
	return faulty(ctx, f, "RetireKey", func() (bool, error) { return f.store.RetireKey(ctx, id, at) })
}

// SealKey implements session.KeyStore.
func (f *FaultyStore) SealKey(ctx context.Context, id string, read, sealed []byte) (bool, error) {
	return faulty(ctx, f, "SealKey", func() (bool, error) { return f.store.SealKey(ctx, id, read, sealed) })
}

// DeleteKeys implements session.KeyStore.
func (f *FaultyStore) DeleteKeys(ctx context.Context, before int64) (int, error) {
	return faulty(ctx, f, "DeleteKeys", func() (int, error) { return f.store.DeleteKeys(ctx, before) })
}
