package feed

import (
	"maps"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-sessionkit/sessionkit/models"
)

const (
	// smallCopies is how many entries may always be copied before a merge.
	smallCopies = 2048
	// seenPerEntry is how many ids of hints are remembered for each entry that has
	// room: there may be several about one subject.
	seenPerEntry = 4
	// seenAgain is how many ids of hints about one subject are remembered from purge to
	// purge, beside its first. Those beyond are new to the subject whenever they are
	// read: that asks about it once more, and spares the memory.
	seenAgain = 128
)

// identity tells hints apart. The subject is part of it, so that two that draw the
// same eight random bytes are still two.
type identity struct {
	id      models.HintID
	kind    models.HintKind
	subject string
}

// subject is what has one entry.
type subject struct {
	kind models.HintKind
	name string
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
	again  map[subject]int            // how many of seen, since the last purge, had an entry
	owners map[string][]string        // handles of a user's sessions that have entries
	// unsettled are the arrivals that wait, the last of each addition, oldest first.
	unsettled []arrival
	// copies counts the entries that were copied since what is recent was merged.
	copies int
	// purged is when what no longer matters was dropped last, and history how many
	// entries had arrived when it was, oldest first.
	purged  time.Duration
	history []arrival
	full    bool
	// loading is the table that is being loaded, or nil.
	loading *table
}

type arrival struct {
	number uint64
	at     time.Duration
}

func (w *writer) init(r rules, limit int) {
	w.rules, w.max = r, limit
	w.seen, w.again, w.owners = map[identity]time.Duration{}, map[subject]int{}, map[string][]string{}
	w.table.Store(&table{base: newEntries(), recent: newEntries()})
}

// add puts hints into the table that are not in it yet, and reports whether there was
// one. Keys are the ids of those about keys, of which the table has none. offset is
// what to take from the times of the hints, in milliseconds; elapsed and now are this
// process's time, the one for periods and the other for tokens.
func (w *writer) add(hints []models.Hint, offset int64, elapsed time.Duration, now int64) (news bool, keys []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var next *table
	for i := range hints {
		h := &hints[i]
		id := identity{h.ID, h.Kind, h.Subject}
		if _, known := w.seen[id]; known {
			continue
		}
		if h.Kind == models.HintKey {
			keys = append(keys, h.Subject)
			w.remember(id, subject{h.Kind, h.Subject}, false, elapsed)
			continue
		}
		if next == nil {
			next = w.copied()
		}
		next.arrivals++
		e := entry{next.arrivals, w.upTo(h.At, offset)}
		about, again := w.put(next, h, e, now)
		w.remember(id, about, again, elapsed)
	}
	if next == nil {
		return false, keys
	}
	w.unsettled = append(w.unsettled, arrival{next.arrivals, elapsed})
	w.publish(next)
	return true, keys
}

// load has what is added from now on shown only once it is loaded: a day's hints would
// be copied again and again.
func (w *writer) load() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.loading = w.copied()
}

func (w *writer) loaded() {
	w.mu.Lock()
	defer w.mu.Unlock()
	next := w.loading
	w.loading = nil
	w.merge(next)
	w.table.Store(next)
}

// publish shows requests a table that was copied.
func (w *writer) publish(next *table) {
	if w.loading != nil {
		return
	}
	if w.copies > smallCopies+next.base.size() {
		w.merge(next)
	}
	w.table.Store(next)
}

// remember keeps the id of a hint if there is room for it. Without, the hint is read
// again and again, and each time what it is about asks once more, and nobody else.
func (w *writer) remember(id identity, about subject, again bool, elapsed time.Duration) {
	if len(w.seen) >= seenPerEntry*w.max || again && w.again[about] >= seenAgain {
		return
	}
	w.seen[id] = elapsed
	if again {
		w.again[about]++
	}
}

// upTo is what an entry of that time has. The clock of a database may be anywhere.
func (w *writer) upTo(at, offset int64) int64 {
	more := w.rules.tolerance.Milliseconds() - offset
	if more > 0 && at > math.MaxInt64-more {
		return math.MaxInt64
	}
	return at + more
}

// cover notes that nothing is known about what was written before a time, in
// milliseconds of this process's clock: tokens and claims that are as old ask.
func (w *writer) cover(before int64, elapsed time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	next := w.copied()
	next.arrivals++
	w.unsettled = append(w.unsettled, arrival{next.arrivals, elapsed})
	unknown := entry{next.arrivals, w.upTo(before, 0)}
	next.all, next.unknown = next.all.and(unknown), next.unknown.and(unknown)
	w.publish(next)
}

