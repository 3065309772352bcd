package models

// Session is one row of the sessions table: a session from its creation until
// the cleanup removes it, some time after its end.
type Session struct {
	// Handle names the session: 26 characters, time-ordered, 80 random bits; in a
	// sharded store 32, which begin with the user's home (HomeOfHandle). It is not a
	// credential.
	Handle string `gorm:"column:handle;primaryKey"`
	// UserID is the application's, 1 to MaxUserID bytes, byte-exact.
	UserID string `gorm:"column:user_id"`

	// Lineage is what the refresh tokens are compared with.
	Lineage Lineage `gorm:"embedded;embeddedPrefix:refresh_"`

	// Payload is the JSON text that goes into access tokens; nil = absent.
	Payload []byte `gorm:"column:payload"`
	// Data is the JSON text kept on the server only; nil = absent.
	Data []byte `gorm:"column:data"`
	// DataVersion counts writes of Data.
	DataVersion int64 `gorm:"column:data_version"`

	// CreatedAt is when the user signed in.
	CreatedAt int64 `gorm:"column:created_at;autoCreateTime:false"`
	// LastUsedAt is the time of the last step of the lineage or of the idle
	// end: not of every request, which writes nothing.
	LastUsedAt int64 `gorm:"column:last_used_at"`

	// ExpiresAt is the idle end; it moves on with use.
	ExpiresAt int64 `gorm:"column:expires_at"`
	// AbsoluteExpiresAt is the end that never moves; 0 = none.
	AbsoluteExpiresAt int64 `gorm:"column:absolute_expires_at"`

	// RevokedAt is 0 while the session lives. A revoked row stays as a
	// tombstone until the cleanup.
	RevokedAt int64 `gorm:"column:revoked_at"`
	// RevokeReason is a short ASCII word, empty while the session lives.
	RevokeReason RevokeReason `gorm:"column:revoke_reason"`

	// UserAgent and IP describe the device for device lists; may be empty.
	UserAgent string `gorm:"column:user_agent"`
	IP        string `gorm:"column:ip"`
	// Label is what the user calls the device: at most MaxLabel characters; may be
	// empty.
	Label string `gorm:"column:label"`

	// AuthAt is when the user proved who it is last; 0 = at CreatedAt.
	AuthAt int64 `gorm:"column:auth_at"`
	// AMR says how: words of RFC 8176 between blanks, such as "pwd otp", at most MaxAMR
	// bytes of ASCII; may be empty.
	AMR string `gorm:"column:amr"`
	// Level is how sure the application is of that, by its own scale: 0 to MaxLevel.
	Level int `gorm:"column:aal"`
	// IdleMillis is how long the session lives without use; 0 = as configured.
	IdleMillis int64 `gorm:"column:idle_ms"`
	// Flags are what else is special about it.
	Flags SessionFlags `gorm:"column:flags"`
	// Origin is the handle of the session that this one continues; may be empty. Of a
	// session that was replaced it is the one that took its place.
	Origin string `gorm:"column:origin"`
}

// SessionFlags are yes-or-no properties of a session.
type SessionFlags int

// The flags. A row may hold others, of later versions: they are kept.
const (
	// FlagBrowserSession: the browser forgets the cookies when it is closed.
	FlagBrowserSession SessionFlags = 1 << iota
	// FlagAnonymous: a visitor's session, whose user id names nobody.
	FlagAnonymous
	// FlagPending: it continues another session, and no token of it was used yet. Until
	// then it does not count as one more session.
	FlagPending
	// FlagSignIn, beside FlagPending: it continues a visitor's session as a user's, and
	// counts as one more session of that user. It says nothing of one that was used.
	FlagSignIn
)

// Has reports whether all of the flags are set.
func (f SessionFlags) Has(flags SessionFlags) bool { return f&flags == flags }

const (
	// MaxAMR is the longest AMR in bytes.
	MaxAMR = 64
	// MaxLevel is the highest Level.
	MaxLevel = 9
)

// ProvenAt is when the user proved who it is last (milliseconds).
func (s *Session) ProvenAt() int64 {
	if s.AuthAt != 0 {
		return s.AuthAt
	}
	return s.CreatedAt
}

// MaxGeneration is the highest generation of refresh tokens, in tokens and in
// rows. A client that refreshes a thousand times a second reaches it after 35
// years. It is so far below the end of int64 that nothing computed with it
// overflows.
const MaxGeneration = 1 << 40

