package histories_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gin-sessionkit/sessionkit/models"
)

// Whatever happens in whatever order: every answer is one that the
// specification allows, an honest user is never logged out, nothing but a
// definite end clears tokens, and the rows end up as the model says.
func TestHistories(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, e *env) {
		rapid.Check(t, func(rt *rapid.T) {
			w := newWorld(rt, t.Context(), e)
			defer func() { w.app.Close() }()
			rt.Repeat(map[string]func(*rapid.T){
				"tab1": w.stepTab, "tab2": w.stepTab, "tab3": w.stepTab, "tab4": w.stepTab, "tab5": w.stepTab,
				"thief":    w.stepThief,
				"tick":     w.tick,
				"operator": func(rt *rapid.T) { w.operate(rt, t) },
			})
			w.checkRows(rt, t)
		})
	})
}

// maxSpent keeps a history shorter than the life of its signing keys.
const maxSpent = 3 * time.Hour

// tick moves the clock.
func (w *world) tick(t *rapid.T) {
	d := rapid.SampledFrom([]time.Duration{
		time.Millisecond, time.Second, 4 * time.Second, window - time.Second, window + time.Second,
		time.Minute, accessValidity + time.Second, 20 * time.Minute, idleValidity - time.Second, idleValidity + time.Second,
	}).Draw(t, "tick")
	if w.spent+d > maxSpent || w.kind.needsWindow() && w.oldest()+d.Milliseconds() >= w.rules.window {
		return
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

// operate is what an operator does: end sessions, or lose the process.
func (w *world) operate(t *rapid.T, tt *testing.T) { //nolint:thelper // t is the history, tt the test around it
	switch rapid.IntRange(0, 9).Draw(t, "operator") {
	case 0:
		if _, err := w.app.Svc.RevokeAll(tt.Context(), w.user); err != nil {
			t.Fatalf("revoke all: %v", err)
		}
		w.endAll(true)
	case 1, 2, 3:
		w.app.Crash()
		app, err := w.start(tt.Context(), w.window)
		if err != nil {
			t.Fatalf("restart: %v", err)
		}
		w.app = app
	case 4, 5:
		w.rollBack(t)
	}
}

// rollBack is what a failover or an old backup does: one row goes back by some
// generations. In strict mode only: with a window the row may go back to the
// sibling of the client's token, whose children nobody can tell from a thief's.
func (w *world) rollBack(t *rapid.T) {
	var known []*login
	for _, l := range w.logins {
		if len(l.states) == 1 && l.states[0].cur != nil && l.states[0].cur.parent != nil {
			known = append(known, l)
		}
	}
	if w.db == nil || w.window > 0 || len(known) == 0 {
		return
	}
	slices.SortFunc(known, func(a, b *login) int { return cmp.Compare(a.handle, b.handle) })
	l := known[rapid.IntRange(0, len(known)-1).Draw(t, "session")]
	s := l.states[0]
	for range rapid.IntRange(1, 3).Draw(t, "generations") {
		if s.cur.parent != nil {
			s.cur = s.cur.parent
		}
	}
	s.prev, s.gen, s.curIat = s.cur.parent, s.cur.gen, s.cur.iat
	var prev models.Hash
	if s.prev != nil {
		prev = s.prev.hash
	}
	result := w.db.Exec("UPDATE auth_sessions SET refresh_cur_hash = ?, refresh_prev_hash = ?, refresh_cur_iat = ?, refresh_gen = ? WHERE handle = ?",
		s.cur.hash[:], prev[:], s.curIat, s.gen, l.handle)
	if result.Error != nil || result.RowsAffected != 1 {
		t.Fatalf("roll back: %v", result.Error)
	}
	l.states = []state{s}
}

// checkRows holds the database against the model.
func (w *world) checkRows(t *rapid.T, tt *testing.T) { //nolint:thelper // t is the history, tt the test around it
	for handle, l := range w.logins {
		row, err := w.store.Find(tt.Context(), handle)
		if err != nil || row == nil {
			t.Fatalf("row of %s: %v %v", handle, row, err)
		}
		fits := false
		for _, s := range l.states {
			fits = fits || row.RefreshToken.Gen == s.gen && row.RefreshToken.CurIat == s.curIat &&
				row.ExpiresAt == s.ends && (row.RevokedAt != 0) == s.revoked && text(row.Data) == s.data &&
				row.RefreshToken.PrevHash.IsZero() == (s.prev == nil)
		}
		if !fits {
			t.Fatalf("row gen %d, iat %d, ends %d, revoked %d, data %s fits none of %+v", row.RefreshToken.Gen,
				row.RefreshToken.CurIat, row.ExpiresAt, row.RevokedAt, row.Data, l.states)
		}
	}
}

func text(data []byte) string {
	if data == nil {
		return "null"
	}
	return string(data)
}
