package lineage

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models"
)

// TestDecideAgreesWithTheTable asks every question over small domains: four
// tokens and none, with generations and times on both sides of every boundary.
func TestDecideAgreesWithTheTable(t *testing.T) {
	t.Parallel()
	asked := 0
	for q, more := nthQuestion(asked); more; q, more = nthQuestion(asked) {
		agree(t, q)
		asked++
	}
	require.Greater(t, asked, 400_000)
	t.Logf("questions=%d", asked)
}

// nthQuestion counts through all questions, each part of which is a digit of n.
// False means that n is beyond the last.
func nthQuestion(n int) (question, bool) {
	const window, read = 10, 1000
	apart := []int64{-window - 1, -window, -1, 0, 1, window, window + 1}
	windows := []int64{0, 1, window}
	digit := func(base int) int {
		d := n % base
		n /= base
		return d
	}
	q := question{
		live: digit(2) == 1,
		cur:  tokenNo(1 + digit(4)), prev: tokenNo(digit(5)), curIat: read, gen: 1,
		token: tokenNo(1 + digit(4)), parent: tokenNo(digit(5)),
		tokenIat: read + apart[digit(len(apart))], tokenGen: int64(digit(4)),
		now: read + apart[digit(len(apart))], window: windows[digit(len(windows))],
	}
	return q, n == 0
}

// FuzzDecide compares the decisions with the table, and checks what must hold
// between them, whatever a database or an authentic token may say.
func FuzzDecide(f *testing.F) {
	const window = int64(10_000)
	f.Add(true, byte(2), byte(1), byte(1), byte(0), int64(0), int64(1), int64(0), int64(0), int64(1), window)             // the parent, late
	f.Add(true, byte(2), byte(1), byte(3), byte(1), int64(0), int64(1), window, int64(1), window, window)                 // a sibling at the edge
	f.Add(true, byte(2), byte(1), byte(3), byte(1), window+1, int64(1), int64(0), int64(1), window+1, window)             // beyond it
	f.Add(true, byte(3), byte(2), byte(1), byte(0), int64(0), int64(2), int64(0), int64(0), int64(0), window)             // the grandparent
	f.Add(true, byte(1), byte(0), byte(4), byte(3), int64(0), int64(0), int64(0), int64(2), int64(0), int64(0))           // ahead
	f.Add(true, byte(2), byte(0), byte(1), byte(0), int64(0), int64(0), int64(0), int64(0), int64(0), window)             // none is not none's sibling
	f.Add(false, byte(1), byte(0), byte(1), byte(0), int64(0), int64(0), int64(0), int64(0), int64(0), int64(0))          // over
	f.Add(true, byte(9), byte(8), byte(7), byte(6), int64(-1), int64(-1), int64(-1), int64(1<<50), int64(-1), int64(-60)) // nonsense
	const highest, lowest = math.MaxInt64, math.MinInt64
	f.Add(true, byte(2), byte(1), byte(1), byte(0), int64(0), int64(highest), int64(0), int64(0), int64(1e6), window) // nothing is ahead of the highest
	f.Add(true, byte(2), byte(1), byte(9), byte(8), int64(0), int64(highest-1), int64(0), int64(highest), int64(0), window)
	f.Add(true, byte(2), byte(1), byte(9), byte(8), int64(0), int64(lowest), int64(0), int64(highest), int64(0), window)
	f.Add(true, byte(2), byte(1), byte(9), byte(8), int64(0), int64(0), int64(0), int64(lowest), int64(0), window)
	f.Add(true, byte(2), byte(1), byte(9), byte(1), int64(lowest), int64(0), int64(highest), int64(0), int64(0), window) // ages that do not fit
	f.Add(true, byte(2), byte(1), byte(2), byte(1), int64(lowest), int64(0), int64(lowest), int64(0), int64(highest), window)
	f.Fuzz(func(t *testing.T, live bool, cur, prev, token, parent byte, curIat, gen, tokenIat, tokenGen, now, window int64) {
		q := question{
			live: live, cur: tokenNo(max(1, cur)), prev: tokenNo(prev), curIat: curIat, gen: gen,
			token: tokenNo(max(1, token)), parent: tokenNo(parent), tokenIat: tokenIat, tokenGen: tokenGen,
			now: now, window: window % 60_001, // negative ones too: they must be strict
		}
		agree(t, q)
		consistent(t, q)
	})
}

// agree compares the production functions with the specification.
func agree(t *testing.T, q question) {
	t.Helper()
	row, tok := q.row(), q.presented()
	r := look(refreshTable(), q)
	if got := OnRefresh(row, tok, q.now, q.window); got != r.then {
		require.Equal(t, r.then.String(), got.String(), "refresh, rule %q, question %+v", r.says, q)
	}
	v := look(verifyTable(), q)
	if got := OnUse(row, tok, q.window); got != v.then {
		require.Equal(t, v.then.String(), got.String(), "verify, rule %q, question %+v", v.says, q)
	}
	if !writes(r.then) {
		return
	}
	want, got := stepWanted(r.then, q), Step(r.then, row, tok)
	if want != got {
		require.Fail(t, "another step than specified", "question %+v, verdict %s", q, r.then)
	}
}

// consistent checks what holds between the answers to related questions.
func consistent(t *testing.T, q question) {
	t.Helper()
	row, tok := q.row(), q.presented()
	refresh, verify := OnRefresh(row, tok, q.now, q.window), OnUse(row, tok, q.window)

	switch strict := OnRefresh(row, tok, q.now, 0); {
	case refresh == Repeat:
		assert.True(t, Young(tok, q.now, q.window))
		assert.Contains(t, []Verdict{Mint, Theft}, strict, "what is repeated is current or a sibling")
	case strict != Theft:
		assert.Equal(t, strict, refresh, "a window only ever forgives")
	}
	assert.False(t, Young(tok, q.now, min(q.window, 0)), "no token is young in strict mode")
	if verify != TryRefresh && verify != Unauthorised {
		assert.NotEqual(t, Theft, refresh, "an access token passes whose refresh token is taken for stolen")
	}
	if !q.live {
		assert.Equal(t, Unauthorised, refresh)
		assert.Equal(t, Unauthorised, verify)
	}
	if writes(refresh) {
		step := Step(refresh, row, tok)
		assert.NotEqual(t, step.From, step.To, "the statement would change nothing, which engines count as no match")
		assert.NotEqual(t, models.Hash{}, step.From)
	}
}

// writes reports whether a refresh with this verdict changes the current token.
func writes(v Verdict) bool {
	return v == Advance || v == FastForward || v == Swap
}
