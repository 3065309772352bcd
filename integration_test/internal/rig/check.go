package rig

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Result is the line of a row: what a run must be judged by.
type Result struct {
	Numbers
	Sessions, FalseThefts, LostWrites int
	Thieves, Caught, LeftWithUser     int // that had a branch of their own; of those, found out, and ended by the user's own sign-out
	MaxVictimRefreshes                int // of a victim between fork and flag
	Parents                           int // rows whose previous token was compared with the parent of the current one
	Behind                            int
	Attacks, FewestAttacks            int // of foreign pages and planters; of the rarest kind
}

// Check ends the crowd's work, lets thefts come to light and asserts the
// invariants INV1 to INV6 of the fault matrix against the database. store must
// reach a healthy database now. lossy says that the fault may lose what was
// acknowledged: that is counted then and not asserted.
func (c *Crowd) Check(t *testing.T, store session.Store, ledger *Ledger, lossy bool) Result {
	t.Helper()
	c.stop()
	c.work.Wait()
	c.settle(context.WithoutCancel(t.Context()))
	if c.cfg.Planters {
		c.everybodyIsIn(t)
	}
	result := Result{Numbers: c.tally.Numbers(), Behind: ledger.Kind(session.EventDatabaseBehind)}
	thefts := ledger.Thefts()
	for _, a := range c.tally.all() {
		result.Sessions++
		c.checkAccount(t, store, a, ledger, thefts[a.handle], &result, lossy)
	}
	for handle, n := range thefts {
		assert.Equal(t, 1, n, "a theft is one event: %s", handle)
	}
	c.checkCallbacks(t, ledger, thefts)
	c.checkAttackers(t, &result)
	assert.Empty(t, c.tally.failures)
	assert.Zero(t, result.Timeouts, "requests that hang")
	if !lossy {
		assert.Zero(t, result.Logouts, "INV1: honest users logged out")
		assert.Zero(t, result.LostWrites, "INV4: acknowledged writes lost")
	}
	assert.Zero(t, result.FalseThefts, "INV1: false thefts")
	assert.Equal(t, result.Thieves, result.Caught+result.LeftWithUser, "INV3: thieves that were not found out")
	if len(c.thieves) > 0 {
		assert.Positive(t, result.Caught, "INV3 was put to no test")
	}
	assert.LessOrEqual(t, result.MaxVictimRefreshes, 2, "INV3: found out within two refreshes of the victim")
	assert.Positive(t, result.Refreshes, "the crowd did nothing")
	assert.Positive(t, result.Parents, "INV2 was put to no test")
	c.client.Close()
	return result
}

// checkAccount compares one session with its row.
func (c *Crowd) checkAccount(t *testing.T, store session.Store, a *account, ledger *Ledger, thefts int, result *Result, lossy bool) {
	t.Helper()
	if a.handle == "" {
		result.judgeLeftBehind(t, a)
		return
	}
	row, err := store.Find(context.WithoutCancel(t.Context()), a.handle)
	require.NoError(t, err)
	if row == nil {
		result.LostWrites++
		if !lossy {
			assert.Fail(t, "INV4: an acknowledged sign-in is lost", "%s", a)
		}
		return
	}
	if row.RevokedAt != 0 && !a.expectsEnd() {
		t.Logf("revoked by %q: %s", row.RevokeReason, a)
	}
	// Data that was written after a sign-out whose answer was lost may have gone to a
	// session that was planted; see checkUser.
	elsewhere := c.cfg.Planters && !c.cfg.Prefixed && a.ended
	if a.revoked && row.RevokedAt == 0 || !a.mayHold(row.Data) && !elsewhere {
		result.LostWrites++
		if !lossy {
			assert.Fail(t, "INV4: an acknowledged write is lost", "%s revoked at %d, data %s of %v", a, row.RevokedAt, row.Data, a.written)
		}
	}
	if a.forked {
		result.judgeThief(t, a, row)
	}
	if row.RevokeReason == models.RevokedByTheft && !a.stolen {
		result.FalseThefts++
		t.Logf("INV1: false theft: %s", a)
	}
	if thefts > 0 {
		assert.NotZero(t, row.RevokedAt, "a reported theft has revoked its session: %s", a)
	}
	result.checkLineage(t, a, row)
	if row.RevokedAt != 0 {
		before := ledger.Ran()[a.handle]
		c.checkDead(t, a)
		assert.Equal(t, before, ledger.Ran()[a.handle], "INV5: a handler ran for a session that had ended: %s", a)
	}
}

// judgeLeftBehind: a session of another system that nobody brought over has ended there,
// or its thief was found out before anybody came.
func (r *Result) judgeLeftBehind(t *testing.T, a *account) {
	t.Helper()
	assert.True(t, a.expectsEnd(), "INV1: an honest user's session did not come over: %s", a)
	if a.forked {
		r.Thieves++
		if a.flagged {
			r.Caught++
		}
	}
}

// CompareLineages is INV2 while the crowd works: in each row the previous token
// is the parent of the current one. It returns how many were compared.
func (c *Crowd) CompareLineages(t *testing.T, store session.Store) (compared int) {
	t.Helper()
	for _, a := range c.tally.all() {
		row, err := store.Find(t.Context(), a.handle)
		require.NoError(t, err)
		if row == nil || row.Lineage.Previous.IsZero() {
			continue
		}
		var parent string
		// A token that was received this very moment is not in the books yet.
		a.locked(func() { parent = a.parents[text(row.Lineage.Current)] })
		if parent != "" {
			compared++
			assert.Equal(t, parent, text(row.Lineage.Previous), "INV2: the row's previous token is the parent of its current one: %s", a)
		}
	}
	return compared
}

