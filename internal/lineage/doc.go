// Package lineage decides which refresh token of a session counts. It holds the pure
// functions that say what the use of a token does to the session's row, and, in its
// tests, the model checker that runs on these very functions.
//
// # Promote on use
//
// A refresh with the current token writes nothing. It hands out a child; the parent
// stays current. The first use of the child, of its access token or of itself in
// another refresh, proves that the client received it. Only then does the row move
// on ([Advance]), and the parent is dead.
//
// So a lost answer costs nothing, however long the client takes to come back: it
// still holds a token that is current. And a token that was replaced can only come
// from somebody who copied it: [Theft]. An access token of a replaced branch is
// answered [TryRefresh], because only the refresh can tell whose it is.
//
// A row names the current token, its parent, when the current one was issued, and
// its generation. A token that is two generations ahead of the row or more is possible
// after one event only: the database lost commits ([FastForward]).
//
// # The window
//
// In strict mode, a window of 0, two tabs that refresh at once without taking turns
// look like a thief. With a window W, these are one user:
//
//   - two children of one parent, issued at most W apart: siblings. Each takes the
//     other's place when it is refreshed ([Swap]); the access token of either is
//     good ([Accept]);
//   - the token that was current until at most W ago: it gets another child
//     ([MintSibling]).
//
// # Young tokens
//
// A tab that refreshes although its token is new would climb a generation within one
// window, and a sibling that comes late would be two generations behind: theft. So in
// window mode a token that is younger than W is not replaced ([Repeat], [Young]): the
// answer carries the token itself, with a new access token that needs no promotion.
// One window holds one generation and its siblings. Whoever copied a young token and
// repeats it has what it had. A young sibling swaps with nobody: two tabs could swap
// until a request has lost every race.
//
// What a window gives up: within W thief and victim may share a token and its
// siblings; the first use of a replaced one after that shows it. And tabs that refresh
// without a pause for longer than W, each with what another just got, are not covered.
//
// # Sessions that continue another one
//
// A Replace makes a new session beside the old one, which waits: the first use of its
// tokens proves that the client has them, and only that ends the old session
// ([OnSuccession]). The flag that it waits is cleared last, so that a server which dies
// in between has done nothing that the next use does not finish. An ended session names
// the one that took its place: whoever else was made to replace it follows these names
// to the one that has the place now. If that was ended otherwise, so is everybody's
// future. If it lives, the browser may have kept either; for as long as answers can be
// under way the place is shared ([Share]), after that the use decides.
//
// docs/protocol.md has the tables, docs/guarantees.md what was searched.
package lineage
