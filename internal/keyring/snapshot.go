package keyring

import (
	"slices"

	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

// snapshot is what one load brought. It never changes once it is published, so
// that any number of requests can read it without a lock; a load makes a new
// one.
type snapshot struct {
	byID    map[string]entry // kid → key, those retired by this process included
	entries []entry          // newest first, readable or not, without the retired
	seq     uint64           // the number of the load
	asOf    int64            // when the load began
	// algorithms are those of the keys for access tokens, each once.
	algorithms []token.Algorithm
}

// newSnapshot arranges entries. Of those in retired only the ids are kept: such
// an id is known to be dead, and so worth no load when a token brings it.
func newSnapshot(entries []entry, retired map[string]bool, seq uint64, asOf int64) *snapshot {
	snap := &snapshot{byID: make(map[string]entry, len(entries)+len(retired)), seq: seq, asOf: asOf}
	for id := range retired {
		snap.byID[id] = entry{id: id}
	}
	for _, e := range entries {
		if retired[e.id] {
			continue
		}
		snap.entries = append(snap.entries, e)
		if token.ValidKeyID(e.id) {
			snap.byID[e.id] = e
		}
		if a := e.key.Algorithm(); e.readable() && e.purpose == models.KeyForAccess && !slices.Contains(snap.algorithms, a) {
			snap.algorithms = append(snap.algorithms, a)
		}
	}
	slices.SortFunc(snap.entries, newestFirst)
	return snap
}

// signer chooses the key that signs at now: the newest active one. When none is
// active, the next one to become so: a clock that was set back, or a key
// retired by hand before its successor's time, must not stop all logins.
func (s *snapshot) signer(p models.KeyPurpose, now, lifetime int64) (entry, bool) {
	var next entry
	for _, e := range s.entries {
		if e.purpose != p || !e.signable(now, lifetime) {
			continue
		}
		if e.activeFrom <= now {
			return e, true
		}
		next = e
	}
	return next, next.readable()
}

// newest is the key that signs once all keys in memory are active: what the
// instances agree on. A key of the far future is somebody's broken clock.
func (s *snapshot) newest(sched Schedule, now int64) (entry, bool) {
	for _, e := range s.entries {
		if e.purpose == sched.Purpose && e.signable(now, sched.TokenLifetime.Milliseconds()) && !sched.beyond(e.slot, sched.slot(now)) {
			return e, true
		}
	}
	return entry{}, false
}

// missingSlot tells whether the schedule needs a new key at now, and for which
// slot. skip passes over slots that were found taken by keys that nobody can
// see; see storeSource.rotate.
func (s *snapshot) missingSlot(sched Schedule, now int64, skip int) (int64, bool) {
	for _, e := range s.entries {
		if e.purpose == sched.Purpose && e.signable(now, sched.TokenLifetime.Milliseconds()) && sched.covers(e.slot, sched.slot(now)) {
			return 0, false
		}
	}
	return s.freeSlot(sched, now, skip)
}

// freeSlot is the slot that a new key takes, whether or not one is needed.
func (s *snapshot) freeSlot(sched Schedule, now int64, skip int) (int64, bool) {
	wanted := sched.slot(now)
	taken := make(map[int64]bool) // slot → whether the key there can be read
	readable := 0
	for _, e := range s.entries {
		if e.purpose != sched.Purpose {
			continue
		}
		taken[e.slot] = e.readable()
		if e.readable() {
			readable++
		}
	}
	// A key that cannot be read has another key-encryption key, comes from a
	// newer version or is broken. To insert one of our own beside it, as the
	// only one that we can read, would split the instances into two groups,
	// each refusing what the other signs. It might also put a secret in clear
	// where the others encrypt.
	if len(taken) > 0 && readable == 0 {
		return 0, false
	}
	// The period's own slot, or else one of the spare ones behind it.
	for slot := wanted; slot <= wanted+spareSlots; slot++ {
		switch ours, ok := taken[slot]; {
		case ok && !ours:
			return 0, false
		case ok:
			continue // too short-lived for today's tokens, or of another algorithm
		case skip > 0:
			skip--
		default:
			return slot, true
		}
	}
	return 0, false
}
