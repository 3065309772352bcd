// Package refresh holds the ready-made Gin routes that front ends call by
// themselves: refresh and sign-out.
//
//	refresh.Mount(router, svc)
//
// session.Config.OnTheft is told of stolen refresh tokens.
package refresh