// judgeThief: who signs out ends the session for the thief too; that is no merit
// of the detection.
func (r *Result) judgeThief(t *testing.T, a *account, row *models.Session) {
	t.Helper()
	r.Thieves++
	r.MaxVictimRefreshes = max(r.MaxVictimRefreshes, len(a.refreshed))
	switch {
	case row.RevokeReason == models.RevokedByTheft:
		r.Caught++
	case row.RevokedAt != 0 && a.ended:
		r.LeftWithUser++
	default:
		t.Logf("INV3: not caught: %s, row gen %d, revoked by %q", a, row.Lineage.Generation, row.RevokeReason)
	}
}

// checkLineage compares the row's refresh tokens with those that were handed
// out: the previous one is the parent of the current one, which somebody has
// received, and what was handed out last is at most one generation ahead.
func (r *Result) checkLineage(t *testing.T, a *account, row *models.Session) {
	t.Helper()
	token := row.Lineage
	assert.LessOrEqual(t, token.Generation, a.newest, "INV2: a token that nobody received became the current one: %s", a)
	assert.LessOrEqual(t, a.newest, token.Generation+1, "INV2: tokens were made of one that is not current: %s", a)
	if token.Previous.IsZero() {
		return
	}
	r.Parents++
	parent, known := a.parents[text(token.Current)]
	assert.True(t, known, "INV2: the row's current token was handed out to nobody: %s", a)
	assert.Equal(t, parent, text(token.Previous), "INV2: the row's previous token is the parent of its current one: %s", a)
}

func text(h models.Hash) string { return base64.RawURLEncoding.EncodeToString(h[:]) }

// checkDead: nothing of a revoked family is accepted (INV2, INV5).
func (c *Crowd) checkDead(t *testing.T, a *account) {
	t.Helper()
	base := append(c.cfg.Strict, c.cfg.Window...)[0]
	probe := func(method, path, token string) {
		r := Request{Method: method, Path: path, Header: http.Header{"Authorization": {"Bearer " + token}}}
		reply, err := c.client.Do(context.WithoutCancel(t.Context()), base, r)
		require.NoError(t, err)
		assert.NotEqual(t, http.StatusOK, reply.Status, "INV2: a token of a revoked family was accepted: %s %s: %s", method, path, a)
	}
	for _, token := range a.refresh[max(0, len(a.refresh)-2):] {
		probe(http.MethodPost, RefreshPath, token)
	}
	for _, token := range a.access[max(0, len(a.access)-2):] {
		probe(http.MethodGet, "/strict", token)
	}
}

// checkCallbacks: the application is told of each theft once. It is told apart
// from the request, so that the last one may take a moment.
func (c *Crowd) checkCallbacks(t *testing.T, ledger *Ledger, thefts map[string]int) {
	t.Helper()
	assert.Eventually(t, func() bool { return len(ledger.Callbacks()) == len(thefts) }, 5*time.Second, 10*time.Millisecond,
		"every theft event is followed by the application's callback")
	for handle, n := range ledger.Callbacks() {
		assert.Equal(t, 1, n, "callbacks of %s", handle)
	}
}

// Print prints the line of a row.
func (r Result) Print(id, what string, extra ...string) {
	ms := 10 * time.Millisecond
	fmt.Printf("ROW %-4s %-34s logouts=%d false_thefts=%d lost_acked=%d timeouts=%d stall=%s slowest=%s p99=%s requests=%d refreshes=%d "+
		"unavailable=%d promoted_503=%d stateless=%d/%d failed sessions=%d thieves=%d/%d caught left_with_user=%d max_victim_refreshes=%d polls=%d "+
		"naive=%d parents=%d db_behind=%d %s\n",
		id, what, r.Logouts, r.FalseThefts, r.LostWrites, r.Timeouts, r.Stall.Round(ms), r.Slowest.Round(ms), r.P99, r.Requests, r.Refreshes,
		r.Unavailable, r.Promoted503, r.StatelessFailed, r.Stateless, r.Sessions, r.Caught, r.Thieves, r.LeftWithUser, r.MaxVictimRefreshes, r.Polls,
		r.Blind, r.Parents, r.Behind, strings.Join(extra, " "))
}

// Baseline counts what may not grow: goroutines and open files.
type Baseline struct{ goroutines, files int }

// TakeBaseline counts now.
func TakeBaseline() Baseline {
	files, _ := os.ReadDir("/proc/self/fd")
	return Baseline{runtime.NumGoroutine(), len(files)}
}

// Check asserts INV7: after everything was closed, goroutines and open files are
// back where they were.
func (b Baseline) Check(t *testing.T) {
	t.Helper()
	now := Baseline{}
	ok := assert.Eventually(t, func() bool {
		now = TakeBaseline()
		// Eventually itself runs this in a goroutine.
		return now.goroutines <= b.goroutines+2 && now.files <= b.files+2
	}, 10*time.Second, 50*time.Millisecond, "INV7")
	if !ok {
		buf := make([]byte, 1<<20)
		t.Logf("INV7: %+v, now %+v\n%s", b, now, buf[:runtime.Stack(buf, true)])
	}
}