// copied is the table, of which what is recent may be changed.
func (w *writer) copied() *table {
	if w.loading != nil {
		return w.loading
	}
	next := *w.table.Load()
	w.copies += next.recent.size()
	next.recent = entries{maps.Clone(next.recent.sessions), maps.Clone(next.recent.users), maps.Clone(next.recent.claims)}
	return &next
}

// put adds an entry, and returns the subject that it is about now, and whether that had
// one already.
func (w *writer) put(next *table, h *models.Hint, e entry, now int64) (about subject, again bool) {
	about = subject{h.Kind, h.Subject}
	owner := subject{models.HintUser, h.Owner}
	if h.Kind == models.HintSession && w.isCrowded(h) {
		about = owner
	}
	if next.recent.of(about.kind) == nil {
		next.everybody(about.kind, e)
		return about, false
	}
	again = next.has(about)
	if !again && next.base.size()+next.recent.size() >= w.max {
		if h.Kind != models.HintSession || h.Owner == "" || !next.has(owner) {
			w.overflow(next, about.kind, e, now)
			return about, false
		}
		about, again = owner, true
	}
	into := next.recent.of(about.kind)
	into[about.name] = into[about.name].and(e)
	return about, again
}

// overflow tells an entry for which there is no room to everybody.
func (w *writer) overflow(next *table, kind models.HintKind, e entry, now int64) {
	w.full = true
	e.upTo = max(e.upTo, w.upTo(now, 0))
	next.everybody(kind, e)
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

// merge makes what is recent part of the base. That is worth it as soon as the copies
// of what is recent have cost as much as this one of all.
func (w *writer) merge(t *table) {
	w.copies = 0
	if t.base.size() == 0 { // when it was loaded, that is all
		t.base, t.recent = t.recent, newEntries()
		return
	}
	base := entries{maps.Clone(t.base.sessions), maps.Clone(t.base.users), maps.Clone(t.base.claims)}
	for _, kind := range kinds {
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
	w.unsettled = slices.Delete(w.unsettled, 0, n)
	if len(w.unsettled) == 0 {
		w.unsettled = nil // a flood has made it large
	}
}

// purge drops what no longer matters, every few minutes, and reports whether the table
// is full. How old an entry is goes by when it was seen: the time of day may jump.
func (w *writer) purge(elapsed time.Duration) (full bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if elapsed-w.purged < 5*time.Minute {
		return w.full
	}
	w.purged = elapsed
	w.seen = filtered(w.seen, func(_ identity, at time.Duration) bool { return elapsed-at <= w.rules.remembered })
	w.again = map[subject]int{}
	next := w.copied()
	w.merge(next)
	if old := w.outdated(next.arrivals, elapsed); old > 0 {
		for _, e := range next.base.claims {
			if e.arrival <= old {
				next.unknown = next.unknown.and(e)
			}
		}
		matters := func(_ string, e entry) bool { return e.arrival > old }
		next.base = entries{
			filtered(next.base.sessions, matters), filtered(next.base.users, matters), filtered(next.base.claims, matters),
		}
	}
	w.forgetOwners(next)
	w.full = w.full && next.base.size() >= w.max
	w.table.Store(next)
	return w.full
}

// outdated is the newest arrival that no longer matters.
func (w *writer) outdated(arrivals uint64, elapsed time.Duration) (old uint64) {
	w.history = append(w.history, arrival{arrivals, elapsed})
	for len(w.history) > 0 && elapsed-w.history[0].at >= w.rules.kept {
		old = w.history[0].number
		w.history = slices.Delete(w.history, 0, 1)
	}
	return old
}

// filtered is what matters of a map. It is another map, as one that was large once
// stays so.
func filtered[K comparable, V any](m map[K]V, matters func(K, V) bool) map[K]V {
	result := map[K]V{}
	for k, v := range m {
		if matters(k, v) {
			result[k] = v
		}
	}
	return result
}

// forgetOwners drops of the owners the sessions of which no entry is left.
func (w *writer) forgetOwners(t *table) {
	owners := map[string][]string{}
	for owner, handles := range w.owners {
		handles = slices.DeleteFunc(handles, func(handle string) bool {
			_, ok := t.base.sessions[handle]
			return !ok
		})
		if len(handles) > 0 {
			owners[owner] = handles
		}
	}
	w.owners = owners
}
