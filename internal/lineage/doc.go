// Package lineage decides which refresh token of a session counts: it holds the
// pure functions that say what the use of a token does to the session's row, and
// the model checker that runs on them.
package lineage
