// Package refresh holds the ready-made Gin routes that front ends call by
// themselves: refresh and sign-out.
//
//	refresh.Mount(router, svc)
//
// Handler and SignOut are for paths of the application's own, such as behind a proxy
// that takes off a prefix, which Config.Cookie.RefreshPath has.
//
// Only requests that a page of ours meant are answered: a foreign page gets 403.
// session.Config.OnTheft is told of stolen refresh tokens.
package refresh
