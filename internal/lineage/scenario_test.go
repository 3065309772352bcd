package lineage

import "slices"

// Bounds of a quick run, and of all runs where a strict mode has eager clients.
const (
	smallTicks          = 4
	smallTicksWithThief = 3

	quickEagerTokens      = 3
	quickEagerTicks       = 3
	quickStrictEagerTicks = 2
	quickTicksOfThree     = 2
	strictEagerTokens     = 4
	strictEagerTicks      = 3
)

// bounded is a scenario for all modes, and what each of them gives up in it.
type bounded struct {
	scenario
	// small is the bound on tokens in a quick run; fullOnly means that there is none.
	small    uint8
	fullOnly bool
	// strict and window are the properties that the mode breaks here.
	strict, window []string
	// eager has the same for clients that refresh at any time.
	eager eagerBounds
}

// eagerBounds are what differs for clients that refresh at any time: what is given
// up, and the bounds of the full search in window mode, 0 as in the scenario. Strict
// mode has many more states, because it gives every refresh a child, and its bounds are
// always small ones.
type eagerBounds struct {
	tokens, ticks  uint8
	strict, window []string
	// windowOnly: strict mode has too many states here.
	windowOnly bool
}

// mode is a scenario in strict or window mode, with one kind of client.
type mode struct {
	scenario
	givesUp []string
	// mayHold: the bounds are too small to find all that is given up.
	mayHold bool
}

// modes are strict and window mode, for clients that refresh once that is due and
// for those that do so at any time.
func (b *bounded) modes(full bool) []mode {
	if b.fullOnly && !full {
		return nil
	}
	eager := b.scenario
	eager.eager = true
	eager.tokens, eager.ticks = orAsBefore(b.eager.tokens, b.tokens), orAsBefore(b.eager.ticks, b.ticks)
	modes := []mode{
		{scenario: named(b.scenario, "strict", 0), givesUp: b.strict},
		{scenario: named(b.scenario, "window", windowMillis), givesUp: b.window},
		{scenario: named(eager, "strict, eager", 0), givesUp: b.eager.strict},
		{scenario: named(eager, "window, eager", windowMillis), givesUp: b.eager.window},
	}
	for i := range modes {
		m := &modes[i]
		switch {
		case !full && m.eager && m.window == 0:
			m.shrink(quickEagerTokens, quickStrictEagerTicks)
		case !full && m.eager:
			m.shrink(quickEagerTokens, quickEagerTicks)
		case !full && m.thief:
			m.shrink(b.small, smallTicksWithThief)
		case !full:
			m.shrink(b.small, smallTicks)
		case m.eager && m.window == 0 && m.tabs > 2:
			m.shrink(quickEagerTokens, quickEagerTicks)
		case m.eager && m.window == 0:
			m.shrink(strictEagerTokens, strictEagerTicks)
		}
		if !full && m.tabs > 2 {
			m.shrink(m.tokens, quickTicksOfThree)
		}
		m.mayHold = !full && m.eager
	}
	if b.eager.windowOnly {
		modes = slices.Delete(modes, 2, 3)
	}
	return modes
}

func orAsBefore(n, before uint8) uint8 {
	if n == 0 {
		return before
	}
	return n
}

func named(s scenario, mode string, window int64) scenario {
	s.name += "/" + mode
	s.window = window
	return s
}

// shrink narrows the bounds.
func (s *scenario) shrink(tokens, ticks uint8) {
	s.tokens, s.ticks = min(s.tokens, tokens), min(s.ticks, ticks)
}

func scenarios() []bounded {
	return append(withoutThief(), withThief()...)
}

// Lists of what is given up.
var (
	p1 = []string{"P1"}
	p6 = []string{"P6"}
)

