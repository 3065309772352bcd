package session

import (
	"context"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/counts"
	"github.com/gin-sessionkit/sessionkit/models"
)

// countCalls returns store with its calls counted, whoever makes them: requests, and
// the work in the background.
func countCalls(store Store, c *counts.Set) Store {
	counted := countedStore{store, c}
	if feed, ok := store.(FeedStore); ok {
		return &countedFeedStore{counted, feed}
	}
	return &counted
}

// countedStore is a Store whose calls are counted.
type countedStore struct {
	Store
	counts *counts.Set
}

// end counts a call that began then; deferred with the address of its error.
func (s *countedStore) end(ctx context.Context, began time.Time, err *error) {
	endCall(ctx, s.counts, began, *err)
}

func endCall(ctx context.Context, c *counts.Set, began time.Time, err error) {
	c.Add(countStoreCalls, 1)
	c.Add(countStoreNanos, uint64(max(time.Since(began), 0)))
	if kind := storeErrorOf(ctx, err); kind >= 0 {
		c.Add(countStoreErrors+kind, 1)
	}
}

// storeErrorOf is which of storeErrors a call ended with; -1 for none. What the
// caller's own context did is no fault of the database.
func storeErrorOf(ctx context.Context, err error) int {
	switch {
	case err == nil, errors.Is(err, errors.ErrDuplicate), errors.Is(err, errors.ErrInvalidInput):
		return -1
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return 1
	case ctx.Err() != nil:
		return 2
	case errors.Is(err, errors.ErrUnavailable):
		return 0
	default:
		return 3
	}
}

// Check implements [Store].
func (s *countedStore) Check(ctx context.Context) (err error) {
	defer s.end(ctx, time.Now(), &err)
	return s.Store.Check(ctx)
}

// Insert implements [Store].
func (s *countedStore) Insert(ctx context.Context, row *models.Session) (err error) {
	defer s.end(ctx, time.Now(), &err)
	return s.Store.Insert(ctx, row)
}

// Find implements [Store].
func (s *countedStore) Find(ctx context.Context, handle string) (_ *models.Session, err error) {
	defer s.end(ctx, time.Now(), &err)
	return s.Store.Find(ctx, handle)
}

// Advance implements [Store].
func (s *countedStore) Advance(ctx context.Context, step models.Advance) (_ bool, err error) {
	defer s.end(ctx, time.Now(), &err)
	return s.Store.Advance(ctx, step)
}

// Extend implements [Store].
func (s *countedStore) Extend(ctx context.Context, ext models.Extend) (_ bool, err error) {
	defer s.end(ctx, time.Now(), &err)
	return s.Store.Extend(ctx, ext)
}

// WriteData implements [Store].
func (s *countedStore) WriteData(ctx context.Context, w models.DataWrite) (_ bool, err error) {
	defer s.end(ctx, time.Now(), &err)
	return s.Store.WriteData(ctx, w)
}

// WritePayload implements [Store].
func (s *countedStore) WritePayload(ctx context.Context, w models.PayloadWrite) (_ bool, err error) {
	defer s.end(ctx, time.Now(), &err)
	return s.Store.WritePayload(ctx, w)
}

// Revoke implements [Store].
func (s *countedStore) Revoke(ctx context.Context, r models.Revocation) (_ bool, err error) {
	defer s.end(ctx, time.Now(), &err)
	return s.Store.Revoke(ctx, r)
}

// Confirm implements [Store].
func (s *countedStore) Confirm(ctx context.Context, c models.Confirmation) (_ bool, err error) {
	defer s.end(ctx, time.Now(), &err)
	return s.Store.Confirm(ctx, c)
}

// RevokeAll implements [Store].
func (s *countedStore) RevokeAll(ctx context.Context, r models.RevocationOfUser) (_ models.RevokedOfUser, err error) {
	defer s.end(ctx, time.Now(), &err)
	return s.Store.RevokeAll(ctx, r)
}

// List implements [Store].
func (s *countedStore) List(ctx context.Context, q models.SessionsOfUser) (_ models.SessionPage, err error) {
	defer s.end(ctx, time.Now(), &err)
	return s.Store.List(ctx, q)
}

// SetLabel implements [Store].
func (s *countedStore) SetLabel(ctx context.Context, w models.LabelWrite) (_ bool, err error) {
	defer s.end(ctx, time.Now(), &err)
	return s.Store.SetLabel(ctx, w)
}

