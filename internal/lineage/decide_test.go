package lineage

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models"
)

// The history of the rows below: 1 (the sign-in's token), its child 2, its child 3, which is
// current. 9 is a sibling of 3, 4 the child of 3. Times are milliseconds, the window is 10.
func history() question {
	return question{live: true, cur: 3, prev: 2, curIat: 100, gen: 2, now: 105, window: 10}
}

// holding is the history with a token at hand.
func holding(token, parent tokenNo, gen, iat int64) question {
	q := history()
	q.token, q.parent, q.tokenGen, q.tokenIat = token, parent, gen, iat
	return q
}

func (q question) strict() question         { q.window = 0; return q }
func (q question) at(now int64) question    { q.now = now; return q }
func (q question) ended() question          { q.live = false; return q }
func (q question) atFirst() question        { q.cur, q.prev, q.gen = 1, 0, 0; return q }
func (q question) after(iat int64) question { q.curIat = iat; return q }

// highest gives the row the generation that nothing can be ahead of.
func highest(q question) question { q.gen = math.MaxInt64; return q }

func TestDecideRefresh(t *testing.T) {
	t.Parallel()
	parent, sibling := holding(2, 1, 1, 50), holding(9, 2, 2, 98)
	for _, tc := range []struct {
		name string
		ask  question
		want Verdict
	}{
		{"stolen and replaced: the parent, strict", parent.strict(), Theft},
		{"the parent after the window", parent.at(111), Theft},
		{"the grandparent, inside the window too", holding(1, 0, 0, 1), Theft},
		{"the first token again, when nothing precedes the current one", holding(9, 0, 0, 100).atFirst(), Theft},
		{"the parent in the very millisecond, strict", parent.strict().at(100), Theft},
		{"a token without a hash, when nothing precedes the current one", holding(0, 9, 0, 100).atFirst(), Theft},
		{"a sibling, strict", sibling.strict(), Theft},
		{"a sibling of the very millisecond, strict", sibling.strict().after(98), Theft},
		{"a sibling minted before the window", sibling.after(109), Theft},
		{"a sibling minted after the window", sibling.after(87), Theft},
		{"a child of the parent's sibling", holding(8, 7, 2, 100), Theft},
		{"a child of the current token's sibling", holding(8, 9, 3, 100), Theft},
		{"a foreign token one generation ahead", holding(8, 7, 3, 100).strict(), Theft},
		{"the current token of an ended session", holding(3, 2, 2, 100).ended(), Unauthorised},
		{"a replaced token of an ended session", parent.ended(), Unauthorised},
		{"a token ahead, of an ended session", holding(8, 7, 9, 100).ended(), Unauthorised},

		{"the current token, young", holding(3, 2, 2, 100), Repeat},
		{"the current token at the window's end", holding(3, 2, 2, 100).at(110), Repeat},
		{"the current token after the window", holding(3, 2, 2, 100).at(111), Mint},
		{"the current token, from a clock just ahead", holding(3, 2, 2, 100).at(90), Repeat},
		{"the current token, from a clock a day ahead", holding(3, 2, 2, 100).at(100 - 86_400_000), Mint},
		{"the current token, strict", holding(3, 2, 2, 100).strict(), Mint},
		{"the first token, young", holding(1, 0, 0, 100).atFirst(), Repeat},
		{"the first token", holding(1, 0, 0, 100).atFirst().at(1e9), Mint},
		{"a child", holding(4, 3, 3, 101), Advance},
		{"a child, strict and much later", holding(4, 3, 3, 101).strict().at(1e9), Advance},
		{"ahead by two: the database lost a commit", holding(8, 7, 4, 100), FastForward},
		{"ahead by two, strict", holding(8, 7, 4, 100).strict(), FastForward},
		{"a sibling of the same time", holding(9, 2, 2, 100).at(111), Swap},
		{"a sibling, the last moment before", sibling.after(108).at(109), Swap},
		{"a sibling, the last moment after", sibling.after(88).at(109), Swap},
		{"a young sibling", sibling, Repeat},
		{"a young sibling at the window's end", sibling.at(108), Repeat},
		{"a sibling from a clock a day ahead", holding(9, 2, 2, 86_400_000).after(86_400_000), Swap},
		{"a sibling counts by issue times, not by the clock", sibling.at(1e9), Swap},
		{"the parent at the window's end", parent.at(110), MintSibling},
		{"the parent, by a clock that is a little behind", parent.at(90), MintSibling},
		{"the parent, replaced by a clock a day ahead", parent.after(86_400_000), Theft},
		{"a replaced token that is young itself", holding(2, 1, 1, 100), MintSibling},
		{"a grandparent that is young itself", holding(1, 0, 0, 105), Theft},
		{"ahead of the highest generation", highest(holding(9, 8, 1, 100)), Theft},
		{"the parent, under the highest generation", highest(parent).strict(), Theft},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := OnRefresh(tc.ask.row(), tc.ask.presented(), tc.ask.now, tc.ask.window)
			require.Equal(t, tc.want.String(), got.String())
		})
	}
}

