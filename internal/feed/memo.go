package feed

import (
	"maps"
	"sync/atomic"
	"time"
)

// Memo is what a process remembers beside one access token. The zero Memo remembers
// nothing. It is safe for concurrent use.
type Memo struct {
	session answers

	// claims are found by the member of the payload. The map is never changed but
	// replaced, so that nobody waits who reads it.
	claims atomic.Pointer[map[string]*answers]
}

// claim is what is remembered about a member of the payload, or nil.
func (m *Memo) claim(member string) *answers {
	if m == nil {
		return nil
	}
	for {
		known := m.claims.Load()
		if known != nil && (*known)[member] != nil {
			return (*known)[member]
		}
		a := &answers{}
		next := map[string]*answers{member: a}
		if known != nil {
			maps.Copy(next, *known)
		}
		if m.claims.CompareAndSwap(known, &next) {
			return a
		}
	}
}

// answers are those of the database to the questions about one token.
type answers struct {
	// final is the arrival up to which entries need not be asked about any more.
	final atomic.Uint64
	// fresh is the newest answer, which is good for a while.
	fresh atomic.Pointer[freshAnswer]
}

// freshAnswer is an answer to entries that may not have settled.
type freshAnswer struct {
	upTo  uint64
	until time.Duration
}

// cover reports whether an entry of that arrival has been asked about.
func (a *answers) cover(arrival uint64, elapsed func() time.Duration) bool {
	if arrival <= a.final.Load() {
		return true
	}
	fresh := a.fresh.Load()
	return fresh != nil && arrival <= fresh.upTo && elapsed() < fresh.until
}

func (a *answers) note(q Question, keep time.Duration) {
	for {
		final := a.final.Load()
		if q.settled <= final || a.final.CompareAndSwap(final, q.settled) {
			break
		}
	}
	a.fresh.Store(&freshAnswer{upTo: q.latest, until: q.at + keep})
}

// Question is what was known when the database was asked.
type Question struct {
	settled, latest uint64
	at              time.Duration
}

// question is made before the database is asked: what arrives meanwhile is not
// answered.
func (f *Feed) question() Question {
	// In this order: an entry that has settled is in the table.
	settled, at := f.writer.settled.Load(), f.elapsed()
	return Question{settled: settled, latest: f.writer.table.Load().arrivals, at: at}
}

// Asks reports whether the database has to be asked about a session, as a token of it
// that was issued at that time (milliseconds) shows it. memo may be nil. When the
// answer is that the session lives, Answered remembers it.
func (f *Feed) Asks(memo *Memo, handle, userID string, issuedAt int64) (Question, bool) {
	arrival := f.writer.table.Load().session(handle, userID, issuedAt)
	if arrival == 0 || memo != nil && memo.session.cover(arrival, f.elapsed) {
		return Question{}, false
	}
	return f.question(), true
}

// Answered remembers that the session lived when it was asked about.
func (f *Feed) Answered(memo *Memo, q Question) {
	if memo != nil {
		memo.session.note(q, f.cfg.Within/4)
	}
}

// Before says what of a user's is stale: what was found out before one of the times. A
// time is zero when there is none.
type Before struct {
	// Told goes by hints that are, or may be, about the user.
	Told time.Time
	// Unknown goes by hints that this process cannot know any more: most likely there
	// was none.
	Unknown time.Time
}

// Latest is the time before which everything is stale.
func (b Before) Latest() time.Time {
	if b.Told.After(b.Unknown) {
		return b.Told
	}
	return b.Unknown
}

// Claims returns what makes a member of the token's payload stale; false when it is
// not to be asked about.
func (f *Feed) Claims(memo *Memo, userID, member string) (before Before, q Question, ok bool) {
	t, known := f.writer.table.Load(), memo.claim(member)
	open := func(e entry) (upTo time.Time) {
		if e.arrival == 0 || known != nil && known.cover(e.arrival, f.elapsed) {
			return upTo
		}
		ok = true
		return time.UnixMilli(e.upTo)
	}
	before = Before{Told: open(t.claimsOf(userID)), Unknown: open(t.unknown)}
	if ok {
		q = f.question()
	}
	return before, q, ok
}

// AsksClaims reports whether the database has to be asked about a member of the
// token's payload, for who has no other place to find it out: what may have been told
// before this process began to read is not asked about, as there is no end to it.
// memo may be nil. Refetched remembers the answer.
func (f *Feed) AsksClaims(memo *Memo, userID, member string) (Question, bool) {
	told := f.writer.table.Load().claimsOf(userID)
	if told.arrival == 0 {
		return Question{}, false
	}
	if known := memo.claim(member); known != nil && known.cover(told.arrival, f.elapsed) {
		return Question{}, false
	}
	return f.question(), true
}

// Refetched remembers that the member is as it should be.
func (f *Feed) Refetched(memo *Memo, member string, q Question) {
	if known := memo.claim(member); known != nil {
		known.note(q, f.cfg.Within/4)
	}
}
