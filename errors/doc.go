// Package errors holds every way a call into the kit can fail, and what a
// handler should do about each.
//
// An error has an outer class, which decides the answer to the client, and an
// inner reason, which is for logs and tests. Both are visible to [Is]:
//
//	errors.Is(err, errors.ErrTryRefreshToken) // the class: what to do
//	errors.Is(err, errors.ErrTokenExpired)    // the reason: why
//
// Three reasons decide something too. With [ErrSessionReplaced] nothing is
// cleared, because the browser may have the newer session's tokens by now. With
// [ErrTokenMissing] the client is a visitor, whom an optional verification lets
// pass, and WWW-Authenticate names no error. With [ErrTokenMalformed] a cookie
// is something else under our name, and counts as a visitor's there too.
//
// # Classes and their HTTP meaning
//
//	class               status                 cookies    message
//	ErrUnauthorised     session expired (401)  cleared    unauthorised
//	ErrTryRefreshToken  session expired (401)  untouched  try refresh token
//	ErrTokenTheft       session expired (401)  cleared    token theft detected
//	ErrUnavailable      503 with Retry-After   untouched  unavailable
//	ErrCrossOrigin      403                    untouched  cross-origin request refused
//	ErrInvalidClaim     403                    untouched  invalid claim
//	ErrSessionLimit     409                    untouched  session limit reached
//	ErrGeneral          500                    untouched  internal error
//
// The body is {"message":"unauthorised"} and so on. That of ErrInvalidClaim has
// claimValidationErrors too, that of ErrSessionLimit limit and sessions.
//
// [ErrTokenTheft] is carried by a [TokenTheftError] and is an [ErrUnauthorised]
// too. [ErrUnavailable] is an [ErrGeneral] whose cause passes by itself: the
// database cannot be reached, is read-only, or took too long. It says nothing
// about the session, so nobody is logged out by it. [ErrClosed] is one.
//
// [ErrCrossOrigin] says that a page of a foreign origin asked for the request, with the
// cookies of the user's browser; nothing was changed. [ErrInvalidClaim] says that the
// session is fine and this route asks for more of it. [ErrSessionLimit] is the answer
// to a sign-in and to nothing else: front ends pass a 409 on to the page.
// [ErrInvalidInput], a kind of [ErrGeneral], is the caller's own mistake: a user id or
// a payload that cannot be stored.
//
// Cookies are cleared only where an authentic token's session is over: a token
// that cannot be understood may be another application's. A 401 has
// WWW-Authenticate.
//
// The status of the session-expired answers is the kit's
// session.Config.SessionExpiredStatus, that of ErrInvalidClaim is
// session.Config.InvalidClaimStatus; the rows above show their defaults.
//
// The package also passes the standard library's functions through, so that a
// file imports exactly one package named errors.
package errors
