// Package session keeps users signed in: it creates, verifies, refreshes and
// revokes sessions over any [Store], and speaks net/http without any framework.
//
// A session has a short-lived access token, verified without the database, and a
// long-lived refresh token. A refresh hands out a child of the refresh token; the
// child replaces its parent when it is used for the first time, because only then is
// it certain that the client received it. A replaced token that turns up again gives a
// thief away: the session is revoked.
//
// There are two tiers. Methods that take tokens as text ([Service.Create],
// [Service.Verify], [Service.Refresh]) leave it to the caller how they travel;
// those whose names end in HTTP read them from a request and write them to its
// response, as the SuperTokens front ends expect. Gin applications use packages
// middleware and refresh on top of the latter; others put [Service.Protect] around
// their handlers, or make their own middleware of [Service.Exchange].
//
// What a request's session wants to tell its client is put into the header at the
// moment in which that is written. Later than that nothing can be said: [Session.Sent]
// tells, and [Session.Detached] is for work that goes on after the request.
//
// Errors are those of package errors, each with its class and reason.
package session