// NextGeneration is the generation of a child of a token of this one. At the
// highest it stays: tokens are told apart by their hashes.
func NextGeneration(gen int64) int64 { return min(gen, MaxGeneration-1) + 1 }

// Lineage is what a row knows of the session's refresh tokens.
type Lineage struct {
	// Current is the double hash of the current token.
	Current Hash `gorm:"column:cur_hash"`
	// Previous is the double hash of the one before it; zero at first.
	Previous Hash `gorm:"column:prev_hash"`
	// IssuedAt is when the current token was issued.
	IssuedAt int64 `gorm:"column:cur_iat"`
	// Generation counts the generations of tokens: 0 to MaxGeneration.
	Generation int64 `gorm:"column:gen"`
}

// LiveAt reports whether the session is neither revoked nor expired at now
// (milliseconds).
func (s *Session) LiveAt(now int64) bool {
	return s.RevokedAt == 0 && s.ExpiresAt > now &&
		(s.AbsoluteExpiresAt == 0 || s.AbsoluteExpiresAt > now)
}

// RevokeReason says why a session ended.
type RevokeReason string

// The reasons that the kit itself gives.
const (
	// RevokedBySignOut: the user signed out of this session.
	RevokedBySignOut RevokeReason = "sign-out"
	// RevokedByApplication: the application ended this session by its handle.
	RevokedByApplication RevokeReason = "application"
	// RevokedByRevokeAll: all sessions of the user were ended, or all others.
	RevokedByRevokeAll RevokeReason = "revoke-all"
	// RevokedByTheft: a refresh token was used that had been replaced.
	RevokedByTheft RevokeReason = "theft"
	// RevokedByNewLogin: somebody signed in with the same browser.
	RevokedByNewLogin RevokeReason = "new-login"
	// RevokedByLimit: the user signed in elsewhere, and may have no more sessions.
	RevokedByLimit RevokeReason = "session-limit"
	// RevokedByReplacement: another session continues this one, and was used.
	RevokedByReplacement RevokeReason = "replaced"
	// RevokedByOperator: one of many that were ended by a filter, or together with
	// everybody's.
	RevokedByOperator RevokeReason = "operator"
)

// EndedByExpiry stands in the place of a reason where a session's own time was up. No
// row holds it.
const EndedByExpiry RevokeReason = "expired"

// Advance is one step of a session's refresh tokens, applied as a
// compare-and-swap: it takes effect only on a live session whose current token
// is From.
type Advance struct {
	Handle string
	// From must be the current token, To becomes it. They differ, so that the
	// statement always changes the row.
	From, To Hash
	// Previous becomes the previous token. It is a value of its own and never
	// taken from the row: in "previous = current, current = ?" SQL engines
	// disagree on which current token they mean.
	Previous Hash
	// ExpectPrevious, unless zero, must be the previous token.
	ExpectPrevious Hash
	// IssuedAt and Generation belong to To.
	IssuedAt, Generation int64
	// ExpiresAt is the new idle end. A store never moves it backwards. The
	// absolute end holds whatever it says: both are checked everywhere.
	ExpiresAt int64
	// Now decides whether the session is live, and becomes the last use.
	Now int64
}

// Extend moves the idle end of a live session whose current token is Current.
type Extend struct {
	Handle    string
	Current   Hash
	ExpiresAt int64
	Now       int64
}

// Revocation ends a session that nobody has revoked yet.
type Revocation struct {
	Handle string
	// UserID, unless empty, must be the session's user.
	UserID string
	// Current, unless zero, must be the hash of the current refresh token. It
	// is set where the end was decided on a row that was read, such as after a
	// theft: that row must not have moved on meanwhile.
	Current Hash
	Reason  RevokeReason
	// Successor, unless empty, is the session that takes the place of this one, and is
	// written as its Origin.
	Successor string
	// Now is written as the time of the end.
	Now int64
}

// Confirmation takes FlagPending from a live session that has it.
type Confirmation struct {
	Handle string
	// ExpiresAt is the new idle end. A store never moves it backwards.
	ExpiresAt int64
	// Now decides whether the session is live, and becomes the last use.
	Now int64
}

