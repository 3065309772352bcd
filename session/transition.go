package session

import (
	"context"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/lineage"
	"github.com/gin-sessionkit/sessionkit/models"
)

// advance applies a step. If it found no match, or its outcome is unknown, the
// row is read again: a row that holds what was to be written means success,
// whoever wrote it. Otherwise found is the row, for the next decision.
func (s *Service) advance(ctx context.Context, step models.Advance) (found *models.Session, applied bool, err error) {
	applied, err = s.store.Advance(ctx, step)
	if err == nil && applied {
		return nil, true, nil
	}
	found, readErr := s.store.Find(ctx, step.Handle)
	if readErr != nil {
		return nil, false, readErr
	}
	if err != nil && found != nil && found.LiveAt(step.Now) && found.Lineage.Current.Equal(step.To) {
		return found, true, nil
	}
	return found, false, nil
}

// dated completes a step with the session's name and times. The end of the token
// that becomes current was promised to the client, so the row's must not be earlier.
func (s *Service) dated(step models.Advance, handle string, absolute, idle int64) models.Advance {
	step.Handle = handle
	step.Now = s.now()
	step.ExpiresAt = s.idleEnd(max(step.Now, step.IssuedAt), absolute, idle)
	return step
}

func (s *Service) emitAdvance(ctx context.Context, v lineage.Verdict, handle, userID string) {
	kind := EventPromoted
	switch v {
	case lineage.FastForward:
		kind = EventDatabaseBehind
	case lineage.Swap:
		kind = EventSwapped
	default: // a plain promotion
	}
	s.emit(ctx, Event{Kind: kind, Handle: handle, UserID: userID})
}

// live is the row of a live session.
func (s *Service) live(ctx context.Context, handle string) (*models.Session, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	row, err := s.store.Find(ctx, handle)
	if err != nil {
		return nil, err
	}
	if row == nil || !row.LiveAt(s.now()) {
		return nil, ended(row)
	}
	return row, nil
}

// ended is the verdict on a session that is not live.
func ended(row *models.Session) error {
	switch {
	case row == nil:
		return errors.WithReason(errors.ErrUnauthorised, errors.ErrSessionNotFound)
	// By a sign-in or a Replace, which may have been in this browser: the next tokens may
	// be there.
	case row.RevokedAt != 0 && (row.RevokeReason == models.RevokedByNewLogin || row.RevokeReason == models.RevokedByLimit ||
		row.RevokeReason == models.RevokedByReplacement):
		return errors.WithReason(errors.ErrUnauthorised, errors.WithReason(errors.ErrSessionRevoked, errors.ErrSessionReplaced))
	case row.RevokedAt != 0:
		return errors.WithReason(errors.ErrUnauthorised, errors.ErrSessionRevoked)
	default:
		return errors.WithReason(errors.ErrUnauthorised, errors.ErrSessionExpired)
	}
}

// revokeSurely is Store.Revoke, and after an unknown outcome looks whether it was
// carried out. Two calls of one millisecond cannot be told apart then: both count as
// the one that ended the session, because a theft is better reported twice than never.
func (s *Service) revokeSurely(ctx context.Context, r models.Revocation) (bool, error) {
	endedNow, err := s.store.Revoke(ctx, r)
	if err == nil {
		return endedNow, nil
	}
	row, readErr := s.store.Find(ctx, r.Handle)
	if readErr != nil || row == nil || r.UserID != "" && row.UserID != r.UserID ||
		row.RevokedAt != r.Now || row.RevokeReason != r.Reason || r.Successor != "" && row.Origin != r.Successor {
		return false, err
	}
	return true, nil
}
