package session

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/gin-sessionkit/sessionkit/models"
)

// Downgrade lowers all sessions of a user whose [Level] is higher to the given one, and
// returns how many: after a second factor was removed, nobody stays at the level that
// only it gives. They live on, and keep when and how their users proved who they are.
//
// Under [RevokeImmediately] and [RevokeSoon] the lower level counts from the next
// request on, within Config.Feed.Within in every process; under [RevokeAtExpiry] an
// access token keeps its level until it expires, so give routes with RequireLevel
// another mode by WithRevocation. As with RevokeAll, a sign-in or a [Session.Replace]
// that runs meanwhile may keep its level: look at the account again after it.
//
// It works in batches of 1000, as [Service.RevokeAll] does: see there about ctx, about
// a count beside an error, and about calling again, which is harmless.
//
// Errors: [errors.ErrInvalidInput] for a level that is not between 0 and
// [models.MaxLevel], or a user id that no session can have; [errors.ErrUnavailable],
// [errors.ErrGeneral].
func (s *Service) Downgrade(ctx context.Context, userID string, level int) (int, error) {
	if err := s.checkOpen(); err != nil {
		return 0, err
	}
	if err := checkUserID(userID); err != nil {
		return 0, err
	}
	if level < 0 || level > models.MaxLevel {
		return 0, invalidInput(fmt.Errorf("Downgrade: %d is not between 0 and %d", level, models.MaxLevel))
	}
	count, err := s.inPages(ctx, userID, func(ctx context.Context, from models.Position) (int, *models.Position, error) {
		done, err := s.store.Downgrade(ctx, models.Downgrade{
			UserID: userID, Level: level, Now: s.now(), From: from, Limit: maxPage,
		})
		return done.Count, done.Next, err
	})
	if count > 0 {
		s.emit(ctx, Event{Kind: EventDowngraded, UserID: userID, Count: count})
	}
	return count, err
}

// inPages changes all sessions of a user, page by page, and tells the other processes.
func (s *Service) inPages(
	ctx context.Context, userID string, change func(context.Context, models.Position) (int, *models.Position, error),
) (count int, err error) {
	began, pages := time.Now(), 0
	untold := s.hintOfUser(ctx, userID)
	for next := new(models.Position); next != nil && err == nil; pages++ {
		statement, cancel := s.bounded(ctx)
		var done int
		done, next, err = change(statement, *next)
		cancel()
		count += done
	}
	// A hint waits for its rows for as long as one call of the store may take: here
	// there were more, or one that goes on after its error.
	if pages > 1 || err != nil || time.Since(began) >= renewAfter {
		untold = cmp.Or(s.hintOfUser(context.WithoutCancel(ctx), userID), untold)
	}
	return count, cmp.Or(err, untold)
}
