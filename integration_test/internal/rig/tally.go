package rig

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// Numbers are the counts of a run.
type Numbers struct {
	Requests, Unavailable, Refreshes, Refused, Other int
	// Stateless requests need no database; of those, Failed were refused.
	Stateless, StatelessFailed int
	// Logouts are those of honest users.
	Logouts int
	// Stall is the longest time without an answered request that needs the
	// database, Slowest the longest time that an answer took.
	Stall, Slowest time.Duration
}

// Tally counts what a crowd saw, and collects what must not be.
type Tally struct {
	allow500 bool
	mu       sync.Mutex
	n        Numbers
	accounts map[string]*account
	failures []string
	progress time.Time // of the last answer that needed the database
}

func newTally(allow500 bool) *Tally {
	return &Tally{allow500: allow500, accounts: make(map[string]*account), progress: time.Now()}
}

// Numbers is a copy of the counts.
func (y *Tally) Numbers() Numbers {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.n
}

func (y *Tally) add(f func(*Numbers)) {
	y.mu.Lock()
	defer y.mu.Unlock()
	f(&y.n)
}

func (y *Tally) fail(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	y.mu.Lock()
	defer y.mu.Unlock()
	if len(y.failures) < 20 {
		y.failures = append(y.failures, text)
	}
}

func (y *Tally) opened(a *account) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.accounts[a.handle] = a
}

func (y *Tally) all() []*account {
	y.mu.Lock()
	defer y.mu.Unlock()
	return slices.Collect(maps.Values(y.accounts))
}

// exchanged counts one message.
func (y *Tally) exchanged(r Request, reply Reply, begin time.Time) {
	answer, now := reply.Answer(), time.Now()
	stateless := r.Path == "/me" && r.Access != "" && ReadClaims(r.Access).Parent == ""
	y.mu.Lock()
	defer y.mu.Unlock()
	y.n.Requests++
	switch answer {
	case Unavailable:
		y.n.Unavailable++
	case Other:
		y.n.Other++
		if !y.allow500 && len(y.failures) < 20 {
			y.failures = append(y.failures, fmt.Sprintf("%s %s answered %d %s", r.Method, r.Path, reply.Status, reply.Body))
		}
	case TryRefresh:
		y.n.Refused++
	case OK, Lost, Unauthorised, Theft:
	}
	if answer != Lost {
		y.n.Slowest = max(y.n.Slowest, now.Sub(begin))
	}
	if stateless && answer != Lost {
		y.n.Stateless++
		if answer == Unavailable || answer == Other {
			y.n.StatelessFailed++
		}
	}
	if answer == OK && !stateless {
		y.n.Stall = max(y.n.Stall, now.Sub(y.progress))
		y.progress = now
		if r.Path == RefreshPath {
			y.n.Refreshes++
		}
	}
}
