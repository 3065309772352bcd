package models

// EndedSessions asks for the removal of sessions that ended.
type EndedSessions struct {
	// Slice is the part of a sharded store that is cleaned, 0 to HomeSlices-1. Every
	// other store is one slice, 0.
	Slice int
	// Before is the time that an end, idle or absolute, has passed.
	Before int64
	// Limit is how many rows are removed, at most. 0 = none.
	Limit int
}

// CleanupClaim asks for the turn to clean up.
type CleanupClaim struct {
	// Slice is what is to be cleaned; see EndedSessions. Each is claimed by itself.
	Slice int
	// Now decides whether an earlier claim has run out, Until is how long this one
	// holds.
	Now, Until int64
}