// Downgrade implements [Store].
func (s *countedStore) Downgrade(ctx context.Context, d models.Downgrade) (_ models.Downgraded, err error) {
	defer s.end(ctx, time.Now(), &err)
	return s.Store.Downgrade(ctx, d)
}

// Walk implements [Store].
func (s *countedStore) Walk(ctx context.Context, w models.Walk) (_ models.WalkPage, err error) {
	defer s.end(ctx, time.Now(), &err)
	return s.Store.Walk(ctx, w)
}

// RevokeMany implements [Store].
func (s *countedStore) RevokeMany(ctx context.Context, r models.RevocationOfMany) (_ int, err error) {
	defer s.end(ctx, time.Now(), &err)
	return s.Store.RevokeMany(ctx, r)
}

// DeleteEnded implements [Store].
func (s *countedStore) DeleteEnded(ctx context.Context, e models.EndedSessions) (_ int, err error) {
	defer s.end(ctx, time.Now(), &err)
	return s.Store.DeleteEnded(ctx, e)
}

// ClaimCleanup implements [Store].
func (s *countedStore) ClaimCleanup(ctx context.Context, c models.CleanupClaim) (_ bool, err error) {
	defer s.end(ctx, time.Now(), &err)
	return s.Store.ClaimCleanup(ctx, c)
}

// Keys implements [KeyStore].
func (s *countedStore) Keys(ctx context.Context, now int64) (_ []models.SigningKey, err error) {
	defer s.end(ctx, time.Now(), &err)
	return s.Store.Keys(ctx, now)
}

// InsertKey implements [KeyStore].
func (s *countedStore) InsertKey(ctx context.Context, key models.SigningKey) (err error) {
	defer s.end(ctx, time.Now(), &err)
	return s.Store.InsertKey(ctx, key)
}

// RetireKey implements [KeyStore].
func (s *countedStore) RetireKey(ctx context.Context, id string, at int64) (_ bool, err error) {
	defer s.end(ctx, time.Now(), &err)
	return s.Store.RetireKey(ctx, id, at)
}

// SealKey implements [KeyStore].
func (s *countedStore) SealKey(ctx context.Context, id string, read, sealed []byte) (_ bool, err error) {
	defer s.end(ctx, time.Now(), &err)
	return s.Store.SealKey(ctx, id, read, sealed)
}

// DeleteKeys implements [KeyStore].
func (s *countedStore) DeleteKeys(ctx context.Context, before int64) (_ int, err error) {
	defer s.end(ctx, time.Now(), &err)
	return s.Store.DeleteKeys(ctx, before)
}

// countedFeedStore is a FeedStore whose calls are counted.
type countedFeedStore struct {
	countedStore
	feed FeedStore
}

// FeedOn implements [FeedStore]. It is no call of a database.
func (s *countedFeedStore) FeedOn() bool { return s.feed.FeedOn() }

// TurnFeedOn implements [FeedStore].
func (s *countedFeedStore) TurnFeedOn(ctx context.Context) (err error) {
	defer s.end(ctx, time.Now(), &err)
	return s.feed.TurnFeedOn(ctx)
}

// WriteHint implements [FeedStore].
func (s *countedFeedStore) WriteHint(ctx context.Context, h models.Hint) (err error) {
	defer s.end(ctx, time.Now(), &err)
	return s.feed.WriteHint(ctx, h)
}

// ReadFeed implements [FeedStore].
func (s *countedFeedStore) ReadFeed(ctx context.Context, q models.FeedQuery) (_ models.FeedPage, err error) {
	defer s.end(ctx, time.Now(), &err)
	return s.feed.ReadFeed(ctx, q)
}

// FindMany implements [FeedStore].
func (s *countedFeedStore) FindMany(ctx context.Context, handles []string) (_ []models.Session, err error) {
	defer s.end(ctx, time.Now(), &err)
	return s.feed.FindMany(ctx, handles)
}

// DeleteHints implements [FeedStore].
func (s *countedFeedStore) DeleteHints(ctx context.Context, before int64, limit int) (_ int, err error) {
	defer s.end(ctx, time.Now(), &err)
	return s.feed.DeleteHints(ctx, before, limit)
}

// ClaimFeedCleanup implements [FeedStore].
func (s *countedFeedStore) ClaimFeedCleanup(ctx context.Context, now, until int64) (_ bool, err error) {
	defer s.end(ctx, time.Now(), &err)
	return s.feed.ClaimFeedCleanup(ctx, now, until)
}
