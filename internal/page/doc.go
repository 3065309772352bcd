// Package page is what pages from the server need of a request and of its answer: who
// asks, where people may be sent back to, and how a refusal looks to people. Which
// session is meant, and whether it lives, package session decides.
package page
