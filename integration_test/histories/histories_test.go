package histories_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever happens in whatever order: every answer is one that the
// specification allows, an honest user is never logged out, nothing but a
// definite end clears tokens, and the rows end up as the model says.
func TestHistories(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, e *env) {
		defer e.settle(t)
		rapid.Check(t, func(rt *rapid.T) {
			if !e.mine() {
				return
			}
			passed := false
			defer func() {
				if !passed {
					e.share = 1 // shrinking repeats this one
				}
			}()
			w := newWorld(rt, t.Context(), e)
			defer func() { w.app.Close() }()
			rt.Repeat(map[string]func(*rapid.T){"step": func(rt *rapid.T) { w.step(rt, t) }})
			w.checkRows(rt, t)
			passed = true
		})
	})
}

// mine reports whether the next history is one that this engine does.
func (e *env) mine() bool {
	e.asked++
	if (e.asked-1)%e.share != 0 {
		return false
	}
	e.histories++
	return true
}

// moves are what may happen next, as often as it stands there. Mostly messages
// come and go undisturbed: sessions must live long enough to have a history. What is
// to be rare stands in the middle, since rapid likes both ends of a list.
var moves = []string{
	"exchange", "exchange", "exchange", "exchange", "exchange", "exchange", "exchange", "exchange",
	"exchange", "tab", "tab", "tab", "tab", "tab", "tab", "tab",
	"tab", "thief", "thief", "thief", "thief", "tick", "tick", "tick",
	"tick", "operator", "operator", "exchange", "exchange", "exchange", "exchange", "exchange",
}

// step is one thing that happens.
func (w *world) step(t *rapid.T, tt *testing.T) { //nolint:thelper // t is the history, tt the test around it
	switch rapid.SampledFrom(moves).Draw(t, "move") {
	case "exchange":
		w.exchange(t)
	case "tab":
		w.stepTab(t, w.someTab(t))
	case "thief":
		w.stepThief(t)
	case "tick":
		w.tick(t)
	case "operator":
		w.operate(t, tt)
	}
}

// ticks are by how much the clock moves: an access token ends often, a session seldom.
var ticks = []time.Duration{
	accessValidity + time.Second, time.Millisecond, time.Second, 4 * time.Second, window - time.Second, window + time.Second,
	accessValidity + time.Second, accessValidity + time.Second, accessValidity + time.Second, accessValidity + time.Second,
	window + time.Second, window + time.Second, time.Minute, 20 * time.Minute, idleValidity - time.Second, idleValidity + time.Second,
}

// maxSpent is how far the clock goes in one history.
const maxSpent = 4 * time.Hour

// tick moves the clock. Where messages must not outlive the window, those under
// way get through first.
func (w *world) tick(t *rapid.T) {
	d := rapid.SampledFrom(ticks).Draw(t, "tick")
	if w.spent+d > maxSpent {
		return
	}
	if w.kind.needsWindow() && w.oldest()+d.Milliseconds() >= w.rules.window {
		for _, tb := range w.tabs {
			w.finish(t, tb)
		}
	}
	if d > idleValidity && w.jar.Refresh() != "" {
		w.tally["idle end"]++
	}
	w.spent += d
	w.clock.Advance(d)
}

// oldest is how long the oldest message is on its way, in milliseconds.
func (w *world) oldest() int64 {
	age := -w.rules.window * 1000 // nothing is under way
	for _, tb := range w.tabs {
		if tb.phase != idle {
			age = max(age, w.now()-tb.since)
		}
	}
	if age < 0 {
		return -idleValidity.Milliseconds() * 2
	}
	return age
}
