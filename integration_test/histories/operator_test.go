package histories_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/gin-sessionkit/sessionkit/models"
)

// operate is what an operator does: end sessions, or lose the process or the last
// commits.
func (w *world) operate(t *rapid.T, tt *testing.T) { //nolint:thelper // t is the history, tt the test around it
	switch rapid.SampledFrom([]string{
		"roll back", "restart", "roll back", "roll back", "roll back", "revoke all", "restart", "roll back",
	}).Draw(t, "operator") {
	case "roll back":
		w.rollBack(t, tt)
	case "restart":
		w.tally["restart"]++
		w.app.Crash()
		app, err := w.start(tt.Context(), w.window)
		if err != nil {
			t.Fatalf("restart: %v", err)
		}
		w.app = app
	case "revoke all":
		w.tally["revoke all"]++
		if _, err := w.app.Svc.RevokeAll(tt.Context(), w.user); err != nil {
			t.Fatalf("revoke all: %v", err)
		}
		w.endAll(true)
	}
}

// rollBack is what a failover or an old backup does: the row of the session in use
// goes back by some generations. In strict mode only: with a window the row may go
// back to the sibling of the client's token, whose children nobody can tell from a
// thief's.
func (w *world) rollBack(t *rapid.T, tt *testing.T) { //nolint:thelper // t is the history, tt the test around it
	token := w.refresh[w.jar.Refresh()]
	if w.window > 0 || token == nil || len(token.session.states) != 1 {
		w.exchange(t)
		return
	}
	l, now := token.session, w.now()
	before := l.states[0]
	if !before.live(now) || before.cur.parent == nil {
		w.exchange(t)
		return
	}
	after := before.back(rapid.IntRange(1, 4).Draw(t, "generations"))
	// The store's own statement does for every engine what one does by hand.
	ok, err := w.store.Advance(tt.Context(), models.Advance{
		Handle: l.handle, From: before.row().Current, To: after.row().Current, Previous: after.row().Previous,
		IssuedAt: after.curIat, Generation: after.gen, ExpiresAt: before.ends, Now: now,
	})
	if err != nil || !ok {
		t.Fatalf("roll back: %v %v", ok, err)
	}
	w.tally["roll back"]++
	l.states = []state{after}
}

// back is s with its tokens as they were n generations ago, or at the very first.
func (s state) back(n int) state {
	for range n {
		if s.cur.parent != nil {
			s.cur = s.cur.parent
		}
	}
	s.prev, s.gen, s.curIat = s.cur.parent, s.cur.gen, s.cur.iat
	return s
}

// checkRows holds the database against the model.
func (w *world) checkRows(t *rapid.T, tt *testing.T) { //nolint:thelper // t is the history, tt the test around it
	for handle, l := range w.logins {
		row, err := w.store.Find(tt.Context(), handle)
		if err != nil || row == nil {
			t.Fatalf("row of %s: %v %v", handle, row, err)
		}
		if !slices.ContainsFunc(l.states, func(s state) bool { return s.fits(row) }) {
			t.Fatalf("row gen %d, iat %d, ends %d, revoked %d, data %s fits none of %+v", row.Lineage.Generation,
				row.Lineage.IssuedAt, row.ExpiresAt, row.RevokedAt, row.Data, l.states)
		}
	}
}

// row is what a row says of the tokens of a session in this state.
func (s state) row() models.Lineage {
	row := models.Lineage{Current: s.cur.hash, IssuedAt: s.curIat, Generation: s.gen}
	if s.prev != nil {
		row.Previous = s.prev.hash
	}
	return row
}

func (s state) fits(row *models.Session) bool {
	return row.Lineage == s.row() && row.ExpiresAt == s.ends && (row.RevokedAt != 0) == s.revoked && text(row.Data) == s.data
}

func text(data []byte) string {
	if data == nil {
		return "null"
	}
	return string(data)
}