func TestDecideVerify(t *testing.T) {
	t.Parallel()
	sibling := holding(9, 2, 2, 98)
	for _, tc := range []struct {
		name string
		ask  question
		want Verdict
	}{
		{"a replaced branch must not end the session: the refresh decides", holding(8, 7, 2, 100).strict(), TryRefresh},
		{"the parent's, inside the window", holding(2, 1, 1, 50), TryRefresh},
		{"a foreign token's one generation ahead", holding(8, 7, 3, 100), TryRefresh},
		{"a sibling's, strict", sibling.strict(), TryRefresh},
		{"a sibling's of the very millisecond, strict", sibling.strict().after(98), TryRefresh},
		{"a sibling's from before the window", sibling.after(109), TryRefresh},
		{"a sibling's from after the window", sibling.after(87), TryRefresh},
		{"no parent, when nothing precedes the current one", holding(9, 0, 0, 100).atFirst(), TryRefresh},
		{"a foreign one's, under the highest generation", highest(holding(9, 8, 1, 100)), TryRefresh},
		{"of an ended session", holding(3, 2, 2, 100).ended(), Unauthorised},
		{"promotable, of an ended session", holding(4, 3, 3, 101).ended(), Unauthorised},

		{"promoted by somebody else meanwhile", holding(3, 2, 2, 100), Confirmed},
		{"the child's", holding(4, 3, 3, 101), Advance},
		{"ahead by two", holding(8, 7, 4, 100).strict(), FastForward},
		{"a sibling's at the window's edge", sibling.after(108), Accept},
		{"a sibling's at the window's other edge", sibling.after(88), Accept},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := OnUse(tc.ask.row(), tc.ask.presented(), tc.ask.window)
			require.Equal(t, tc.want.String(), got.String())
		})
	}
}

func TestStepFor(t *testing.T) {
	t.Parallel()

	t.Run("a swap keeps the parent and holds on to it", func(t *testing.T) {
		t.Parallel()
		q := holding(9, 2, 2, 98)
		want := models.Advance{From: hashOf(3), To: hashOf(9), Previous: hashOf(2), ExpectPrevious: hashOf(2), IssuedAt: 98, Generation: 2}
		require.True(t, want == Step(Swap, q.row(), q.presented()))
	})

	t.Run("an advance leaves the old token as the previous one", func(t *testing.T) {
		t.Parallel()
		q := holding(4, 3, 3, 101)
		want := models.Advance{From: hashOf(3), To: hashOf(4), Previous: hashOf(3), IssuedAt: 101, Generation: 3}
		require.True(t, want == Step(Advance, q.row(), q.presented()))
	})

	t.Run("a fast-forward leaves the token's own parent as the previous one, not what it jumped from", func(t *testing.T) {
		t.Parallel()
		q := holding(8, 7, 5, 101)
		want := models.Advance{From: hashOf(3), To: hashOf(8), Previous: hashOf(7), IssuedAt: 101, Generation: 5}
		require.True(t, want == Step(FastForward, q.row(), q.presented()))
	})
}

func TestLineageOf(t *testing.T) {
	t.Parallel()
	row := func(change func(*models.Session)) *models.Session {
		r := &models.Session{
			ExpiresAt: 200, AbsoluteExpiresAt: 300,
			Lineage: models.Lineage{Current: hashOf(3), Previous: hashOf(2), IssuedAt: 100, Generation: 2},
		}
		change(r)
		return r
	}
	for _, tc := range []struct {
		name string
		row  *models.Session
		live bool
	}{
		{"no row", nil, false},
		{"revoked", row(func(r *models.Session) { r.RevokedAt = 1 }), false},
		{"idle too long, to the millisecond", row(func(r *models.Session) { r.ExpiresAt = 150 }), false},
		{"at its absolute end", row(func(r *models.Session) { r.AbsoluteExpiresAt = 150 }), false},
		{"a millisecond before both", row(func(r *models.Session) { r.ExpiresAt, r.AbsoluteExpiresAt = 151, 151 }), true},
		{"without an absolute end", row(func(r *models.Session) { r.AbsoluteExpiresAt = 0 }), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := Of(tc.row, 150)
			require.Equal(t, tc.live, got.Live)
			if tc.row != nil {
				want := history().row()
				want.Live = tc.live
				require.True(t, want == got)
			}
		})
	}
}
