// Package plain is the part of the example that has no script: a small shop whose pages
// come from the server, below /plain. Visitors have a cart that survives the sign-in,
// "keep me signed in" does what it says, and a dangerous page asks for the password
// again. One page, /plain/live, is the same cart with HTMX.
//
// What an application would copy is in shop.go (which route demands what), visitor.go
// and signin.go. Nothing here is kept but in the session and in memory.
package plain
