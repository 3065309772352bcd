package main

import (
	"crypto/rand"
	"sync"
	"time"
)

// The feed's bounds: it lives in memory, for a demonstration.
const (
	maxViewers = 128
	maxEntries = 64
)

// entry is one event as the page reads it.
type entry struct {
	Seq     int    `json:"seq"`
	At      int64  `json:"at"` // Unix milliseconds
	Kind    string `json:"kind"`
	Reason  string `json:"reason,omitempty"`
	UserID  string `json:"userId,omitempty"`
	SinceMS int64  `json:"sinceMs,omitempty"`
}

// viewer is one browser that looks at the page.
type viewer struct {
	seen           time.Time
	handle, userID string // the session it signed in with last
	entries        []entry
	last           int
	thief          *thief
}

// feed remembers what happened to the sessions of each viewer. It is safe for
// concurrent use.
type feed struct {
	mu      sync.Mutex
	viewers map[string]*viewer // by an unguessable id
}

func newFeed() *feed { return &feed{viewers: make(map[string]*viewer)} }

// add makes room for a new viewer and returns its id.
func (f *feed) add() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.viewers) >= maxViewers {
		f.dropOldest()
	}
	id := rand.Text()
	f.viewers[id] = &viewer{seen: time.Now()}
	return id
}

func (f *feed) dropOldest() {
	var oldest string
	for id, v := range f.viewers {
		if oldest == "" || v.seen.Before(f.viewers[oldest].seen) {
			oldest = id
		}
	}
	delete(f.viewers, oldest)
}

// get is the viewer by its id, or nil. The lock is held.
func (f *feed) get(id string) *viewer {
	v := f.viewers[id]
	if v != nil {
		v.seen = time.Now()
	}
	return v
}

func (f *feed) knows(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.get(id) != nil
}

// follow makes the events of a session the viewer's.
func (f *feed) follow(id, handle, userID string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if v := f.get(id); v != nil {
		v.handle, v.userID = handle, userID
	}
}

// publish adds an event to the feeds of those who follow the session, or, where
// it has no handle, the user.
func (f *feed) publish(handle, userID string, e entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e.At = time.Now().UnixMilli()
	for _, v := range f.viewers {
		if v.handle == "" || handle != v.handle && (handle != "" || userID != v.userID) {
			continue
		}
		v.last++
		e.Seq = v.last
		v.entries = append(v.entries, e)
		if len(v.entries) > maxEntries {
			v.entries = append([]entry(nil), v.entries[1:]...)
		}
	}
}

// after lists the viewer's events after the given one, and the number of the last.
func (f *feed) after(id string, seq int) (events []entry, last int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	events = []entry{}
	v := f.get(id)
	if v == nil {
		return events, 0
	}
	for _, e := range v.entries {
		if e.Seq > seq {
			events = append(events, e)
		}
	}
	return events, v.last
}

// setThief gives the viewer a thief; nil takes it away.
func (f *feed) setThief(id string, t *thief) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if v := f.get(id); v != nil {
		v.thief = t
	}
}

// thief is the viewer's, or nil.
func (f *feed) thief(id string) *thief {
	f.mu.Lock()
	defer f.mu.Unlock()
	if v := f.get(id); v != nil {
		return v.thief
	}
	return nil
}
