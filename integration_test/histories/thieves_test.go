package histories_test

import (
	"net/http"

	"pgregory.net/rapid"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
)

// thiefKind is what somebody does with a copy of the jar.
type thiefKind string

const (
	nobody      thiefKind = "nobody"
	instant     thiefKind = "instant"     // refreshes at once
	lazy        thiefKind = "lazy"        // waits until the victim refreshed
	poller      thiefKind = "poller"      // copies again and again
	accessOnly  thiefKind = "access only" // never refreshes
	replayer    thiefKind = "replay"      // comes back with a grandparent
	forger      thiefKind = "forger"      // has no token and makes some
	maxVictimOf           = 2             // refreshes that a replayer waits for
)

var thiefKinds = []thiefKind{nobody, nobody, nobody, instant, lazy, poller, accessOnly, replayer, forger}

type thief struct {
	kind    thiefKind
	jar     *rig.Jar
	taken   string // the victim's refresh token when it was copied, or last seen
	changes int
}

// stepThief lets the thief do something.
func (w *world) stepThief(t *rapid.T) {
	th := &w.thief
	switch {
	case th.kind == nobody || w.jar.Access() == "" || w.jar.Refresh() == "":
		return
	case th.kind == forger:
		w.forge(t)
		return
	case th.jar == nil, th.kind == poller && rapid.IntRange(0, 3).Draw(t, "copy again") == 0:
		th.jar, th.taken, th.changes = w.jar.Copy(), w.jar.Refresh(), 0
		return
	}
	if now := w.jar.Refresh(); now != th.taken {
		th.taken, th.changes = now, th.changes+1
	}
	if th.kind == lazy && th.changes < 1 || th.kind == replayer && th.changes < maxVictimOf {
		return
	}
	method, path := http.MethodGet, "/me"
	if th.kind != accessOnly && rapid.Bool().Draw(t, "thief refreshes") {
		method, path = http.MethodPost, rig.RefreshPath
	}
	r := th.jar.Request(method, path)
	if l := w.loginOf(path, r); l != nil {
		l.stolen = true
	}
	reply := w.send(t, r, fault{})
	th.jar.Take(reply)
	if reply.Answer().Over() {
		th.jar = nil
	}
}

// forge changes one character of a genuine token.
func (w *world) forge(t *rapid.T) {
	method, path := http.MethodGet, "/me"
	if rapid.Bool().Draw(t, "forge refresh") {
		method, path = http.MethodPost, rig.RefreshPath
	}
	r := w.jar.Request(method, path)
	at := func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "at") }
	if path == rig.RefreshPath {
		genuine := r.Refresh
		r.Access, r.Refresh = "", flip(genuine, at(len(genuine)))
		r.Header.Set("Cookie", "sRefreshToken="+r.Refresh)
	} else {
		genuine := r.Access
		r.Refresh, r.Access = "", flip(genuine, at(len(genuine)))
		r.Header.Set("Cookie", "sAccessToken="+r.Access)
	}
	r.Header.Del("Authorization")
	w.send(t, r, fault{})
}

func flip(text string, i int) string {
	b := []byte(text)
	if b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	return string(b)
}
