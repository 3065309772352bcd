// Package theft tells the application of sessions that were stolen.
//
// Three things must hold at once. Whoever stages thefts of his own sessions,
// against a callback that is slow, must get neither goroutines nor memory nor
// the request of anybody for it: so there are few workers, and a queue with an
// end, of which one user gets a share only. A theft is told once, over a deploy
// too: so Close waits for the thefts that are being dealt with and for the
// callbacks that were accepted. And nothing waits for ever: each callback has a
// context that ends, and Close says what it gave up.
package theft
