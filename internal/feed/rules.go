package feed

import "time"

// rules are the numbers on which the promise rests. They are fields so that tests can
// show that each of them is needed.
type rules struct {
	// tolerance is how much later than an entry a token may have been issued and still
	// be asked about: a minute for the clocks of two servers, a minute for the row to
	// be written after its hint, and a minute for the database's clock, which a
	// failover may have moved since the hint was written.
	tolerance time.Duration
	// settling is how long after this process saw a hint the row that it is about may
	// still be written: the longest OperationTimeout.
	settling time.Duration
	// lookback is how far the first poll reads back. It does not go by how long access
	// tokens live: claims may be older than any.
	lookback time.Duration
	// overlap is how far each poll reads back before the newest one: half a minute, as
	// a transaction may commit its hint that much later than it wrote it, and a minute,
	// as it may have been written at a server of the database whose clock is behind.
	overlap time.Duration
	// deepOverlap is how far the scans read back that a deepEvery-th poll begins.
	deepOverlap time.Duration
	deepEvery   int
	// pageSize is how many hints one statement reads.
	pageSize int
	// kept is how long an entry matters, from when it was seen: longer than any access
	// token lives, with its leeway and what clocks disagree.
	kept time.Duration
	// remembered is how long the ids of hints are, so that one that is read again is
	// known: longer than polls read back.
	remembered time.Duration
	// maxOfOwner is how many sessions of one user have entries of their own. Beyond
	// that the user has one: who signs in and out all day must not fill the table.
	maxOfOwner int
}

func defaultRules() rules {
	return rules{
		tolerance: 3 * time.Minute, settling: time.Minute, lookback: Kept,
		overlap: 90 * time.Second, deepOverlap: 15 * time.Minute, deepEvery: 16, pageSize: 1000,
		kept: 25 * time.Hour, remembered: 30 * time.Minute, maxOfOwner: 16,
	}
}
