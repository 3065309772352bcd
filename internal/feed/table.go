package feed

import "github.com/gin-sessionkit/sessionkit/models"

// entry is what is known about one subject: the newest of its hints.
type entry struct {
	// arrival counts the entries in the order in which this process came to know
	// them, from 1.
	arrival uint64
	// upTo is when the youngest token was issued, or the youngest claim found out, that
	// can be older than what the hint is about: in milliseconds of this process's
	// clock.
	upTo int64
}

// concerns reports whether a token that was issued then can be older than what the
// entry is about. The zero entry concerns none.
func (e entry) concerns(issuedAt int64) bool { return e.arrival > 0 && issuedAt <= e.upTo }

// and is the entry for two hints about one subject.
func (e entry) and(other entry) entry {
	return entry{max(e.arrival, other.arrival), max(e.upTo, other.upTo)}
}

// entries are those of one generation of the table.
type entries struct {
	// sessions are found by handle, users and claims by user id.
	sessions, users, claims map[string]entry
}

func newEntries() entries {
	return entries{sessions: map[string]entry{}, users: map[string]entry{}, claims: map[string]entry{}}
}

// kinds are those that have maps.
var kinds = [...]models.HintKind{models.HintSession, models.HintUser, models.HintClaims}

func (e *entries) size() int { return len(e.sessions) + len(e.users) + len(e.claims) }

// of is the map that hints of a kind go into, or nil.
func (e *entries) of(kind models.HintKind) map[string]entry {
	switch kind {
	case models.HintSession:
		return e.sessions
	case models.HintUser:
		return e.users
	case models.HintClaims:
		return e.claims
	default:
		return nil
	}
}

// table is what requests look at. Nobody changes it: base holds most, and recent,
// which is copied whenever an entry is added, a small part.
type table struct {
	base, recent entries
	// all is about every session. It stands for what is not in the maps too: what was
	// written before this process began to read, or found no room.
	all entry
	// anybody is about everybody's claims: hints that were read, and found no room.
	anybody entry
	// unknown is about everybody's claims too: what was written before this process
	// began to read. Old claims live as long as sessions do, so what is dropped from
	// the maps is kept here.
	unknown entry
	// arrivals is how many entries there have been.
	arrivals uint64
}

// everybody notes an entry that is not about one subject. A kind of a later version may
// be about anything: asking is never wrong.
func (t *table) everybody(kind models.HintKind, e entry) {
	if kind != models.HintClaims {
		t.all = t.all.and(e)
	}
	switch kind {
	case models.HintSession, models.HintUser, models.HintAll:
	default:
		t.anybody = t.anybody.and(e)
	}
}

// has reports whether there is an entry about a subject.
func (t *table) has(about subject) bool {
	_, ok := t.recent.of(about.kind)[about.name]
	if !ok {
		_, ok = t.base.of(about.kind)[about.name]
	}
	return ok
}

// session is the highest arrival among the entries that a token meets, or 0.
func (t *table) session(handle, userID string, issuedAt int64) uint64 {
	latest := max(t.base.sessions[handle].arrival, t.recent.sessions[handle].arrival)
	if e := t.base.users[userID]; e.concerns(issuedAt) {
		latest = max(latest, e.arrival)
	}
	if e := t.recent.users[userID]; e.concerns(issuedAt) {
		latest = max(latest, e.arrival)
	}
	if t.all.concerns(issuedAt) {
		latest = max(latest, t.all.arrival)
	}
	return latest
}

// claimsOf is the entry about a user's claims, of what was told.
func (t *table) claimsOf(userID string) entry {
	return t.anybody.and(t.base.claims[userID]).and(t.recent.claims[userID])
}
