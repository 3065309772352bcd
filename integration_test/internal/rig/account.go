package rig

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
)

// account is what the world outside knows of one session: what was promised to
// whom, to be compared with the database afterwards.
type account struct {
	// handle is empty as long as the session is another system's.
	handle string

	mu      sync.Mutex
	stolen  bool // a thief has used its tokens
	ended   bool // its user signed out, or tried to
	revoked bool // and was told that it worked
	forked  bool // a thief's branch was promoted, or a thief was told of the theft
	flagged bool // somebody was told that the session is over
	// refreshed are the tokens for which the victim got a new one since the fork. A
	// repeated one shows nothing to anybody, and tabs that refresh one token at once
	// are one refresh.
	refreshed []string
	newest    int64             // generation of the newest tokens that anybody has received
	written   []string          // values of data whose writing was tried since the last acknowledged one, which comes first
	parents   map[string]string // hash of a refresh token → hash of its parent
	access    []string          // the last access tokens seen
	refresh   []string
}

func (a *account) locked(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f()
}

func (a *account) expectsEnd() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.stolen || a.ended
}

// received remembers the tokens in a reply.
func (a *account) received(reply Reply) {
	access, refresh := reply.Tokens()
	claims := ReadClaims(access)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.handle == "" {
		a.handle = claims.Handle // it began in another system, and came over just now
	}
	if claims.Handle == "" || claims.Handle != a.handle {
		return
	}
	a.newest = max(a.newest, claims.Gen)
	if claims.Parent != "" {
		if a.parents == nil {
			a.parents = make(map[string]string)
		}
		a.parents[claims.Hash] = claims.Parent
	}
	a.access, a.refresh = remember(a.access, access), remember(a.refresh, refresh)
}

// remember keeps the last few.
func remember(list []string, text string) []string {
	if text == "" || slices.Contains(list, text) {
		return list
	}
	return append(list[max(0, len(list)-7):], text)
}

// tries and wrote record a write of data: the value may be in the row from the
// first on, and no older one may be from the second on. An attempt whose fate
// is unknown may still come true.
func (a *account) tries(value string) { a.locked(func() { a.written = append(a.written, value) }) }

func (a *account) wrote(value string, unknown []string) {
	a.locked(func() { a.written = append([]string{value}, unknown...) })
}

// mayHold reports whether data can be what the row has now.
func (a *account) mayHold(data []byte) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.written) == 0 {
		return true
	}
	var value string
	if data != nil && json.Unmarshal(data, &value) != nil {
		return false
	}
	return slices.Contains(a.written, value)
}

func (a *account) String() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return fmt.Sprintf("session %s (stolen %v, ended %v, forked %v)", a.handle, a.stolen, a.ended, a.forked)
}
