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

var thiefKinds = []thiefKind{nobody, instant, lazy, poller, replayer, accessOnly, forger}

type thief struct {
	kind    thiefKind
	jar     *rig.Jar
	changes int // of the victim's refresh token since the copy was made
}

// patience is how many of the victim's refreshes a kind of thief waits for.
var patience = map[thiefKind]int{lazy: 1, replayer: maxVictimOf}

// stepThief lets the thief do something.
func (w *world) stepThief(t *rapid.T) {
	th := &w.thief
	switch {
	case th.kind == nobody:
		w.exchange(t)
		return
	case th.kind == forger && w.jar.Access() != "" && w.jar.Refresh() != "":
		w.forge(t)
		return
	case th.kind == forger:
		return
	case th.jar == nil, th.kind == poller && rapid.IntRange(0, 3).Draw(t, "copy again") == 0:
		if w.jar.Access() != "" && w.jar.Refresh() != "" {
			th.jar, th.changes = w.jar.Copy(), 0
		}
		if th.kind != instant || th.jar == nil {
			return
		}
	case th.changes < patience[th.kind]:
		return
	}
	method, path := http.MethodGet, "/me"
	if th.kind != accessOnly && rapid.IntRange(0, 3).Draw(t, "thief refreshes") > 0 {
		method, path = http.MethodPost, rig.RefreshPath
	}
	r := th.jar.Request(method, path)
	if l := w.loginOf(path, r); l != nil {
		l.stolen = true
	}
	reply := w.send(t, th.name(), r, fault{})
	th.jar.Take(reply)
	if reply.Answer().Over() {
		th.jar = nil
	}
}

func (th *thief) name() string { return string(th.kind) + " thief" }

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
		r.Access, r.Refresh = "", rig.Flip(genuine, at(len(genuine)))
		r.Header.Set("Cookie", "sRefreshToken="+r.Refresh)
	} else {
		genuine := r.Access
		r.Refresh, r.Access = "", rig.Flip(genuine, at(len(genuine)))
		r.Header.Set("Cookie", "sAccessToken="+r.Access)
	}
	r.Header.Del("Authorization")
	w.send(t, w.thief.name(), r, fault{})
}
