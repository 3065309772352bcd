package feed

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-sessionkit/sessionkit/models"
)

// identity tells hints apart. The subject is part of it, so that two that draw the
// same eight random bytes are still two.
type identity struct {
	id      models.HintID
	kind    models.HintKind
	subject string
}

// writer puts hints into the table. Its lock is taken for hints only, never for a
// request.
type writer struct {
	table   atomic.Pointer[table]
	settled atomic.Uint64 // entries that arrived up to here have settled
	rules   rules
	max     int

	mu     sync.Mutex
	seen   map[identity]time.Duration // by when it was seen
	owners map[string][]string        // handles of a user's sessions that have entries
	// unsettled are the arrivals that wait, oldest first.
	unsettled []arrival
	// purged is when what no longer matters was dropped last.
	purged time.Duration
	full   bool
}

type arrival struct {
	number uint64
	at     time.Duration
}

func (w *writer) init(r rules, limit int) {
	w.rules, w.max = r, limit
	w.seen, w.owners = map[identity]time.Duration{}, map[string][]string{}
	w.table.Store(&table{base: newEntries(), recent: newEntries()})
}

// add puts hints into the table that are not in it yet, and reports whether there was
// one. offset is what to take from the times of the hints, in milliseconds; elapsed
// and now are this process's time, the one for periods and the other for tokens.
func (w *writer) add(hints []models.Hint, offset int64, elapsed time.Duration, now int64) (news bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var next *table
	for i := range hints {
		h := &hints[i]
		id := identity{h.ID, h.Kind, h.Subject}
		if _, known := w.seen[id]; known {
			continue
		}
		w.seen[id] = elapsed
		if next == nil {
			next = w.copied()
		}
		next.arrivals++
		w.unsettled = append(w.unsettled, arrival{next.arrivals, elapsed})
		w.put(next, h, entry{next.arrivals, w.upTo(h.At - offset)}, now)
	}
	if next == nil {
		return false
	}
	if w.isLarge(next) {
		merge(next)
	}
	w.table.Store(next)
	return true
}

// upTo is what entries of that time have.
func (w *writer) upTo(at int64) int64 { return at + w.rules.tolerance.Milliseconds() }

// cover notes that nothing is known about what was written before a time, in
// milliseconds of this process's clock: tokens and claims that are as old ask.
func (w *writer) cover(before int64, elapsed time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	next := w.copied()
	next.arrivals++
	w.unsettled = append(w.unsettled, arrival{next.arrivals, elapsed})
	unknown := entry{next.arrivals, w.upTo(before)}
	next.all, next.anybody = next.all.and(unknown), next.anybody.and(unknown)
	w.table.Store(next)
}

// copied is the table, of which what is recent may be changed.
func (w *writer) copied() *table {
	next := *w.table.Load()
	next.recent = entries{maps.Clone(next.recent.sessions), maps.Clone(next.recent.users), maps.Clone(next.recent.claims)}
	return &next
}

// put adds an entry. One for which there is no room is told for everybody.
func (w *writer) put(next *table, h *models.Hint, e entry, now int64) {
	subject, into := h.Subject, next.recent.of(h.Kind)
	if h.Kind == models.HintSession && w.isCrowded(h) {
		subject, into = h.Owner, next.recent.users
	}
	_, known := into[subject]
	switch {
	case h.Kind == models.HintAll:
		next.all = next.all.and(e)
	case into == nil: // a kind of a later version: asking is never wrong
		next.all, next.anybody = next.all.and(e), next.anybody.and(e)
	case !known && next.base.size()+next.recent.size() >= w.max:
		w.full = true
		e.upTo = max(e.upTo, w.upTo(now))
		if h.Kind == models.HintClaims {
			next.anybody = next.anybody.and(e)
		} else {
			next.all = next.all.and(e)
		}
	default:
		into[subject] = into[subject].and(e)
	}
}

// isCrowded reports whether the owner of a session has so many entries that those
// beyond them share one of the user.
func (w *writer) isCrowded(h *models.Hint) bool {
	handles := w.owners[h.Owner]
	switch {
	case h.Owner == "":
		return false
	case len(handles) >= w.rules.maxOfOwner:
		return !slices.Contains(handles, h.Subject)
	case !slices.Contains(handles, h.Subject):
		w.owners[h.Owner] = append(handles, h.Subject)
	}
	return false
}

// isLarge: copying what is recent at each addition would cost more than copying all
// now and then.
func (w *writer) isLarge(t *table) bool { return t.recent.size() > 64+t.base.size()/8 }

// merge makes what is recent part of the base.
func merge(t *table) {
	base := entries{maps.Clone(t.base.sessions), maps.Clone(t.base.users), maps.Clone(t.base.claims)}
	for _, kind := range []models.HintKind{models.HintSession, models.HintUser, models.HintClaims} {
		into := base.of(kind)
		for subject, e := range t.recent.of(kind) {
			into[subject] = into[subject].and(e)
		}
	}
	t.base, t.recent = base, newEntries()
}

// settle notes which entries have settled by now.
func (w *writer) settle(elapsed time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for n < len(w.unsettled) && elapsed-w.unsettled[n].at >= w.rules.settling {
		w.settled.Store(w.unsettled[n].number)
		n++
	}
	w.unsettled = append(w.unsettled[:0], w.unsettled[n:]...)
}

// purge drops what no longer matters, every few minutes, and reports whether the table
// is full. now is in milliseconds of this process's clock.
func (w *writer) purge(elapsed time.Duration, now int64) (full bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if elapsed-w.purged < 5*time.Minute {
		return w.full
	}
	w.purged = elapsed
	maps.DeleteFunc(w.seen, func(_ identity, at time.Duration) bool { return elapsed-at > w.rules.remembered })
	next := w.copied()
	merge(next)
	for _, kind := range []models.HintKind{models.HintSession, models.HintUser, models.HintClaims} {
		maps.DeleteFunc(next.base.of(kind), func(_ string, e entry) bool {
			old := w.upTo(now)-e.upTo > w.rules.kept.Milliseconds()
			if old && kind == models.HintClaims {
				next.anybody = next.anybody.and(e)
			}
			return old
		})
	}
	w.forgetOwners(next)
	w.full = w.full && next.base.size() >= w.max
	w.table.Store(next)
	return w.full
}

// forgetOwners drops the owners of whom no entry is left.
func (w *writer) forgetOwners(t *table) {
	maps.DeleteFunc(w.owners, func(owner string, handles []string) bool {
		_, one := t.base.users[owner]
		return !one && !slices.ContainsFunc(handles, func(handle string) bool {
			_, ok := t.base.sessions[handle]
			return ok
		})
	})
}
