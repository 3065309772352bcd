// Package wire is what goes over the wire between the kit and its front ends:
// the names of cookies and headers, how tokens are found in a request, whether
// a request was meant, and what a response says. Which session is meant, and
// whether it lives, package session decides.
package wire
