package histories_test

import (
	"fmt"
	"net/http"
	"time"

	"pgregory.net/rapid"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
)

// clientKind is a way for front ends to behave.
type clientKind struct {
	name   string
	tabs   int
	lock   bool          // tabs take turns to refresh
	naive  bool          // refresh after any refusal, without looking whether another tab did
	native bool          // keeps tokens itself and sleeps for long
	window time.Duration // what the kind needs
}

func (k clientKind) needsWindow() bool { return k.window > 0 }
func (k clientKind) String() string    { return k.name }

// clientKinds are the honest ones. Without a lock a message must not be on its
// way for longer than the window, and naive tabs must be no more than two: that
// is what the window is for, and no more.
var clientKinds = []clientKind{
	{name: "strict", tabs: 1},
	{name: "tabs with a lock", tabs: 3, lock: true},
	{name: "tabs without a lock", tabs: 3, window: window},
	{name: "naive tabs", tabs: 2, naive: true, window: window},
	{name: "native app", tabs: 1, native: true},
}

// phase is how far the message of a tab got.
type phase int

const (
	idle phase = iota
	underway
	answered
)

// tab sends one message after the other.
type tab struct {
	phase phase
	req   rig.Request
	reply rig.Reply
	since int64
	// refused is the access token that was refused, until a refresh helped.
	refused string
	stuck   bool
}

func (w *world) someTab(t *rapid.T) *tab {
	return w.tabs[rapid.IntRange(0, len(w.tabs)-1).Draw(t, "tab")]
}

// exchange lets a tab ask, the message get there and the answer come back without
// anything in between. A tab that has to wait for another one waits.
func (w *world) exchange(t *rapid.T) {
	tb := w.someTab(t)
	if tb.phase == idle {
		w.ask(t, tb)
	}
	if tb.phase != idle {
		w.finish(t, tb)
		return
	}
	for _, other := range w.tabs {
		w.finish(t, other)
	}
}

// finish lets a tab get its message there and the answer back, if it has one under way.
func (w *world) finish(t *rapid.T, tb *tab) {
	for tb.phase != idle {
		w.stepTab(t, tb)
	}
}

// stepTab lets one tab do its next thing.
func (w *world) stepTab(t *rapid.T, tb *tab) {
	switch tb.phase {
	case idle:
		w.ask(t, tb)
	case underway:
		w.transmit(t, tb)
	case answered:
		w.deliver(tb)
	}
}

// ask writes the next message.
func (w *world) ask(t *rapid.T, tb *tab) {
	if tb.stuck && !w.kind.naive && w.jar.Access() != tb.refused {
		tb.stuck = false // another tab has refreshed
	}
	method, path := http.MethodPost, rig.RefreshPath
	switch {
	case w.jar.Refresh() == "":
		if w.busy(tb) {
			return // answers to the old session would meet the new one
		}
		path, tb.stuck = "/login?user="+w.user, false
	case tb.stuck:
	default:
		method, path = w.wish(t)
	}
	if path == rig.RefreshPath && w.kind.lock && w.refreshing() || w.signingIn() {
		return
	}
	tb.req, tb.phase, tb.since = w.jar.Request(method, path), underway, w.now()
}

// wish is a request of the page.
func (w *world) wish(t *rapid.T) (method, path string) {
	// In the middle of a wide range, since rapid likes both ends.
	switch rapid.IntRange(0, 127).Draw(t, "leave") {
	case 77:
		return http.MethodPost, rig.SignOutPath
	case 78:
		return http.MethodPost, "/revoke-all"
	}
	type wish struct{ method, path string }
	wishes := []wish{
		{http.MethodGet, "/me"},
		{http.MethodGet, "/me"},
		{http.MethodGet, "/strict"},
		{http.MethodGet, "/data"},
		{http.MethodPut, "/data?value="},
		{http.MethodPut, "/data?value="},
	}
	if w.window == 0 || w.kind.tabs == 1 {
		// Ahead of time: clients without a lock must not, or a second refresh comes within the window.
		wishes = append(wishes, wish{http.MethodPost, rig.RefreshPath}, wish{http.MethodPost, rig.RefreshPath}, wish{http.MethodPost, rig.RefreshPath})
	}
	chosen := rapid.SampledFrom(wishes).Draw(t, "wish")
	if chosen.method == http.MethodPut {
		chosen.path += fmt.Sprint("v", rapid.IntRange(0, 999).Draw(t, "value"))
	}
	return chosen.method, chosen.path
}

// transmit takes the message to the application, if the network lets it.
func (w *world) transmit(t *rapid.T, tb *tab) {
	fate := rapid.SampledFrom([]string{
		"arrives", "arrives", "arrives", "arrives", "arrives", "arrives", "arrives", "arrives", "arrives", "arrives",
		"arrives", "arrives", "arrives", "arrives", "arrives", "arrives", "arrives", "arrives", "arrives", "arrives",
		"arrives", "arrives", "arrives", "request lost", "answer lost", "answer lost", "duplicated", "fault", "fault",
	}).Draw(t, "fate")
	tb.phase = idle
	if fate != "arrives" && fate != "fault" { // of faults, those that happen are counted
		w.tally[fate]++
	}
	if fate == "request lost" {
		return
	}
	var f fault
	if fate == "fault" {
		f = w.drawFault(t, tb.req)
	}
	reply := w.send(t, "victim", tb.req, f)
	if fate == "duplicated" && tb.req.Path[:2] != "/l" { // a second login is a second session
		if second := w.send(t, "victim", tb.req, fault{}); rapid.Bool().Draw(t, "second answer wins") {
			reply = second
		}
	}
	if fate != "answer lost" {
		tb.reply, tb.phase = reply, answered
	}
}

// deliver gives the answer to the browser.
func (w *world) deliver(tb *tab) {
	tb.phase = idle
	before := w.jar.Refresh()
	w.jar.Take(tb.reply)
	if after := w.jar.Refresh(); after != before && after != "" {
		w.thief.changes++
	}
	switch tb.reply.Answer() {
	case rig.OK:
		tb.stuck = false
	case rig.TryRefresh, rig.Unauthorised, rig.Theft:
		tb.stuck, tb.refused = true, tb.req.Access
	case rig.Lost, rig.Unavailable, rig.Sent, rig.Other: // nothing to learn
	}
}

func (w *world) busy(except *tab) bool {
	for _, other := range w.tabs {
		if other != except && other.phase != idle {
			return true
		}
	}
	return false
}

func (w *world) refreshing() bool {
	for _, other := range w.tabs {
		if other.phase != idle && other.req.Path == rig.RefreshPath {
			return true
		}
	}
	return false
}

func (w *world) signingIn() bool {
	for _, other := range w.tabs {
		if other.phase != idle && other.req.Path[:2] == "/l" {
			return true
		}
	}
	return false
}
