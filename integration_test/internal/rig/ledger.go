package rig

import (
	"maps"
	"sync"

	"github.com/gin-sessionkit/sessionkit/session"
)

// Ledger is what the instances of one application know: events, theft callbacks
// and handlers that ran. Several instances may share one. The zero Ledger is
// empty.
type Ledger struct {
	mu        sync.Mutex
	kinds     map[session.EventKind]int
	thefts    map[string]int // handle → events
	callbacks map[string]int // handle → calls of OnTheft
	ran       map[string]int // handle → protected handlers
	imported  map[string]int // handle → events
}

// Event is for session.Config.OnEvent.
func (l *Ledger) Event(e session.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	count(&l.kinds, e.Kind)
	if e.Kind == session.EventTheft {
		count(&l.thefts, e.Handle)
	}
	if e.Kind == session.EventImported {
		count(&l.imported, e.Handle)
	}
}

func (l *Ledger) callback(handle string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	count(&l.callbacks, handle)
}

func (l *Ledger) handlerRan(handle string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	count(&l.ran, handle)
}

func count[K comparable](m *map[K]int, key K) {
	if *m == nil {
		*m = make(map[K]int)
	}
	(*m)[key]++
}

// Kind is how many events of a kind there were.
func (l *Ledger) Kind(kind session.EventKind) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kinds[kind]
}

// Imported is how many sessions were taken over. There may be more events than that:
// requests of one millisecond that store the same row each tell of it.
func (l *Ledger) Imported() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.imported)
}

// Thefts is how many theft events each session had.
func (l *Ledger) Thefts() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.thefts)
}

// Callbacks is how often the theft callback was called for each session.
func (l *Ledger) Callbacks() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.callbacks)
}

// Ran is how many protected handlers ran for each session.
func (l *Ledger) Ran() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.ran)
}
