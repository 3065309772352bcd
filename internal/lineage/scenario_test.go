package lineage

// Bounds on ticks in a quick run. A thief needs less time, and costs more states.
const (
	smallTicks          = 4
	smallTicksWithThief = 3
)

// bounded is a scenario for both modes, and what each of them gives up in it.
type bounded struct {
	scenario
	// small is the bound on tokens in a quick run.
	small uint8
	// strictGivesUp and windowGivesUp are the properties that the mode breaks here.
	strictGivesUp, windowGivesUp []string
}

// mode is a scenario in strict or window mode.
type mode struct {
	scenario
	givesUp []string
}

func (b *bounded) modes(full bool) []mode {
	strict, window := mode{b.scenario, b.strictGivesUp}, mode{b.scenario, b.windowGivesUp}
	strict.name += "/strict"
	window.name += "/window"
	window.window = windowMillis
	modes := []mode{strict, window}
	for i := range modes {
		if !full {
			modes[i].tokens = b.small
			modes[i].ticks = min(modes[i].ticks, smallTicks)
			if modes[i].thief {
				modes[i].ticks = min(modes[i].ticks, smallTicksWithThief)
			}
		}
	}
	return modes
}

func scenarios() []bounded {
	return append(withoutThief(), withThief()...)
}

// withoutThief: nobody but the user, so nobody may ever be out.
func withoutThief() []bounded {
	p1 := []string{"P1"}
	return []bounded{
		{small: 5, scenario: scenario{
			name:   "A one tab, messages lost, any delay",
			tokens: 7, ticks: 6, tabs: 1, losses: 4,
		}},
		{small: 5, scenario: scenario{
			name:   "B two tabs that take turns, messages lost, any delay",
			tokens: 7, ticks: 5, tabs: 2, lock: true, losses: 2,
		}},
		{small: 5, strictGivesUp: p1, scenario: scenario{
			name:   "C two tabs without a lock",
			tokens: 7, ticks: 5, tabs: 2, brisk: true,
		}},
		{small: 5, strictGivesUp: p1, scenario: scenario{
			name:   "D two tabs without a lock, one message lost",
			tokens: 6, ticks: 4, tabs: 2, brisk: true, losses: 1,
		}},
		{small: 5, scenario: scenario{
			name:   "E two tabs that take turns, the database loses two commits",
			tokens: 6, ticks: 5, tabs: 2, lock: true, brisk: true, losses: 1, rollbacks: 2,
		}},
		{small: 4, strictGivesUp: p1, windowGivesUp: p1, scenario: scenario{
			name:   "I two tabs without a lock, any delay",
			tokens: 6, ticks: 4, tabs: 2,
		}},
		{small: 5, scenario: scenario{
			name:   "J two tabs that take turns, two writes of unknown outcome",
			tokens: 7, ticks: 5, tabs: 2, lock: true, brisk: true, losses: 1, faults: 2,
		}},
		{small: 5, strictGivesUp: p1, scenario: scenario{
			name:   "K one tab that asks again while the server still works",
			tokens: 7, ticks: 5, tabs: 1, brisk: true, losses: 3, abandons: true,
		}},
		{small: 5, strictGivesUp: p1, windowGivesUp: p1, scenario: scenario{
			name:   "L two tabs without a lock, the database loses a commit",
			tokens: 5, ticks: 4, tabs: 2, brisk: true, rollbacks: 1,
		}},
	}
}

// withThief: somebody has copied the jar at some moment.
func withThief() []bounded {
	p6 := []string{"P6"}
	return []bounded{
		{small: 4, windowGivesUp: p6, scenario: scenario{
			name:   "F thief, one tab, one message lost, any delay",
			tokens: 6, ticks: 4, tabs: 1, losses: 1, thief: true,
		}},
		{small: 4, windowGivesUp: p6, scenario: scenario{
			name:   "G thief, two tabs without a lock",
			tokens: 6, ticks: 4, tabs: 2, brisk: true, thief: true,
		}},
		{small: 4, scenario: scenario{
			name:   "H thief, two tabs, never a refresh of both in one window",
			tokens: 6, ticks: 5, tabs: 2, brisk: true, thief: true, apart: true,
		}},
		{small: 4, windowGivesUp: p6, scenario: scenario{
			name:   "M thief who uses any token it ever had, one tab, any delay",
			tokens: 5, ticks: 4, tabs: 1, thief: true, hoards: true,
		}},
		{small: 4, windowGivesUp: p6, scenario: scenario{
			name:   "N thief, one tab, a write of unknown outcome",
			tokens: 5, ticks: 4, tabs: 1, brisk: true, thief: true, faults: 1,
		}},
		{small: 4, windowGivesUp: p6, scenario: scenario{
			name:   "O thief, one tab, the database loses a commit",
			tokens: 4, ticks: 4, tabs: 1, brisk: true, thief: true, rollbacks: 1,
		}},
	}
}
