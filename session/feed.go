package session

import (
	"bytes"
	"context"
	"sync/atomic"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/feed"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

// hints is the Service's part in the feed.
type hints struct {
	// store and teller are where revocations are told; nil when nobody listens.
	store  FeedStore
	teller *feed.Teller
	// feed is what others told; nil when this process does not read it.
	feed *feed.Feed
	// lagging and full are what was told last.
	lagging, full atomic.Bool
	watch         watchers
	// aside are the events of polls, for the goroutine that tells them.
	aside chan Event
}

// startFeed turns the feed on where the configuration wants it, and reads it for the
// first time.
func (s *Service) startFeed(ctx context.Context) error {
	store, ok := s.store.(FeedStore)
	switch {
	case !s.cfg.feedOn():
		if ok && store.FeedOn() {
			s.hints.store = store
			s.hints.teller = feed.NewTeller(store, s.cfg.OperationTimeout, nil, s.logLost)
		}
		return nil
	case !ok:
		return errors.WithReason(errors.ErrConfig,
			errors.New("Config.Feed and RevokeSoon need a store that is a session.FeedStore, which this one is not"))
	}
	if err := store.TurnFeedOn(ctx); err != nil {
		return err
	}
	s.hints.watch.init()
	s.hints.aside = make(chan Event, 16)
	s.hints.feed = feed.New(store, feed.Config{
		Within: s.cfg.Feed.Within, MaxEntries: s.cfg.Feed.MaxEntries,
		Now:    s.cfg.Now,
		OnPoll: s.polled, OnNews: s.hints.watch.wake,
		OnKey: func(string) { s.keys.Hasten() },
	})
	s.hints.store = store
	s.hints.teller = feed.NewTeller(store, s.cfg.OperationTimeout, s.hints.feed, s.logLost)
	return s.hints.feed.Start(ctx)
}

// runFeed starts what goes on until background ends.
func (s *Service) runFeed(background context.Context) {
	if s.hints.store != nil {
		s.worker.Go(func() { s.hints.teller.Run(background) })
		s.worker.Go(func() { s.cleanFeedUntil(background) })
	}
	if s.hints.feed == nil {
		return
	}
	s.worker.Go(func() { s.hints.feed.Run(background) })
	s.worker.Go(func() { s.watchUntil(background) })
	s.worker.Go(func() { s.emitUntil(background) })
}

// polled tells how a poll went, once for each change.
func (s *Service) polled(ctx context.Context, err error, full bool) {
	lagging := s.isLagging()
	if err != nil && !lagging {
		s.cfg.Logger.WarnContext(ctx, "sessionkit: the feed of revocations could not be read", "error", err)
	}
	if s.hints.lagging.Swap(lagging) != lagging {
		kind := EventFeedCaughtUp
		if lagging {
			kind = EventFeedLagging
		}
		s.emitAside(Event{Kind: kind})
	}
	if !s.hints.full.Swap(full) && full {
		s.emitAside(Event{Kind: EventFeedFull, Count: s.cfg.Feed.MaxEntries})
	}
}

// emitAside is emit for a poll, which must not wait for what an application does in
// Config.OnEvent.
func (s *Service) emitAside(e Event) {
	select {
	case s.hints.aside <- e:
	default: // it has not returned from the last sixteen
		s.counts.Add(countDroppedEvents, 1)
	}
}

// emitUntil emits these events in their order, until ctx ends.
func (s *Service) emitUntil(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-s.hints.aside:
			s.emit(ctx, e)
		}
	}
}

// RevocationLag is how old this process's knowledge of revocations is: the time since
// the newest good look at the feed was begun. Up to Config.Feed.Within is as promised.
// It is for alerts, and not for readiness checks, as an outage of the database would
// take out every instance. Without the feed it is 0.
func (s *Service) RevocationLag() time.Duration {
	if s.hints.feed == nil {
		return 0
	}
	return s.hints.feed.Lag()
}

func (s *Service) isLagging() bool { return s.hints.feed.Lag() > s.cfg.Feed.Within }

// hint is [feed.Teller.Tell], where somebody listens.
func (s *Service) hint(ctx context.Context, list ...models.Hint) error {
	if s.hints.teller == nil {
		return nil
	}
	return s.hints.teller.Tell(ctx, list...)
}

// logLost logs that a hint cannot be written. Whatever the logger does must not end the
// loop.
func (s *Service) logLost(ctx context.Context, err error) {
	defer func() { _ = recover() }()
	s.cfg.Logger.ErrorContext(ctx, "sessionkit: the other processes cannot be told of a revocation", "error", err)
}

// mustAsk reports whether the mode wants the database to be asked about a session that
// an access token names. The question is zero unless it is the feed's.
func (s *Service) mustAsk(mode RevocationMode, claims *token.Access, memo *feed.Memo) (q feed.Question, ask bool) {
	switch {
	case mode == RevokeImmediately:
		return q, true
	case mode != RevokeSoon:
		return q, false
	case s.cfg.Feed.OnLag == LagAsk && s.isLagging():
		return q, true
	}
	return s.hints.feed.Asks(memo, claims.Handle, claims.UserID, claims.IssuedAt*1000)
}

// ask looks the session up. A payload that was changed since the token was made comes
// with a token that shows it.
func (s *Service) ask(ctx context.Context, text string, claims *token.Access, memo *feed.Memo, q feed.Question) (*Session, *Token, error) {
	row, err := s.live(ctx, claims.Handle)
	if err != nil {
		return nil, nil, err
	}
	fromFeed := q != (feed.Question{})
	changed := fromFeed && !bytes.Equal(bytes.TrimSpace(row.Payload), claims.Payload)
	if !changed && row.Level == claims.Level {
		if fromFeed {
			s.hints.feed.Answered(memo, q)
		}
		return s.newSession(text, claims, row.ExpiresAt), nil, nil
	}
	fresh := *claims
	fresh.Level = row.Level
	if changed {
		fresh.Payload = row.Payload
	}
	replacement, err := s.signAccess(ctx, &fresh)
	if err != nil {
		return nil, nil, err
	}
	return s.newSession(replacement.Value, &fresh, row.ExpiresAt), replacement, nil
}

// RefetchClaims has everything that was found out about a user found out anew: the
// user's next request on a route with a [Fetcher] gets the new value, within
// Config.Feed.Within in every process, and the session goes on. Call it after a change
// of roles. It writes one row, and touches no session. A process knows of the calls
// from a day before it started on: what was found out earlier it has found out anew
// once, and keeps where that fails, whereas after a call a failure is an error.
//
// Errors: [errors.ErrConfig] when the feed is off; [errors.ErrInvalidInput] for a user
// id that no session can have; [errors.ErrUnavailable], [errors.ErrGeneral].
func (s *Service) RefetchClaims(ctx context.Context, userID string) error {
	if err := s.checkOpen(); err != nil {
		return err
	}
	if err := checkUserID(userID); err != nil {
		return err
	}
	if s.hints.store == nil {
		return errFeedOff
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	return s.hint(ctx, models.Hint{Kind: models.HintClaims, Subject: userID})
}

var errFeedOff = errors.WithReason(errors.ErrConfig, errors.New("the feed is off: set Config.Feed.Within, or Config.Revocation to RevokeSoon"))

func (s *Service) boundedly(ctx context.Context, fn func(context.Context) error) error {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	return fn(ctx)
}
