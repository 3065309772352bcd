package models

// HintKind says what a Hint is about, and so what its Subject is.
type HintKind string

// The kinds of hints.
const (
	// HintSession is about one session; the subject is its handle.
	HintSession HintKind = "session"
	// HintUser is about all sessions of a user; the subject is the user id.
	HintUser HintKind = "user"
	// HintAll is about every session; there is no subject.
	HintAll HintKind = "all"
	// HintClaims is about what applications know of a user, such as roles; the
	// subject is the user id. The sessions live on.
	HintClaims HintKind = "claims"
	// HintKey is about a signing key that was retired; the subject is its id. Who has
	// read keys reads them again. No session is asked about.
	HintKey HintKind = "key"
)

// Hint is one row of the feed, by which the processes of an application tell each
// other what to look at again. It decides nothing: who reads that a session is
// hinted at asks the sessions table about it, and the key table about a key.
type Hint struct {
	// ID is random. A hint that was written twice, as the answer to the first
	// attempt was lost, has the same ID twice.
	ID   HintID
	Kind HintKind
	// Subject is at most MaxUserID bytes, byte-exact.
	Subject string
	// Owner is the user of the session that a HintSession is about, or empty where
	// whoever wrote it does not know.
	Owner string
	// At is when it was written, by the clock of the database. The store sets it.
	At int64
}

// HintID tells hints apart.
type HintID [8]byte

// Position returns the place of h in the feed.
func (h *Hint) Position() FeedPosition { return FeedPosition{h.At, h.ID} }

// FeedPosition is a place in the feed: by time, and by ID within a millisecond.
type FeedPosition struct {
	At int64
	ID HintID
}

// FeedQuery asks for hints, from the oldest on.
type FeedQuery struct {
	// After is where to begin: with what comes after it.
	After FeedPosition
	// Limit is how many hints to return, at most. 0 = as many as the store likes.
	Limit int
}

// FeedPage is the answer to a FeedQuery.
type FeedPage struct {
	Hints []Hint
	// Next is where to go on; nil when no hint was left.
	Next *FeedPosition
	// Clock is the time at the database, in milliseconds. It is there without hints
	// too.
	Clock int64
}
