package errors

import stderrors "errors"

// Classes: what to do about a failure. Every error that the kit returns is one
// of them.
var (
	// ErrGeneral is a failure that says nothing about the session, as
	// GENERAL_ERROR is in SuperTokens' Node library. Answer 500, or 503 when it
	// is an ErrUnavailable too.
	ErrGeneral = stderrors.New("sessionkit: general error")

	// ErrUnauthorised is a definite verdict: there is no such session (any
	// more). Clear the cookies and send the user to the login page.
	ErrUnauthorised = stderrors.New("sessionkit: unauthorised")

	// ErrTryRefreshToken means that the access token does not do, and a refresh
	// may help. Keep the cookies: the refresh needs them.
	ErrTryRefreshToken = stderrors.New("sessionkit: try refresh token")

	// ErrTokenTheft means that a refresh token was used after it had been
	// replaced. The session has been revoked already. It is an
	// ErrUnauthorised too, and always carried by a TokenTheftError.
	ErrTokenTheft = stderrors.New("sessionkit: token theft detected")

	// ErrCrossOrigin means that a page of a foreign origin asked for the
	// request, which the user's browser then sent with its cookies. Answer 403
	// with JSON, change nothing.
	ErrCrossOrigin = stderrors.New("sessionkit: cross-origin request refused")

	// ErrInvalidClaim means that the session lives but does not fulfil what the
	// route demands. Answer 403 with JSON. Carried by a ClaimError.
	ErrInvalidClaim = stderrors.New("sessionkit: invalid claim")

	// ErrSessionLimit means that the user who signs in has as many sessions as
	// one may have. Answer 409 with JSON, change nothing. Carried by a
	// SessionLimitError.
	ErrSessionLimit = stderrors.New("sessionkit: session limit reached")
)

// ErrUnavailable is the [ErrGeneral] that passes by itself: the database is
// unreachable, read-only, without quorum, or too slow. Answer 503, keep the
// cookies, let the client try again.
var ErrUnavailable = general("unavailable")

// ErrClosed is the [ErrUnavailable] of a session.Service that was closed, or
// that session.New did not make. It says nothing about the session: another
// process answers the client's next attempt.
var ErrClosed = WithReason(ErrUnavailable, stderrors.New("the session service is closed: close it after the HTTP server, or use what New returned"))

// ErrInvalidInput is the [ErrGeneral] for values that the caller passed and
// that cannot be taken: nothing was stored.
var ErrInvalidInput = general("invalid input")

// ErrConfig is the [ErrGeneral] for a wrong configuration, at start.
var ErrConfig = general("invalid configuration")

// Reasons why a token does not do, mostly of an [ErrTryRefreshToken]. A refresh
// token that cannot be verified is an [ErrUnauthorised] with the same reasons.
var (
	// ErrTokenMalformed means that the text is no token: it has the wrong
	// shape, or claims that the kit would not have written.
	ErrTokenMalformed = stderrors.New("token malformed")
	// ErrTokenForged means that the token was not signed with the key that it
	// names.
	ErrTokenForged = stderrors.New("token signature invalid")
	// ErrTokenExpired means that the time of an authentic access token is over.
	// It is the usual reason for a refresh and nothing to worry about.
	ErrTokenExpired = stderrors.New("token expired")
	// ErrTokenForeign means a token of another kind, issuer or audience, which
	// shares the cookie's name or the keys with this service.
	ErrTokenForeign = stderrors.New("token not meant for this service")
	// ErrTokenFromFuture is an authentic token of this service that another
	// server issued ahead of this one's time: nothing is wrong with the client.
	ErrTokenFromFuture = stderrors.New("token issued in the future: the clocks of the servers differ by more than Leeway + 60 s")
	// ErrKeyUnknown means that the token names a key that does not verify, or
	// no longer. With an ErrUnavailable it means that nobody could say so for
	// certain.
	ErrKeyUnknown = stderrors.New("token key unknown")
	// ErrTokenMissing means that the request brought no token. It is a visitor,
	// or with an ErrTryRefreshToken a browser that may have a refresh token,
	// which goes to the path of the refresh only.
	ErrTokenMissing = stderrors.New("token missing")
	// ErrTokenDuplicated means that the request brought several tokens, such as
	// two cookies of one name, and none of them can be preferred.
	ErrTokenDuplicated = stderrors.New("several differing tokens presented")
	// ErrAntiCSRF means that the request has not shown that a page of the
	// application made it: its anti-CSRF token, or its custom header, is
	// missing or wrong.
	ErrAntiCSRF = stderrors.New("anti-CSRF token missing or wrong")
	// ErrTokenRotatedOut means an access token that was issued together with a
	// refresh token which another one has replaced since.
	ErrTokenRotatedOut = stderrors.New("token belongs to a branch that was replaced")
)

