// Package refresh holds the Gin routes that front ends call by themselves:
// refresh and sign-out.
//
//	refresh.Mount(router, svc)
//
// # Paths
//
// [Mount] makes them at the paths that session.Config.Cookie names, and
// browsers send the refresh token to no other. [Handler] and [SignOut] are for
// paths of the application's own, such as behind a proxy that takes off a
// prefix.
//
// # Safety
//
// Only POST is answered, and only requests that a page of the application's
// meant: a foreign page gets 403. session.Config.OnTheft is told of stolen
// refresh tokens.
package refresh
