// Package theft tells the application of sessions that were stolen.
//
// Three things must hold at once.
//
//   - Anybody can stage thefts of his own sessions, and the callback may be
//     slow. That must cost neither goroutines nor memory without a bound, nor
//     delay anybody's request. So there are few workers, and a queue of bounded
//     length, of which each user gets a share only.
//   - A theft is told once, across a deploy too. So Close waits for the thefts
//     that are being dealt with and for the callbacks that were accepted.
//   - Nothing waits without an end. So each callback has a context that ends,
//     and Close says what it gave up.
package theft
