package errors

import "time"

// TokenTheftError reports that a refresh token was used after it had been
// replaced: two parties hold tokens of one session. The session was revoked
// before this error was returned, and exactly one caller gets it for each
// session; later ones get [ErrUnauthorised].
//
// By what client the session was made, and which one came with the old token, tells
// the event of it: session.Event has Stored and Presented.
type TokenTheftError struct {
	// SessionHandle names the revoked session.
	SessionHandle string
	// UserID is the user whose session it was.
	UserID string
	// SinceRotation says how long ago the replayed token was replaced, or zero
	// when that is not known. A few milliseconds hint at parallel tabs of a
	// front end that takes no turns, rather than at a thief (see
	// session.Config.ConcurrentRefreshWindow).
	SinceRotation time.Duration
}

// Error names no user and no handle: errors end up in logs.
func (e *TokenTheftError) Error() string { return ErrTokenTheft.Error() }

// Is reports a match with [ErrTokenTheft] and [ErrUnauthorised].
func (e *TokenTheftError) Is(target error) bool {
	return target == ErrTokenTheft || target == ErrUnauthorised
}
