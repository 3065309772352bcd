package errors

// ClaimFailure is one claim that a session did not fulfil, in the form that
// the front ends read (JSON field names included).
type ClaimFailure struct {
	// ID is the validator's id, by default the claim's key in the payload.
	ID string `json:"id"`
	// Reason says what is missing; any JSON value, or absent.
	Reason any `json:"reason,omitempty"`
}

// ClaimError lists the claims that a session did not fulfil. It matches
// [ErrInvalidClaim].
type ClaimError struct {
	// Failures holds at least one, in the order in which they were found.
	Failures []ClaimFailure
}

// Error names no values: errors end up in logs.
func (e *ClaimError) Error() string { return ErrInvalidClaim.Error() }

// Is reports a match with [ErrInvalidClaim].
func (e *ClaimError) Is(target error) bool { return target == ErrInvalidClaim }
