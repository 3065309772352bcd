package rig

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// Numbers are the counts of a run.
type Numbers struct {
	Requests, Unavailable, Refreshes, Other int
	// Refused are the requests of honest users, nobody having stolen anything,
	// whose access token was not accepted.
	Refused int
	// Timeouts are requests whose client gave up waiting.
	Timeouts int
	// Dances are the refreshes of browsers without scripts.
	Dances int
	// Blind are refreshes of naive clients that another request of the same
	// page had made unnecessary.
	Blind int
	// Promoted503 are those of Unavailable that brought a promoted access token.
	Promoted503 int
	// Polls are copies of a jar that a thief took again.
	Polls int
	// Stateless requests need no database; of those, Failed were refused.
	Stateless, StatelessFailed int
	// Logouts are those of honest users.
	Logouts int
	// Strangers are the answers to an honest user that were for somebody else.
	Strangers int
	// Reached are the requests of attackers that changed anything.
	Reached int
	// Blocked are the requests that were refused, without harm, because nobody could tell the
	// user's own tokens from planted ones.
	Blocked int
	// Stall is the longest time without an answered request that needs the
	// database, Slowest the longest time that a client waited for an answer,
	// P99 that of all but one percent.
	Stall, Slowest, P99 time.Duration
}

// Tally counts what a crowd saw, and collects what must not be.
type Tally struct {
	allow500 bool
	mu       sync.Mutex
	n        Numbers
	took     latencies
	accounts []*account
	attacks  map[string]int // by what was tried
	failures []string
	progress time.Time // of the last answer that needed the database
}

func newTally(allow500 bool) *Tally {
	return &Tally{allow500: allow500, attacks: make(map[string]int), progress: time.Now()}
}

// Numbers is a copy of the counts.
func (y *Tally) Numbers() Numbers {
	y.mu.Lock()
	defer y.mu.Unlock()
	n := y.n
	n.P99 = y.took.percentile(0.99)
	return n
}

// Failures are the first things that were seen and must not be.
func (y *Tally) Failures() []string {
	y.mu.Lock()
	defer y.mu.Unlock()
	return slices.Clone(y.failures)
}

func (y *Tally) add(f func(*Numbers)) {
	y.mu.Lock()
	defer y.mu.Unlock()
	f(&y.n)
}

func (y *Tally) fail(format string, args ...any) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.failHeld(format, args...)
}

func (y *Tally) failHeld(format string, args ...any) {
	if len(y.failures) < 20 {
		y.failures = append(y.failures, fmt.Sprintf(format, args...))
	}
}

// Attacks is how often each thing was tried.
func (y *Tally) Attacks() map[string]int {
	y.mu.Lock()
	defer y.mu.Unlock()
	return maps.Clone(y.attacks)
}

func (y *Tally) attacked(events ...string) {
	y.mu.Lock()
	defer y.mu.Unlock()
	for _, event := range events {
		y.attacks[event]++
	}
}

// reached notes an attack that worked.
func (y *Tally) reached(format string, args ...any) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.n.Reached++
	y.failHeld(format, args...)
}

func (y *Tally) opened(a *account) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.accounts = append(y.accounts, a)
}

func (y *Tally) all() []*account {
	y.mu.Lock()
	defer y.mu.Unlock()
	return slices.Clone(y.accounts)
}

// resume says that nobody asked for anything until now.
func (y *Tally) resume() {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.progress = time.Now()
}

// exchanged counts one message, err being that of the client.
func (y *Tally) exchanged(r Request, reply Reply, err error, begin time.Time) {
	answer, now := reply.Answer(), time.Now()
	stateless := r.Path == "/me" && r.Access != "" && !r.isForeign() && ReadClaims(r.Access).Parent == ""
	y.mu.Lock()
	defer y.mu.Unlock()
	y.n.Requests++
	y.n.Slowest = max(y.n.Slowest, now.Sub(begin))
	y.took.add(now.Sub(begin))
	switch answer {
	case Unavailable:
		y.n.Unavailable++
		y.checkUnavailable(r, reply)
	case Other:
		y.n.Other++
		if !y.allow500 && !r.isForeign() && !r.isAmbiguous(reply) {
			y.failHeld("%s %s answered %d %s", r.Method, r.Path, reply.Status, reply.Body)
		}
	case Lost:
		if timedOut(err) {
			y.n.Timeouts++
		}
	case Sent:
		if reply.rotated(r) {
			y.n.Refreshes++
			y.n.Dances++
		}
	case OK, TryRefresh, Unauthorised, Theft:
	}
	if stateless && answer != Lost && !r.isAmbiguous(reply) {
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

func timedOut(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}

// checkUnavailable: a 503 asks to come back, and neither gives nor takes tokens.
// One thing may come with it: when the request was verified, its access token
// promoted, and the handler's own write failed after that, the promoted token.
func (y *Tally) checkUnavailable(r Request, reply Reply) {
	if reply.Header.Get("Retry-After") == "" {
		y.failHeld("503 without Retry-After: %s %s", r.Method, r.Path)
	}
	forbidden := []string{"St-Refresh-Token", "Id-Refresh-Token", "Anti-Csrf"}
	// Sign-outs and writes of data verify first and write then.
	if reply.promoted() && (r.Method == http.MethodPut || strings.HasSuffix(r.Path, "/signout")) {
		y.n.Promoted503++
	} else {
		forbidden = append(forbidden, "Set-Cookie", "St-Access-Token", "Front-Token")
	}
	for _, name := range forbidden {
		if len(reply.Header[name]) > 0 {
			y.failHeld("503 with %s: %s %s", name, r.Method, r.Path)
		}
	}
}
