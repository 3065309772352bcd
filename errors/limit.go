package errors

import "time"

// SessionLimitError reports a sign-in that was refused because the user has as
// many sessions as session.Config.MaxSessions lets one have. The user is who they say
// they are. It matches [ErrSessionLimit].
//
// A page lets the user choose one to end, and signs in again: the application ends it
// by Service.RevokeOf after it has looked at the user's proof once more.
type SessionLimitError struct {
	// Limit is how many sessions a user may have.
	Limit int
	// Sessions are those that the user has, oldest first: of more than 1,000 only some.
	Sessions []OpenSession
}

// OpenSession is a session as [SessionLimitError] shows it, with as much as the user
// needs to tell it from others.
type OpenSession struct {
	Handle                string
	CreatedAt, LastUsedAt time.Time
	UserAgent, IP, Label  string // may be empty
}

// Error names no session: errors end up in logs.
func (e *SessionLimitError) Error() string { return ErrSessionLimit.Error() }

// Is reports a match with [ErrSessionLimit].
func (e *SessionLimitError) Is(target error) bool { return target == ErrSessionLimit }
