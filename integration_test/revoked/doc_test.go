// Package revoked_test shows on real databases what RevokeSoon promises: that a
// session which was revoked by one process is served by no other, in any request that
// starts later than Within after the revocation returned, and that nobody else is
// refused.
//
// Two or three processes, one of them a real one of its own, share a database. Users
// sign in, refresh and are revoked in every way at random moments, and requests come at
// random moments and at exactly +Within. What was seen is written down with the times at
// which it began and ended, by the clock of whoever asked, and judged afterwards. A
// second test breaks the feed on purpose, and each of these bugs must be found.
//
// The seed is printed as SESSIONKIT_SEED=N and given again as that variable. It repeats
// who does what, and not how the machine runs it.
//
// With the tag faults there are the long run, the rows that break the database, and the
// measurement of the delay; with the tag cluster those on Galera and on MySQL.
package revoked_test
