// Package refresh holds the ready-made Gin routes that front ends call by
// themselves: refresh and sign-out.
//
//	refresh.Mount(router, svc)
//
// Only requests that a page of ours meant are answered: a foreign page gets 403.
// session.Config.OnTheft is told of stolen refresh tokens.
package refresh
