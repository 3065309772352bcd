// Package feed is what one process knows of the feed and how it writes to it: the
// hints by which the processes of an application tell each other that a session
// ended, or that something about a user changed. [Feed] reads, [Teller] writes.
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
// A poll starts every quarter of Within and has half of Within for its answer; the next
// one waits for it. So what is visible in the database is read by a poll that starts
// half of Within later at most, and is known after as much again. Whether that was so
// is what Lag says: as long as it is not above Within, everything is known that was
// visible Within ago. An answer about a session that is kept is no older than a quarter
// of Within, whatever became known when.
//
// # Why nothing is lost
//
// Entries become visible late: a transaction commits its hint some time after it was
// written. So each poll reads back a minute and a half, and now and then a scan reads
// back a quarter of an hour from where the scan before began; what was seen is told by
// its id. And the row that a hint is about may be written after the hint. So what the
// database says about a session is kept for good only once the hint has settled: a
// minute after this process saw it, which is the longest that a statement may take.
// Until then it is kept for a quarter of Within.
//
// What this process cannot know it asks about: tokens from before the time that it has
// read, and all of them when there is no more room. (A hint about a key is in no table:
// whoever keeps keys is told of it once.) Claims may be older than any token,
// so those from before the oldest hint that it has are found out anew, once; where that
// fails the old ones stay, as most likely nobody changed them.
//
// # Clocks
//
// Times in the feed are the database's. A poll learns how far this process's clock is
// away from it, and entries are kept in this process's time, in which the tokens'
// are. Clocks of servers may be a minute apart, those of databases too.
package feed
