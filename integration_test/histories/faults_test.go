package histories_test

import (
	"context"
	"net/http"

	"pgregory.net/rapid"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// fault is one that a single message meets.
type fault struct {
	store  storetest.Fault
	onCall bool
	cut    rig.Cut
	nth    int
}

func (f fault) any() bool { return f.onCall || f.cut != rig.NoCut }

// callsOf are the methods of the store that matter to a request. By name, since
// the background reads keys whenever it likes.
func callsOf(r rig.Request) []string {
	switch {
	case r.Path == rig.RefreshPath:
		return []string{"Find", "Advance", "Extend", "Revoke"}
	case r.Path == rig.SignOutPath:
		return []string{"Revoke", "Find", "Advance"}
	case r.Path == "/revoke-all":
		return []string{"RevokeAll", "Find", "Advance"}
	case r.Path[:2] == "/l":
		return []string{"Insert", "Revoke", "Find"}
	case r.Method == http.MethodPut:
		return []string{"WriteData", "Advance", "Find"}
	}
	return []string{"Advance", "Find"}
}

// drawFault chooses between a store that fails and a connection that breaks.
func (w *world) drawFault(t *rapid.T, r rig.Request) fault {
	if w.proxy != nil && rapid.Bool().Draw(t, "cut the connection") {
		return fault{
			cut: rapid.SampledFrom([]rig.Cut{rig.CutBefore, rig.CutAfter}).Draw(t, "cut"),
			nth: rapid.IntRange(1, 6).Draw(t, "packet"),
		}
	}
	return fault{onCall: true, store: storetest.Fault{
		Method: rapid.SampledFrom(callsOf(r)).Draw(t, "method"),
		Call:   rapid.IntRange(0, 2).Draw(t, "call"),
		Mode:   rapid.SampledFrom([]storetest.FaultMode{storetest.ErrorBefore, storetest.ErrorAfter}).Draw(t, "mode"),
	}}
}

// disarm ends all trouble, and counts what there was of it.
func (w *world) disarm(t *rapid.T, f fault) {
	if fired := w.store.Fired(); fired > 0 && f.store.Mode == storetest.ErrorAfter {
		w.tally["call failed after its effect"] += fired
	} else if fired > 0 {
		w.tally["call failed"] += fired
	}
	w.arm(fault{})
	if f.cut != rig.NoCut {
		w.reconnect(t)
	}
}

// reconnect makes the pool find out about a connection that was cut. The cut may
// have hit the last message of a request, to which the server says nothing (the end
// of a prepared statement): then whoever uses the connection next is told.
func (w *world) reconnect(t *rapid.T) {
	for range 8 {
		if _, err := w.store.Find(context.Background(), "nobody"); err == nil {
			return
		}
	}
	t.Fatalf("no connection after a cut")
}

// arm sets the fault up; the zero fault is none.
func (w *world) arm(f fault) {
	if f.onCall {
		w.store.Arm(f.store)
	} else {
		w.store.Arm()
	}
	if w.proxy != nil {
		w.proxy.CutAt(f.nth, f.cut)
	}
}