// withoutThief: nobody but the user, so nobody may ever be out.
func withoutThief() []bounded {
	return []bounded{
		{small: 5, scenario: scenario{
			name:   "A one tab, messages lost, any delay",
			tokens: 7, ticks: 6, tabs: 1, losses: 4,
		}},
		{small: 5, scenario: scenario{
			name:   "B two tabs that take turns, messages lost, any delay",
			tokens: 7, ticks: 5, tabs: 2, lock: true, losses: 2,
		}},
		{small: 5, strict: p1, eager: eagerBounds{tokens: 6, strict: p1}, scenario: scenario{
			name:   "C two tabs without a lock",
			tokens: 7, ticks: 5, tabs: 2, brisk: true,
		}},
		{small: 5, strict: p1, eager: eagerBounds{strict: p1}, scenario: scenario{
			name:   "D two tabs without a lock, one message lost",
			tokens: 6, ticks: 4, tabs: 2, brisk: true, losses: 1,
		}},
		{small: 5, scenario: scenario{
			name:   "E two tabs that take turns, the database loses two commits",
			tokens: 6, ticks: 5, tabs: 2, lock: true, brisk: true, losses: 1, rollbacks: 2,
		}},
		{small: 4, strict: p1, window: p1, eager: eagerBounds{tokens: 5, ticks: 3, strict: p1, window: p1}, scenario: scenario{
			name:   "I two tabs without a lock, any delay",
			tokens: 6, ticks: 4, tabs: 2,
		}},
		{small: 5, eager: eagerBounds{tokens: 6, ticks: 4}, scenario: scenario{
			name:   "J two tabs that take turns, two writes of unknown outcome",
			tokens: 7, ticks: 5, tabs: 2, lock: true, brisk: true, losses: 1, faults: 2,
		}},
		{small: 5, strict: p1, eager: eagerBounds{tokens: 6, ticks: 4, strict: p1}, scenario: scenario{
			name:   "K one tab that asks again while the server still works",
			tokens: 7, ticks: 5, tabs: 1, brisk: true, losses: 3, abandons: true,
		}},
		{small: 5, strict: p1, window: p1, eager: eagerBounds{tokens: 4, strict: p1, window: p1}, scenario: scenario{
			name:   "L two tabs without a lock, the database loses a commit",
			tokens: 5, ticks: 4, tabs: 2, brisk: true, rollbacks: 1,
		}},
		{small: 3, strict: p1, eager: eagerBounds{tokens: 4, strict: p1}, scenario: scenario{
			name:   "P three tabs without a lock",
			tokens: 5, ticks: 3, tabs: 3, brisk: true,
		}},
		{fullOnly: true, strict: p1, eager: eagerBounds{tokens: 3, strict: p1}, scenario: scenario{
			name:   "Q three tabs without a lock, one message lost",
			tokens: 5, ticks: 3, tabs: 3, brisk: true, losses: 1,
		}},
		{small: 3, eager: eagerBounds{tokens: 5, ticks: 3}, scenario: scenario{
			name:   "R two tabs that take turns, a message lost, one server's clock a day ahead",
			tokens: 6, ticks: 4, tabs: 2, lock: true, losses: 1, ahead: true,
		}},
		{small: 5, strict: p1, eager: eagerBounds{strict: p1}, scenario: scenario{
			name:   "S one tab, the browser is killed, back and refreshing within the window",
			tokens: 6, ticks: 4, tabs: 1, brisk: true, kills: 1,
		}},
		{small: 5, strict: p1, window: p1, eager: eagerBounds{strict: p1, window: p1}, scenario: scenario{
			name:   "T one tab, the browser is killed, and back at any time",
			tokens: 6, ticks: 4, tabs: 1, brisk: true, kills: 1, diskLags: true,
		}},
	}
}

// withThief: somebody has copied the jar at some moment.
func withThief() []bounded {
	return []bounded{
		{small: 4, window: p6, eager: eagerBounds{tokens: 5, ticks: 3, window: p6}, scenario: scenario{
			name:   "F thief, one tab, one message lost, any delay",
			tokens: 6, ticks: 4, tabs: 1, losses: 1, thief: true,
		}},
		{small: 4, window: p6, eager: eagerBounds{tokens: 4, ticks: 4, window: p6}, scenario: scenario{
			name:   "G thief, two tabs without a lock",
			tokens: 6, ticks: 4, tabs: 2, brisk: true, thief: true,
		}},
		{small: 4, eager: eagerBounds{tokens: 5, ticks: 4}, scenario: scenario{
			name:   "H thief, two tabs, never a refresh of both in one window",
			tokens: 6, ticks: 5, tabs: 2, brisk: true, thief: true, apart: true,
		}},
		{small: 4, window: p6, eager: eagerBounds{tokens: 4, window: p6}, scenario: scenario{
			name:   "M thief who uses any token it ever had, one tab, any delay",
			tokens: 5, ticks: 4, tabs: 1, thief: true, hoards: true,
		}},
		{small: 4, window: p6, eager: eagerBounds{tokens: 4, window: p6}, scenario: scenario{
			name:   "N thief, one tab, a write of unknown outcome",
			tokens: 5, ticks: 4, tabs: 1, brisk: true, thief: true, faults: 1,
		}},
		{small: 4, window: p6, eager: eagerBounds{window: p6}, scenario: scenario{
			name:   "O thief, one tab, the database loses a commit",
			tokens: 4, ticks: 4, tabs: 1, brisk: true, thief: true, rollbacks: 1,
		}},
		{fullOnly: true, window: p6, eager: eagerBounds{ticks: 2, window: p6, windowOnly: true}, scenario: scenario{
			name:   "U thief, three tabs without a lock",
			tokens: 4, ticks: 3, tabs: 3, brisk: true, thief: true,
		}},
		{fullOnly: true, window: p6, eager: eagerBounds{window: p6, windowOnly: true}, scenario: scenario{
			name:   "V thief, three tabs without a lock, one message lost",
			tokens: 4, ticks: 2, tabs: 3, brisk: true, losses: 1, thief: true,
		}},
		{small: 4, scenario: scenario{
			name:   "W thief, one tab, never in one window, one server's clock a day ahead",
			tokens: 5, ticks: 4, tabs: 1, brisk: true, thief: true, apart: true, ahead: true,
		}},
	}
}
