package lineage

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models"
)

// withoutYoungTokens is the rule of before: every token that is granted a refresh
// gets a child, however young it is.
func withoutYoungTokens(m *machine) {
	m.repeats = func(Token, int64, int64) bool { return false }
	m.refresh = func(row Row, tok Token, now, window int64) Verdict {
		v := OnRefresh(row, tok, now, window)
		switch {
		case v != Repeat:
			return v
		case tok.Hash.Equal(row.Cur):
			return Mint
		default:
			return Swap
		}
	}
}

// promotionKeepsPrev is the other proposal: no token is repeated, and a promotion
// within the window of the last one leaves the previous token as it was.
func promotionKeepsPrev(m *machine) {
	withoutYoungTokens(m)
	m.step = func(v Verdict, row Row, tok Token) models.Advance {
		step := Step(v, row, tok)
		if v == Advance && !row.Prev.IsZero() && within(windowMillis, tok.Iat, row.CurIat) {
			step.Previous = row.Prev
		}
		return step
	}
}

// TestModelRefutesTheOtherProposal: with three tabs, the siblings of the second
// generation in one window are taken for theft all the same. The rule that was taken
// instead holds there.
func TestModelRefutesTheOtherProposal(t *testing.T) {
	t.Parallel()
	eager := scenario{name: "two tabs, eager", tokens: 5, ticks: 3, tabs: 2, brisk: true, eager: true, window: windowMillis}
	for _, rule := range []struct {
		name  string
		plant func(*machine)
		holds bool
	}{
		{"young tokens are repeated", func(*machine) {}, true},
		{"every refresh mints", withoutYoungTokens, false},
		{"a promotion within the window keeps the previous token", promotionKeepsPrev, false},
	} {
		t.Run(rule.name, func(t *testing.T) {
			t.Parallel()
			m := production()
			rule.plant(&m)
			s := search[world]{model: &model{m, eager}}
			s.run()
			n := s.violations("P1")
			t.Logf("states=%d, P1 broken in %d", s.states.len(), n)
			require.Equal(t, rule.holds, n == 0)
			if n > 0 {
				t.Log(s.model.explain(s.trace("P1")))
			}
		})
	}
}
