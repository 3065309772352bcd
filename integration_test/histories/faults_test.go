package histories_test

import (
	"pgregory.net/rapid"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

// fault is one that a single message meets.
type fault struct {
	store  sessiontest.Fault
	onCall bool
	cut    rig.Cut
	nth    int
}

func (f fault) any() bool { return f.onCall || f.cut != rig.NoCut }

// drawFault chooses between a store that fails and a connection that breaks.
func (w *world) drawFault(t *rapid.T) fault {
	if w.proxy != nil && rapid.Bool().Draw(t, "cut the connection") {
		return fault{
			cut: rapid.SampledFrom([]rig.Cut{rig.CutBefore, rig.CutAfter}).Draw(t, "cut"),
			nth: rapid.IntRange(1, 6).Draw(t, "packet"),
		}
	}
	return fault{onCall: true, store: sessiontest.Fault{
		// By method, since the background reads keys whenever it likes.
		Method: rapid.SampledFrom([]string{"Find", "Advance", "Extend", "Insert", "Revoke", "RevokeAll", "WriteData"}).Draw(t, "method"),
		Call:   rapid.IntRange(0, 2).Draw(t, "call"),
		Mode:   rapid.SampledFrom([]sessiontest.FaultMode{sessiontest.ErrorBefore, sessiontest.ErrorAfter}).Draw(t, "mode"),
	}}
}

// arm sets the fault up; the zero fault ends all trouble.
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
