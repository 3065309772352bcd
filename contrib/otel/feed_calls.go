package otel

import (
	"context"

	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

// feedSpans is spans for a store that keeps the feed too.
type feedSpans struct {
	spans
	feed session.FeedStore
}

// FeedOn implements [session.FeedStore]. It is no call of a database.
func (s *feedSpans) FeedOn() bool { return s.feed.FeedOn() }

// TurnFeedOn implements [session.FeedStore].
func (s *feedSpans) TurnFeedOn(ctx context.Context) error {
	ctx, span := s.start(ctx, "TurnFeedOn", "")
	return ended(span, s.feed.TurnFeedOn(ctx))
}

// WriteHint implements [session.FeedStore].
func (s *feedSpans) WriteHint(ctx context.Context, h models.Hint) error {
	ctx, span := s.start(ctx, "WriteHint", "")
	return ended(span, s.feed.WriteHint(ctx, h))
}

// ReadFeed implements [session.FeedStore].
func (s *feedSpans) ReadFeed(ctx context.Context, q models.FeedQuery) (models.FeedPage, error) {
	ctx, span := s.start(ctx, "ReadFeed", "")
	found, err := s.feed.ReadFeed(ctx, q)
	return found, ended(span, err, counted(len(found.Hints)))
}

// FindMany implements [session.FeedStore].
func (s *feedSpans) FindMany(ctx context.Context, handles []string) ([]models.Session, error) {
	ctx, span := s.start(ctx, "FindMany", "")
	found, err := s.feed.FindMany(ctx, handles)
	return found, ended(span, err, counted(len(found)))
}

// DeleteHints implements [session.FeedStore].
func (s *feedSpans) DeleteHints(ctx context.Context, before int64, limit int) (int, error) {
	ctx, span := s.start(ctx, "DeleteHints", "")
	found, err := s.feed.DeleteHints(ctx, before, limit)
	return found, ended(span, err, counted(found))
}

// ClaimFeedCleanup implements [session.FeedStore].
func (s *feedSpans) ClaimFeedCleanup(ctx context.Context, now, until int64) (bool, error) {
	ctx, span := s.start(ctx, "ClaimFeedCleanup", "")
	found, err := s.feed.ClaimFeedCleanup(ctx, now, until)
	return found, ended(span, err, applied(found))
}
