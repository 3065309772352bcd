package lineage

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models"
)

// mutant is a deliberate bug, and where it must show. A checker that does not
// find it is broken.
type mutant struct {
	name   string
	breaks string // the property that must be seen to break
	plant  func(m *machine)
	scenario
}

func mutants() []mutant {
	oneTabAndThief := scenario{tokens: 4, ticks: 3, tabs: 1, thief: true}
	twoTabs := scenario{tokens: 5, ticks: 3, tabs: 2, brisk: true, window: windowMillis}
	eager := scenario{tokens: 4, ticks: 3, tabs: 2, brisk: true, eager: true, window: windowMillis}
	threeTabs := scenario{tokens: 3, ticks: 2, tabs: 3, brisk: true, eager: true, window: windowMillis}
	apart := scenario{tokens: 4, ticks: 3, tabs: 1, brisk: true, thief: true, apart: true, window: windowMillis}
	clocks := apart
	clocks.ahead, clocks.ticks = true, 4
	return []mutant{
		{"wipe on mismatch", "P2", wipesOnMismatch, oneTabAndThief},
		{"no revoke on theft", "P3", func(m *machine) { m.revokes = false }, oneTabAndThief},
		{"fork in the window", "P5", forksInWindow, twoTabs},
		{"adopt instead of swap", "P1", adopts, twoTabs},
		{"no ahead rule", "P1", knowsNoAhead, scenario{tokens: 5, ticks: 4, tabs: 1, rollbacks: 1}},
		{"compare-and-swap without cur in WHERE", "P5", swapsBlindly, oneTabAndThief},
		{"re-read from a snapshot", "P1", readsSnapshot, scenario{tokens: 4, ticks: 3, tabs: 2, lock: true, brisk: true}},
		{"young tokens get children", "P1", withoutYoungTokens, eager},
		{"repeat whatever the age", "P6", repeatsAnyAge, apart},
		{"an age without its absolute value", "P6", forgetsTheSign, clocks},
		{"swap a young sibling", "P1", swapsYoungSiblings, threeTabs},
		{"repeat a replaced token", "P1", repeatsReplaced, eager},
	}
}

// repeatsAnyAge never replaces a token in window mode: whoever copied it stays in.
func repeatsAnyAge(m *machine) {
	m.repeatWhen(func(_ Token, _, window int64) bool { return window > 0 })
}

// forgetsTheSign takes every token from a server whose clock is ahead for young.
func forgetsTheSign(m *machine) {
	m.repeatWhen(func(tok Token, now, window int64) bool { return window > 0 && now-tok.Iat <= window })
}

// repeatWhen is the rule with another idea of what is young.
func (m *machine) repeatWhen(young func(tok Token, now, window int64) bool) {
	m.repeats = young
	m.refresh = func(row Row, tok Token, now, window int64) Verdict {
		v := OnRefresh(row, tok, now, window)
		if (v == Mint || v == Swap) && young(tok, now, window) {
			return Repeat
		}
		return v
	}
}

// swapsYoungSiblings lets two tabs take the place from one another until neither
// gets through.
func swapsYoungSiblings(m *machine) {
	m.refresh = func(row Row, tok Token, now, window int64) Verdict {
		v := OnRefresh(row, tok, now, window)
		if v == Repeat && !tok.Hash.Equal(row.Cur) {
			return Swap
		}
		return v
	}
}

// repeatsReplaced answers the token that was current until a moment ago with itself:
// it will not be current again.
func repeatsReplaced(m *machine) {
	m.refresh = func(row Row, tok Token, now, window int64) Verdict {
		v := OnRefresh(row, tok, now, window)
		if v == MintSibling {
			return Repeat
		}
		return v
	}
}

// wipesOnMismatch ends the client's session where the refresh should have the
// say: the victim is gone before it can give the thief away.
func wipesOnMismatch(m *machine) {
	m.verify = func(row Row, tok Token, window int64) Verdict {
		v := OnUse(row, tok, window)
		if v == TryRefresh {
			return Unauthorised
		}
		return v
	}
}

// forksInWindow makes a sibling the child of the token that it should replace.
func forksInWindow(m *machine) {
	m.step = func(v Verdict, row Row, tok Token) models.Advance {
		if v == Swap {
			v = Advance
		}
		step := Step(v, row, tok)
		step.Previous = row.Cur
		return step
	}
}

// adopts answers a sibling, and the parent, with a child of the current token,
// as if that was what they had presented.
func adopts(m *machine) {
	m.refresh = func(row Row, tok Token, now, window int64) Verdict {
		v := OnRefresh(row, tok, now, window)
		if v == Swap {
			return MintSibling
		}
		return v
	}
	m.mintsFrom = func(row rowState, tok, tokParent tokenNo) tokenNo {
		if tok == row.prev || tokParent == row.prev {
			return row.cur
		}
		return tok
	}
}

// knowsNoAhead takes every token for at most one step ahead of the row.
func knowsNoAhead(m *machine) {
	cut := func(row Row, tok Token) Token {
		tok.Gen = min(tok.Gen, row.Gen+1)
		return tok
	}
	m.refresh = func(row Row, tok Token, now, window int64) Verdict {
		return OnRefresh(row, cut(row, tok), now, window)
	}
	m.verify = func(row Row, tok Token, window int64) Verdict {
		return OnUse(row, cut(row, tok), window)
	}
}

// swapsBlindly writes to a live session whatever its current token is.
func swapsBlindly(m *machine) {
	m.matches = func(row rowState, _ models.Advance) bool { return row.live }
}

// readsSnapshot reads as inside a REPEATABLE READ transaction: every time the
// row as the request first found it, while the UPDATE meets the row as it is.
func readsSnapshot(m *machine) {
	m.keepsBegan = true
	m.reads = func(_, began rowState) rowState { return began }
}

func TestModelFindsDeliberateBugs(t *testing.T) {
	t.Parallel()
	for _, mut := range mutants() {
		t.Run(mut.name, func(t *testing.T) {
			t.Parallel()
			mut.scenario.name = mut.name
			sound := search[world]{model: &model{production(), mut.scenario}, until: mut.breaks}
			sound.run()
			require.Zero(t, sound.violations(mut.breaks), "the scenario breaks %s without the bug, so it shows nothing", mut.breaks)

			broken := production()
			mut.plant(&broken)
			s := search[world]{model: &model{broken, mut.scenario}, until: mut.breaks}
			s.run()
			require.NotZero(t, s.violations(mut.breaks), "not found in %d states", s.states.len())
			trace := s.trace(mut.breaks)
			t.Logf("breaks %s after %d steps, found in %d states\n%s", mut.breaks, len(trace)-1, s.states.len(), s.model.explain(trace))
		})
	}
}

// TestModelPlantsTwelveBugs holds the number that the documents name.
func TestModelPlantsTwelveBugs(t *testing.T) {
	t.Parallel()
	var names []string
	for _, mut := range mutants() {
		names = append(names, mut.name)
	}
	slices.Sort(names)
	require.Len(t, slices.Compact(names), 12)
}
