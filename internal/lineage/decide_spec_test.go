package lineage

import (
	"math"
	"math/big"

	"github.com/gin-sessionkit/sessionkit/models"
)

// question is everything that a decision depends on, in plain values. As in
// the model, tokens are numbers and 0 is none; here a row names its own.
type question struct {
	live               bool
	cur, prev          tokenNo
	curIat, gen        int64
	token, parent      tokenNo
	tokenIat, tokenGen int64
	now, window        int64
}

func (q question) row() Row {
	return Row{Live: q.live, Cur: hashOf(q.cur), Prev: hashOf(q.prev), CurIat: q.curIat, Gen: q.gen}
}

func (q question) presented() Token {
	return Token{Hash: hashOf(q.token), Parent: hashOf(q.parent), Gen: q.tokenGen, Iat: q.tokenIat}
}

// rule is a line of the table of transitions.
type rule struct {
	says string
	when func(q question) bool
	then Verdict
}

// same: none is the same as nothing.
func same(a, b tokenNo) bool { return a != 0 && b != 0 && a == b }

func isOver(q question) bool    { return !q.live }
func isCurrent(q question) bool { return same(q.token, q.cur) }
func isChild(q question) bool   { return same(q.parent, q.cur) }
func isAhead(q question) bool   { return q.tokenGen > q.gen && apart(q.tokenGen, q.gen) > 1 }
func always(question) bool      { return true }

func isSibling(q question) bool {
	return q.window > 0 && same(q.parent, q.prev) && apart(q.tokenIat, q.curIat) <= q.window
}

func isLate(q question) bool {
	return q.window > 0 && same(q.token, q.prev) && apart(q.now, q.curIat) <= q.window
}

func isYoung(q question) bool { return q.window > 0 && apart(q.now, q.tokenIat) <= q.window }

func both(a, b func(question) bool) func(question) bool {
	return func(q question) bool { return a(q) && b(q) }
}

// apart is how far from each other two times are, up to the longest that a number
// can say: sums of 64 bits are left to package big.
func apart(a, b int64) int64 {
	d := new(big.Int).Sub(big.NewInt(a), big.NewInt(b))
	if d.Abs(d).IsInt64() {
		return d.Int64()
	}
	return math.MaxInt64
}

// refreshTable and verifyTable are the specification, transcribed line by line and
// naively: no constant time, no order of cost.
func refreshTable() []rule {
	return []rule{
		{"row absent, revoked or expired", isOver, Unauthorised},
		{"W > 0, T == cur, |now - T.iat| <= W", both(isCurrent, isYoung), Repeat},
		{"T == cur", isCurrent, Mint},
		{"T.parent == cur", isChild, Advance},
		{"T.gen > gen+1", isAhead, FastForward},
		{"W > 0, T.parent == prev, |T.iat - cur_iat| <= W, |now - T.iat| <= W", both(isSibling, isYoung), Repeat},
		{"W > 0, T.parent == prev, |T.iat - cur_iat| <= W", isSibling, Swap},
		{"W > 0, T == prev, |now - cur_iat| <= W", isLate, MintSibling},
		{"otherwise", always, Theft},
	}
}

func verifyTable() []rule {
	return []rule{
		{"row absent, revoked or expired", isOver, Unauthorised},
		{"cur == rt2", isCurrent, Confirmed},
		{"prt2 == cur", isChild, Advance},
		{"A.gen > gen+1", isAhead, FastForward},
		{"W > 0, prev == prt2, |rti - cur_iat| <= W", isSibling, Accept},
		{"otherwise", always, TryRefresh},
	}
}

// look is the first rule of the table that applies.
func look(table []rule, q question) rule {
	for _, r := range table {
		if r.when(q) {
			return r
		}
	}
	panic("no rule applies")
}

// stepWanted is the compare-and-swap of the specification: what was current is
// replaced, and the previous token is the parent of the current one.
func stepWanted(v Verdict, q question) models.Advance {
	step := models.Advance{From: hashOf(q.cur), To: hashOf(q.token), Previous: hashOf(q.parent), IssuedAt: q.tokenIat, Generation: q.tokenGen}
	if v == Swap {
		step.ExpectPrevious = hashOf(q.prev)
	}
	return step
}
