// Package feed is what one process knows of the feed: the hints by which the
// processes of an application tell each other that a session ended, or that
// something about a user changed.
//
// A hint decides nothing. It says: ask the database about this one. So a hint too
// many costs one SELECT, and where nothing matches a request costs a few lookups
// in maps that nobody writes to: they are replaced as a whole.
//
//	every Within/4:   ReadFeed ──► entries ──► table (copied, swapped)
//	own revocation:   Apply    ──►
//	request:          Asks? ── no entry matches ──► serve, no SQL
//	                        └─ one does ──► SELECT ──► Answered, kept beside the token
//
// # How soon
//
// A poll starts every quarter of Within and has half of Within for its answer. So an
// entry that was visible in the database is known three quarters of Within later,
// and an answer that is kept for a quarter of Within ends before the time is up.
//
// # Why nothing is lost
//
// Entries become visible late: a transaction commits its hint some time after it was
// written. So each poll reads back a minute, and every sixteenth a quarter of an
// hour; what was seen is told by its id. And the row that a hint is about may be
// written after the hint. So what the database says about a session is kept for
// good only once the hint has settled: a minute after this process saw it, which is
// the longest that a statement may take. Until then it is kept for a quarter of
// Within.
//
// # Clocks
//
// Times in the feed are the database's. A poll learns how far this process's clock is
// away from it, and entries are kept in this process's time, in which the tokens'
// are. Clocks of servers may be a minute apart.
package feed
