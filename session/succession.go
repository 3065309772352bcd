package session

import (
	"context"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/lineage"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

// A session that Replace made is pending until the first use of its tokens, which
// proves that the client has them. That use ends the session before it, and clears the
// flag last: a server that dies in between has done nothing that the next use does not
// finish.

// heir is a pending session that is used.
type heir struct {
	handle, userID, origin string
	// owner is the user of those before it, or empty when nobody knows: a visitor's
	// session has another one, and the feed must not count it among this user's.
	owner string
	// absolute and idle bound its end, as in idleEnd.
	absolute, idle int64
}

func heirOf(row *models.Session) heir {
	next := heir{
		handle: row.Handle, userID: row.UserID, origin: row.Origin,
		absolute: row.AbsoluteExpiresAt, idle: row.IdleMillis,
	}
	// A visitor who signs in begins anew; all others keep the time of their sign-in.
	if row.Lineage.Generation == 0 && row.CreatedAt < row.Lineage.IssuedAt {
		next.owner = row.UserID
	}
	return next
}

// inheritance is what became of the use of an heir.
type inheritance struct {
	// ends is the idle end of the row, where the heir has the place for good.
	ends int64
	// sharedWith has the place, and the heir stays pending: see lineage.Share.
	sharedWith string
}

// inherit puts next in the place of its origin. overlap is lineage.Overlap, or 0 for
// what must not leave another session of the same browser behind.
func (s *Service) inherit(ctx context.Context, next heir, overlap int64) (inheritance, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	at, taken, take := next.origin, int64(0), true
	var row *models.Session
	for range lineage.MaxAttempts {
		if take {
			ended, err := s.takePlace(ctx, at, next)
			if err != nil {
				return inheritance{}, err
			}
			if ended {
				return s.confirm(ctx, next)
			}
		}
		var err error
		if row, err = s.store.Find(ctx, at); err != nil {
			return inheritance{}, err
		}
		p := lineage.PredecessorOf(row)
		// That a visitor becomes a user is what the first step is for.
		p.Stranger = taken != 0 && row != nil && row.UserID != next.userID
		switch lineage.OnSuccession(next.handle, p, taken, s.now(), overlap) {
		case lineage.Take:
			take = true
		case lineage.Succeed:
			return s.confirm(ctx, next)
		case lineage.Follow:
			at, taken, take = p.By, p.RevokedAt, false
		case lineage.Share:
			return inheritance{sharedWith: at}, nil
		default:
			return inheritance{}, s.disinherit(ctx, next, row)
		}
	}
	if !take {
		// The session went on so often without this one that nobody waits for it: to
		// have the client try again would come to the same forever.
		return inheritance{}, ended(row)
	}
	return inheritance{}, errors.WithReason(errors.ErrUnavailable, errors.ErrConflict)
}

// takePlace ends the session at in favour of next, and reports whether it was this call
// that did.
func (s *Service) takePlace(ctx context.Context, at string, next heir) (bool, error) {
	untold := s.hint(ctx, models.Hint{Kind: models.HintSession, Subject: at, Owner: next.owner})
	ended, err := s.revokeSurely(ctx, models.Revocation{
		Handle: at, Reason: models.RevokedByReplacement, Successor: next.handle, Now: s.now(),
	})
	if err == nil {
		err = untold // the next use tells them: it goes on from here
	}
	return ended, err
}

// confirm makes next a session like any other.
func (s *Service) confirm(ctx context.Context, next heir) (inheritance, error) {
	now := s.now()
	ends := s.idleEnd(now, next.absolute, next.idle)
	done, err := s.store.Confirm(ctx, models.Confirmation{Handle: next.handle, ExpiresAt: ends, Now: now})
	if err == nil && done {
		s.emit(ctx, Event{Kind: EventReplaced, Handle: next.handle, UserID: next.userID})
		return inheritance{ends: ends}, nil
	}
	row, readErr := s.store.Find(ctx, next.handle)
	switch {
	case readErr != nil:
		return inheritance{}, readErr
	case row == nil || !row.LiveAt(now):
		return inheritance{}, ended(row)
	case row.Flags.Has(models.FlagPending):
		return inheritance{}, err // nil cannot be: the flag is there, and was not found
	}
	return inheritance{ends: row.ExpiresAt}, nil // another request was faster
}

// disinherit ends next for the reason that before ended for: it has no future. Where
// that fails, the next use comes to the same.
func (s *Service) disinherit(ctx context.Context, next heir, before *models.Session) error {
	if before != nil {
		_ = s.hint(ctx, models.Hint{Kind: models.HintSession, Subject: next.handle, Owner: next.userID})
		_, _ = s.store.Revoke(ctx, models.Revocation{Handle: next.handle, Reason: before.RevokeReason, Now: s.now()})
	}
	return ended(before)
}

// inheritByUse is settle for an access token that names a session to replace.
func (s *Service) inheritByUse(ctx context.Context, text string, claims *token.Access) (*Session, *Token, error) {
	sess, replacement := s.newSession(text, claims, 0), (*Token)(nil)
	if !claims.Parent.IsZero() {
		// Only a token that counts in its own session may speak for it.
		var err error
		if sess, replacement, err = s.promote(ctx, text, claims); err != nil {
			return nil, nil, err
		}
	}
	// One that has ended must take nobody's place.
	row, err := s.live(ctx, claims.Handle)
	if err != nil {
		return nil, nil, err
	}
	got := inheritance{ends: row.ExpiresAt}
	if row.Flags.Has(models.FlagPending) { // else another request was faster
		if got, err = s.inherit(ctx, heirOf(row), lineage.Overlap); err != nil {
			return nil, nil, err
		}
	}
	if got.sharedWith != "" {
		sess.standsFor = got.sharedWith
		sess.claims.Level = row.Level // which may have fallen: see Downgrade
		return sess, replacement, nil
	}
	fresh := sess.claims
	fresh.Replaces, fresh.Level = "", row.Level // see above
	if replacement, err = s.signAccess(ctx, &fresh); err != nil {
		return nil, nil, err
	}
	return s.newSession(replacement.Value, &fresh, got.ends), replacement, nil
}

// inheritByRefresh is inheritByUse for a refresh token that is good. It returns the row
// as it is then.
func (s *Service) inheritByRefresh(ctx context.Context, row *models.Session) (*models.Session, string, error) {
	got, err := s.inherit(ctx, heirOf(row), lineage.Overlap)
	if err != nil || got.sharedWith != "" {
		return row, got.sharedWith, err
	}
	row, err = s.store.Find(ctx, row.Handle)
	return row, "", err
}

// takePlaceOf puts a user's pending session into its place for good: all others are to
// end, the one before it too.
func (s *Service) takePlaceOf(ctx context.Context, userID, handle string) error {
	if !token.ValidHandle(handle) {
		return nil
	}
	row, err := s.live(ctx, handle)
	switch {
	case errors.Is(err, errors.ErrUnauthorised):
		return nil
	case err != nil || row.UserID != userID || !row.Flags.Has(models.FlagPending):
		return err
	}
	_, err = s.inherit(ctx, heirOf(row), 0)
	if errors.Is(err, errors.ErrUnauthorised) {
		return nil // it has no future, and is one of those to end
	}
	return err
}

// takePlaceForGood settles what a shared place, or tokens that were made a moment ago,
// have left open: nothing of this browser may live on when its user signs out.
func (s *Session) takePlaceForGood(ctx context.Context) error {
	if s.claims.Replaces == "" {
		return nil
	}
	row, err := s.svc.live(ctx, s.Handle())
	if err != nil || !row.Flags.Has(models.FlagPending) {
		return err
	}
	_, err = s.svc.inherit(ctx, heirOf(row), 0)
	return err
}

// wasReplaced is an error where the session ended because another one took its place.
func (s *Service) wasReplaced(ctx context.Context, handle string) error {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	row, err := s.store.Find(ctx, handle)
	if err == nil && lineage.PredecessorOf(row).By != "" {
		err = tryRefresh(errors.ErrSessionReplaced)
	}
	return err
}

// memberOf reads what the rows say about a session and those around it.
func (s *Service) memberOf(ctx context.Context, handle string) (m lineage.Member, err error) {
	row, err := s.store.Find(ctx, handle)
	if err != nil || row == nil {
		return m, err
	}
	m = lineage.Member{Handle: handle, UserID: row.UserID}
	if lineage.PredecessorOf(row).By == "" {
		if m.Origin = row.Origin; m.Origin == "" {
			return m, nil
		}
		if row, err = s.store.Find(ctx, m.Origin); err != nil {
			return m, err
		}
	}
	for range maxHandles {
		by := lineage.PredecessorOf(row).By
		if by == "" {
			break
		}
		m.Later = append(m.Later, by)
		if row, err = s.store.Find(ctx, by); err != nil {
			return m, err
		}
	}
	return m, nil
}

// continues reports whether the session handle is of the same line as others, so that
// their access tokens may come beside its refresh token.
func (s *Service) continues(ctx context.Context, handle string, others []string) (bool, error) {
	if len(others) == 0 || len(others) > maxHandles {
		return false, nil
	}
	m, err := s.memberOf(ctx, handle)
	if err != nil || m.Origin == "" {
		return false, err
	}
	for _, other := range others {
		if other == m.Origin {
			continue
		}
		o, err := s.memberOf(ctx, other)
		if err != nil || o.Handle == "" || !lineage.Kin(m, o) {
			return false, err
		}
	}
	return true, nil
}
