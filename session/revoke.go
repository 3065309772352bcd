package session

import (
	"context"

	"github.com/gin-sessionkit/sessionkit/models"
)

// Revoke ends the session named by handle. It reports true only for the call that
// ended it: false when there is none or it had been revoked before. No
// refresh, promotion or write of the session succeeds afterwards; how long access tokens go on
// working, Config.Revocation says.
//
// Errors: errors.ErrUnavailable, errors.ErrGeneral. Calling again is harmless.
func (s *Service) Revoke(ctx context.Context, handle string) (bool, error) {
	if err := s.checkOpen(); err != nil {
		return false, err
	}
	return s.revoke(ctx, handle, models.RevokedByApplication)
}

func (s *Service) revoke(ctx context.Context, handle string, reason models.RevokeReason) (bool, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	endedNow, err := s.revokeSurely(ctx, models.Revocation{Handle: handle, Reason: reason, Now: s.now()})
	if err == nil && endedNow {
		s.emit(ctx, Event{Kind: EventRevoked, Handle: handle, Reason: reason, Count: 1})
	}
	return endedNow, err
}

// RevokeAll ends every session of a user in one statement, such as after a change of password,
// and returns how many. Sessions created while it runs may live on.
func (s *Service) RevokeAll(ctx context.Context, userID string) (int, error) {
	return s.revokeAll(ctx, userID, "")
}

// RevokeOthers ends every session of a user but the one named, and returns how many.
func (s *Service) RevokeOthers(ctx context.Context, userID, keepHandle string) (int, error) {
	return s.revokeAll(ctx, userID, keepHandle)
}

func (s *Service) revokeAll(ctx context.Context, userID, except string) (int, error) {
	if err := s.checkOpen(); err != nil {
		return 0, err
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	n, err := s.store.RevokeAll(ctx, userID, except, models.RevokedByRevokeAll, s.now())
	if err == nil && n > 0 {
		s.emit(ctx, Event{Kind: EventRevoked, UserID: userID, Reason: models.RevokedByRevokeAll, Count: n})
	}
	return n, err
}