// Position is a place in the order of a user's sessions: by creation time, and
// by handle within a millisecond. The zero Position is the place before the
// first session that a call would look at.
type Position struct {
	CreatedAt int64
	Handle    string
}

// Position returns the place of s.
func (s *Session) Position() Position { return Position{s.CreatedAt, s.Handle} }

// Before reports whether p comes before other.
func (p Position) Before(other Position) bool {
	return p.CreatedAt < other.CreatedAt || p.CreatedAt == other.CreatedAt && p.Handle < other.Handle
}

// RevocationOfUser ends some of a user's sessions, from the newest on. One call
// ends a bounded number of them, as a user can have any number of sessions and
// the work of one statement must have a bound.
type RevocationOfUser struct {
	UserID string
	// Except, unless empty, is the handle of a session to spare.
	Except string
	Reason RevokeReason
	// Now decides which sessions are live, and is written as the time of the
	// end.
	Now int64
	// From is where the call before left off: this one goes on with what is
	// older. Zero = the newest.
	From Position
	// Limit is how many rows are looked at, at most. 0 = as many as the store
	// likes.
	Limit int
}

// RevokedOfUser is what a [RevocationOfUser] did.
type RevokedOfUser struct {
	// Count is how many sessions it ended.
	Count int
	// Next is where to go on; nil when no session was left to look at.
	Next *Position
}

// Downgrade lowers the level of some of a user's sessions, from the newest on. As with
// a [RevocationOfUser], one call looks at a bounded number of them.
type Downgrade struct {
	UserID string
	// Level is what higher ones become, 0 to MaxLevel. Lower ones stay.
	Level int
	// Now decides which sessions are live.
	Now int64
	// From is where the call before left off: this one goes on with what is
	// older. Zero = the newest.
	From Position
	// Limit is how many rows are looked at, at most. 0 = as many as the store
	// likes.
	Limit int
}

// Downgraded is what a [Downgrade] did.
type Downgraded struct {
	// Count is how many sessions it lowered.
	Count int
	// Next is where to go on; nil when no session was left to look at.
	Next *Position
}

// SessionsOfUser asks for some of a user's sessions, from the oldest on.
type SessionsOfUser struct {
	UserID string
	// Now decides which sessions are live.
	Now int64
	// From is where the page before ended: this one begins after it. Zero = the
	// oldest.
	From Position
	// Limit is how many rows are looked at, at most. 0 = as many as the store
	// likes.
	Limit int
}

// SessionPage is the answer to a [SessionsOfUser].
type SessionPage struct {
	// Sessions are live. They may be fewer than the limit, or none at all,
	// although more follow: the limit counts the ended ones between them too.
	Sessions []Session
	// Next is where to go on; nil when no session was left to look at.
	Next *Position
}

// DataWrite replaces the data of a live session.
type DataWrite struct {
	Handle string
	// Data is the JSON text; nil = absent.
	Data []byte
	// IfVersion, unless nil, must be the version of the data that is replaced.
	IfVersion *int64
	Now       int64
}

// PayloadWrite replaces the payload of a live session whose payload is still
// the one that was read.
type PayloadWrite struct {
	Handle string
	// Old is the payload that was read, New the one to write; nil = absent.
	// They differ.
	Old, New []byte
	Now      int64
}

// LabelWrite names a live session of a user.
type LabelWrite struct {
	Handle, UserID string
	// Label is at most MaxLabel characters; empty takes the name away.
	Label string
	// Now decides whether the session is live.
	Now int64
}

// MaxLabel is the longest label in characters.
const MaxLabel = 64

// Walk asks for sessions of all users, in the order of their handles.
type Walk struct {
	// After is the handle that the page before ended with; empty = the first.
	After string
	// Now decides which sessions are live.
	Now int64
	// Limit is how many rows are looked at, at most. 0 = as many as the store
	// likes.
	Limit int
}

// WalkPage is the answer to a [Walk].
type WalkPage struct {
	// Sessions are live. They may be fewer than the limit, or none at all,
	// although more follow.
	Sessions []Session
	// Next is what After is to be for the next page; empty when no session was left
	// to look at.
	Next string
}

// RevocationOfMany ends the live ones among some sessions.
type RevocationOfMany struct {
	// Handles are at most 1000.
	Handles []string
	Reason  RevokeReason
	// Now decides which sessions are live, and is written as the time of the
	// end.
	Now int64
}
