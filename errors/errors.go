package errors

import stderrors "errors"

// Classes: what to do about a failure. Every error that the kit returns is one
// of them.
var (
	// ErrGeneral is a failure that says nothing about the session: the seed's
	// GENERAL_ERROR. Answer 500, or 503 when it is an ErrUnavailable too.
	ErrGeneral = stderrors.New("sessionkit: general error")

	// ErrUnauthorised is a definite verdict: there is no such session (any
	// more). Clear the cookies and send the user to the login page.
	ErrUnauthorised = stderrors.New("sessionkit: unauthorised")

	// ErrTryRefreshToken means that the access token does not do, and a refresh
	// may help. Keep the cookies: the refresh needs them.
	ErrTryRefreshToken = stderrors.New("sessionkit: try refresh token")

	// ErrTokenTheft means that a refresh token was used after it had been
	// replaced. The session has been revoked already. It is an ErrUnauthorised
	// too, and always carried by a *TokenTheftError.
	ErrTokenTheft = stderrors.New("sessionkit: token theft detected")

	// ErrCrossOrigin means that a page of a foreign origin asked for the request, which the
	// user's browser then sent with its cookies. Answer 403 with JSON, change nothing.
	ErrCrossOrigin = stderrors.New("sessionkit: cross-origin request refused")

	// ErrInvalidClaim means that the session lives but does not fulfil what the
	// route demands. Answer 403 with JSON. Carried by a *ClaimError.
	ErrInvalidClaim = stderrors.New("sessionkit: invalid claim")
)

// ErrUnavailable is the ErrGeneral that passes by itself: the database is
// unreachable, read-only, without quorum, or too slow. Answer 503, keep the
// cookies, let the client try again.
var ErrUnavailable = general("unavailable")

// ErrClosed is the ErrUnavailable of a session.Service that was closed, or that
// session.New did not make. It says nothing about the session: another process
// answers the client's next attempt.
var ErrClosed = WithReason(ErrUnavailable, stderrors.New("the session service is closed: close it after the HTTP server, or use what New returned"))

// ErrInvalidInput is the ErrGeneral for values that the caller passed and that
// cannot be taken: nothing was stored.
var ErrInvalidInput = general("invalid input")

// ErrConfig is the ErrGeneral for a wrong configuration, at start.
var ErrConfig = general("invalid configuration")

// Reasons of an ErrTryRefreshToken.
var (
	ErrTokenMalformed = stderrors.New("token malformed")
	ErrTokenForged    = stderrors.New("token signature invalid")
	ErrTokenExpired   = stderrors.New("token expired")
	ErrTokenForeign   = stderrors.New("token not meant for this service")
	// ErrTokenFromFuture is an authentic token of this service that another server
	// issued ahead of this one's time: nothing is wrong with the client.
	ErrTokenFromFuture = stderrors.New("token issued in the future: the clocks of the servers differ by more than Leeway + 60 s")
	ErrKeyUnknown      = stderrors.New("token key unknown")
	ErrTokenMissing    = stderrors.New("token missing")
	ErrTokenDuplicated = stderrors.New("several differing tokens presented")
	ErrAntiCSRF        = stderrors.New("anti-CSRF token missing or wrong")
	ErrTokenRotatedOut = stderrors.New("token belongs to a branch that was replaced")
)

// Reasons of an ErrUnauthorised.
var (
	ErrSessionNotFound = stderrors.New("session not found")
	ErrSessionRevoked  = stderrors.New("session revoked")
	ErrSessionExpired  = stderrors.New("session expired")
	// ErrSessionReplaced comes with ErrSessionRevoked: a sign-in in the same browser ended
	// the session. The browser may have the new one's tokens by now, so nothing is cleared.
	ErrSessionReplaced = stderrors.New("session replaced by a sign-in")
)

// Reasons of an ErrInvalidInput.
var (
	ErrUserIDInvalid    = stderrors.New("user id must be 1 to 255 bytes of valid UTF-8")
	ErrValueNotJSON     = stderrors.New("value cannot be expressed as JSON")
	ErrValueTooDeep     = stderrors.New("value nests too deeply")
	ErrValueTooLarge    = stderrors.New("value too large to store")
	ErrCookieTooLarge   = stderrors.New("token would not fit into a cookie of 4096 bytes")
	ErrReservedClaim    = stderrors.New("name is reserved")
	ErrPayloadNotObject = stderrors.New("payload is not a JSON object")
)

// Reasons of an ErrGeneral that stores report.
var (
	// ErrConflict means that a row changed between reading and writing more
	// often than the caller was willing to try again.
	ErrConflict = stderrors.New("concurrent update")
	// ErrDuplicate means that a row with this key exists already.
	ErrDuplicate = stderrors.New("duplicate key")
	// ErrSchema means that a table lacks something the kit needs.
	ErrSchema = stderrors.New("database schema does not fit")
)

// classified is an error with an outer class and an inner reason.
type classified struct {
	class  error
	reason error
}

func (e *classified) Error() string   { return e.class.Error() + ": " + e.reason.Error() }
func (e *classified) Unwrap() []error { return []error{e.class, e.reason} }

// general makes a sentinel that is also an ErrGeneral.
func general(text string) error {
	return &classified{class: ErrGeneral, reason: stderrors.New(text)}
}

// WithReason gives class the inner reason; both are found by [Is]. A nil reason
// yields the class alone.
func WithReason(class, reason error) error {
	if reason == nil {
		return class
	}
	return &classified{class: class, reason: reason}
}

// IsAuth reports whether err comes from the kit, as the seed's isErrorFromAuth
// does: every class counts.
func IsAuth(err error) bool {
	for _, class := range []error{ErrGeneral, ErrUnauthorised, ErrTryRefreshToken, ErrTokenTheft, ErrCrossOrigin, ErrInvalidClaim} {
		if stderrors.Is(err, class) {
			return true
		}
	}
	return false
}