// Reasons of an [ErrUnauthorised].
var (
	// ErrSessionNotFound means that no row has the session's handle: the
	// cleanup has removed it, or there never was one.
	ErrSessionNotFound = stderrors.New("session not found")
	// ErrSessionRevoked means that somebody ended the session: a sign-out, the
	// application, or a theft that was found.
	ErrSessionRevoked = stderrors.New("session revoked")
	// ErrSessionExpired means that the session has reached its idle end or its
	// absolute one.
	ErrSessionExpired = stderrors.New("session expired")
	// ErrSessionReplaced comes with ErrSessionRevoked: a sign-in or a
	// Session.Replace in the same browser ended the session. The browser may have
	// the new one's tokens by now, so nothing is cleared.
	ErrSessionReplaced = stderrors.New("session replaced by another one")
	// ErrImportOver means a refresh token that is none of the kit's, after
	// session.ImportConfig.Sunset: an earlier system's may be among them. Nothing is
	// cleared.
	ErrImportOver = stderrors.New("sessions of the earlier system are not taken over any more")
	// ErrImportRefused means a session of an earlier system that lives and cannot be
	// taken over as it is; a second reason says why, such as ErrReservedClaim. Nothing
	// is cleared, so that it can be once session.ImportConfig.Convert has been mended.
	ErrImportRefused = stderrors.New("session of the earlier system cannot be taken over")
)

// Reasons of an [ErrInvalidClaim] that the kit itself gives.
var (
	// ErrStepUp means that the user has to prove again who it is, or by a stronger
	// method.
	ErrStepUp = stderrors.New("the user must authenticate again")
	// ErrUserRequired means a visitor's session where a user's is demanded.
	ErrUserRequired = stderrors.New("the session is a visitor's")
)

// Reasons of an [ErrInvalidInput].
var (
	// ErrUserIDInvalid means a user id that is empty, too long or not UTF-8.
	ErrUserIDInvalid = stderrors.New("user id must be 1 to 255 bytes of valid UTF-8")
	// ErrValueNotJSON means a value that encoding/json refuses, or a text that
	// is no JSON of RFC 8259.
	ErrValueNotJSON = stderrors.New("value cannot be expressed as JSON")
	// ErrValueTooDeep means arrays and objects nested deeper than the kit
	// reads.
	ErrValueTooDeep = stderrors.New("value nests too deeply")
	// ErrValueTooLarge means a value beyond what its column or the server
	// takes.
	ErrValueTooLarge = stderrors.New("value too large to store")
	// ErrCookieTooLarge means a payload with which the access token would be
	// larger than browsers keep a cookie.
	ErrCookieTooLarge = stderrors.New("token would not fit into a cookie of 4096 bytes")
	// ErrReservedClaim means a payload field or a claim with a name that the
	// token itself uses, such as "exp".
	ErrReservedClaim = stderrors.New("name is reserved")
	// ErrPayloadNotObject means a payload that is valid JSON but no object.
	ErrPayloadNotObject = stderrors.New("payload is not a JSON object")
)

// Reasons that stores report: ErrDuplicate and ErrSchema of an [ErrGeneral],
// ErrConflict of an [ErrUnavailable].
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

// FromKit reports whether err comes from the kit: every class counts. It is
// isErrorFromAuth of SuperTokens' Node library.
func FromKit(err error) bool {
	for _, class := range []error{
		ErrGeneral, ErrUnauthorised, ErrTryRefreshToken, ErrTokenTheft, ErrCrossOrigin, ErrInvalidClaim, ErrSessionLimit,
	} {
		if stderrors.Is(err, class) {
			return true
		}
	}
	return false
}
