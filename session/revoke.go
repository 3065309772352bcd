package session

import (
	"cmp"
	"context"

	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

// Revoke ends the session named by handle, whoever's it is. For a handle that
// comes from a client, use RevokeOf.
//
// It reports true only for the call that ended it: false when there is none or
// it had been revoked before. No refresh, promotion or write of the session
// succeeds afterwards; how long access tokens go on working, Config.Revocation
// says.
//
// Errors: [errors.ErrUnavailable], [errors.ErrGeneral]. Calling again is
// harmless.
func (s *Service) Revoke(ctx context.Context, handle string) (bool, error) {
	if err := s.checkOpen(); err != nil {
		return false, err
	}
	return s.revoke(ctx, handle, "", models.RevokedByApplication)
}

// RevokeOf ends the session named by handle if it is the user's, and reports
// whether it did. It is for handles that come from a client, such as a button
// in a device list: whose the session is, the statement itself asks. A session
// of somebody else, one that does not exist and one that has ended are all
// false.
//
// Errors: [errors.ErrInvalidInput] for a user id that no session can have, such
// as the empty one; [errors.ErrUnavailable], [errors.ErrGeneral]. Calling again
// is harmless.
func (s *Service) RevokeOf(ctx context.Context, userID, handle string) (bool, error) {
	if err := s.checkOpen(); err != nil {
		return false, err
	}
	if err := checkUserID(userID); err != nil { // the empty id would mean: anybody's
		return false, err
	}
	if mine, err := s.isOf(ctx, userID, handle); err != nil || !mine {
		return false, err
	}
	return s.end(ctx, models.Revocation{Handle: handle, UserID: userID, Reason: models.RevokedByApplication}, userID)
}

// isOf reports whether a session is the user's, for a handle that comes from a client:
// no other may make this process write to the feed. Where it does not, the statement
// that ends the session asks.
func (s *Service) isOf(ctx context.Context, userID, handle string) (bool, error) {
	if s.hints.store == nil {
		return true, nil
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	row, err := s.store.Find(ctx, handle)
	return row != nil && row.UserID == userID, err
}

func (s *Service) revoke(ctx context.Context, handle, owner string, reason models.RevokeReason) (bool, error) {
	return s.end(ctx, models.Revocation{Handle: handle, Reason: reason}, owner)
}

// end tells of the end and ends the session. owner is its user, or empty when nobody
// knows. When the others could not be told it has ended all the same, and calling again
// tells them.
func (s *Service) end(ctx context.Context, r models.Revocation, owner string) (bool, error) {
	if !token.ValidHandle(r.Handle) {
		return false, nil
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	untold := s.hint(ctx, models.Hint{Kind: models.HintSession, Subject: r.Handle, Owner: owner})
	r.Now = s.now()
	endedNow, err := s.revokeSurely(ctx, r)
	if err == nil && endedNow {
		s.emit(ctx, Event{Kind: EventRevoked, Handle: r.Handle, UserID: cmp.Or(r.UserID, owner), Reason: r.Reason, Count: 1})
	}
	return endedNow, cmp.Or(err, untold)
}

// RevokeAll ends every session of a user, such as after a change of password,
// and returns how many.
//
// When it returns without an error, every session has ended whose sign-in had
// been answered before the call began. Sessions that are created or continued by
// [Session.Replace] while it runs may live on, so look again at the account after
// either.
//
// It works in batches of 1000, from the newest session on, each of them bounded
// by Config.OperationTimeout, and it takes as many as there are: for 400,000
// sessions count on half a minute. ctx bounds the whole. When that ends, or the
// database fails, the count is what has surely ended so far; it comes together
// with the error, and calling again goes on with the rest. A request's context
// ends when its client hangs up: context.WithoutCancel and a time limit keep a
// change of password from stopping half way.
//
// Errors: [errors.ErrUnavailable], [errors.ErrGeneral].
func (s *Service) RevokeAll(ctx context.Context, userID string) (int, error) {
	return s.revokeAll(ctx, userID, "")
}

// RevokeOthers ends every session of a user but the one named, and returns how
// many; see [Service.RevokeAll]. Whoever shares the session that is kept, such
// as a thief of its tokens, stays in too: after a change of password call
// [Session.Replace] first, and keep the session that it makes. That one takes its place
// at once then, used or not.
func (s *Service) RevokeOthers(ctx context.Context, userID, keepHandle string) (int, error) {
	if err := s.checkOpen(); err != nil {
		return 0, err
	}
	if err := s.takePlaceOf(ctx, userID, keepHandle); err != nil {
		return 0, err
	}
	return s.revokeAll(ctx, userID, keepHandle)
}

func (s *Service) revokeAll(ctx context.Context, userID, except string) (int, error) {
	if err := s.checkOpen(); err != nil {
		return 0, err
	}
	if err := s.revokeThere(ctx, userID); err != nil {
		return 0, err
	}
	r := models.RevocationOfUser{
		UserID: userID, Except: except, Reason: models.RevokedByRevokeAll, Now: s.now(), Limit: maxPage,
	}
	count, err := s.inPages(ctx, userID, func(ctx context.Context, from models.Position) (int, *models.Position, error) {
		r.From = from
		done, err := s.store.RevokeAll(ctx, r)
		return done.Count, done.Next, err
	})
	if count > 0 {
		s.emit(ctx, Event{Kind: EventRevoked, UserID: userID, Kept: except, Reason: r.Reason, Count: count})
	}
	return count, err
}

func (s *Service) hintOfUser(ctx context.Context, userID string) error {
	if possible := checkUserID(userID) == nil; !possible {
		return nil // no session has it
	}
	return s.boundedly(ctx, func(ctx context.Context) error {
		return s.hint(ctx, models.Hint{Kind: models.HintUser, Subject: userID})
	})
}
