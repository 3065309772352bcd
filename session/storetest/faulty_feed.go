package storetest

import (
	"context"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

var _ session.FeedStore = (*FaultyStore)(nil)

// errNoFeed is what the methods of the feed return where the store has none.
var errNoFeed = errors.WithReason(errors.ErrConfig, errors.New("storetest: the store is no session.FeedStore"))

// faultyFeed is faulty for the methods of the feed.
func faultyFeed[T any](ctx context.Context, f *FaultyStore, method string, call func(session.FeedStore) (T, error)) (T, error) {
	return faulty(ctx, f, method, func() (T, error) {
		feed, ok := f.store.(session.FeedStore)
		if !ok {
			var none T
			return none, errNoFeed
		}
		return call(feed)
	})
}

// FeedOn implements session.FeedStore. It is no call to a database, so it is not
// counted and does not fail.
func (f *FaultyStore) FeedOn() bool {
	feed, ok := f.store.(session.FeedStore)
	return ok && feed.FeedOn()
}

// TurnFeedOn implements session.FeedStore.
func (f *FaultyStore) TurnFeedOn(ctx context.Context) error {
	_, err := faultyFeed(ctx, f, "TurnFeedOn", func(s session.FeedStore) (struct{}, error) {
		return struct{}{}, s.TurnFeedOn(ctx)
	})
	return err
}

// WriteHint implements session.FeedStore.
func (f *FaultyStore) WriteHint(ctx context.Context, h models.Hint) error {
	_, err := faultyFeed(ctx, f, "WriteHint", func(s session.FeedStore) (struct{}, error) {
		return struct{}{}, s.WriteHint(ctx, h)
	})
	return err
}

// ReadFeed implements session.FeedStore.
func (f *FaultyStore) ReadFeed(ctx context.Context, q models.FeedQuery) (models.FeedPage, error) {
	return faultyFeed(ctx, f, "ReadFeed", func(s session.FeedStore) (models.FeedPage, error) { return s.ReadFeed(ctx, q) })
}

// FindMany implements session.FeedStore.
func (f *FaultyStore) FindMany(ctx context.Context, handles []string) ([]models.Session, error) {
	return faultyFeed(ctx, f, "FindMany", func(s session.FeedStore) ([]models.Session, error) { return s.FindMany(ctx, handles) })
}

// DeleteHints implements session.FeedStore.
func (f *FaultyStore) DeleteHints(ctx context.Context, before int64, limit int) (int, error) {
	return faultyFeed(ctx, f, "DeleteHints", func(s session.FeedStore) (int, error) { return s.DeleteHints(ctx, before, limit) })
}

// ClaimFeedCleanup implements session.FeedStore.
func (f *FaultyStore) ClaimFeedCleanup(ctx context.Context, now, until int64) (bool, error) {
	return faultyFeed(ctx, f, "ClaimFeedCleanup", func(s session.FeedStore) (bool, error) {
		return s.ClaimFeedCleanup(ctx, now, until)
	})
}
