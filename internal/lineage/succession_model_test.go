package lineage

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// lineStates is what a full run must look at, at least.
const lineStates = 10_000_000

// lineBounds is a scenario, what is given up in it, and the bounds of a quick run; 0 is
// as in the full one.
type lineBounds struct {
	lineScenario
	givesUp                []string
	quickPairs, quickTicks uint8
	fullOnly               bool
}

func (b *lineBounds) shrink() {
	b.pairs = min(b.pairs, orAsBefore(b.quickPairs, b.pairs))
	b.ticks = min(b.ticks, orAsBefore(b.quickTicks, b.ticks))
}

func lineScenarios() []lineBounds {
	oneTab := lineScenario{pairs: 6, ticks: 4, line: 4, tabs: 1}
	twoTabs := lineScenario{pairs: 6, ticks: 3, line: 4, tabs: 2, brisk: true, lock: true, turns: true}
	named := func(name string, s lineScenario, change func(*lineScenario)) lineScenario {
		s.name = name
		change(&s)
		return s
	}
	s1, s6 := []string{"S1"}, []string{"S6"}
	return []lineBounds{
		{quickPairs: 5, quickTicks: 3, lineScenario: named("A one tab, messages lost, any delay", oneTab, func(s *lineScenario) {
			s.losses = 3
		})},
		{quickPairs: 5, quickTicks: 2, lineScenario: named("B two tabs that replace at once", twoTabs, func(s *lineScenario) {
			s.ticks = 4
		})},
		{quickPairs: 4, quickTicks: 2, lineScenario: named("C two tabs that replace at once, a message lost or a server dead", twoTabs, func(s *lineScenario) {
			s.losses = 1
		})},
		{quickPairs: 4, quickTicks: 2, lineScenario: named("D two tabs that refresh whenever they please", twoTabs, func(s *lineScenario) {
			s.eager, s.line = true, 3
		})},
		{quickPairs: 4, lineScenario: named("E two tabs, every use asks the database", twoTabs, func(s *lineScenario) {
			s.asks, s.line = true, 3
		})},
		{quickPairs: 5, lineScenario: named("F one tab, at once, nothing lost", oneTab, func(s *lineScenario) {
			s.atOnce = true
		})},
		{quickPairs: 4, lineScenario: named("G two tabs, a refresh is under way while the other replaces", twoTabs, func(s *lineScenario) {
			s.turns, s.eager, s.line = false, true, 3
		}), givesUp: s1},
		{quickPairs: 4, quickTicks: 2, lineScenario: named("H two tabs that replace at once, a request lasts longer than the overlap", twoTabs, func(s *lineScenario) {
			s.brisk, s.pairs, s.line = false, 5, 3
		}), givesUp: s1},
		{quickPairs: 4, lineScenario: named("J two tabs that replace at once, some of that before they are answered", twoTabs, func(s *lineScenario) {
			s.mixed, s.line = true, 3
		}), givesUp: s1},
		{quickPairs: 4, lineScenario: named("S two tabs, some of a Replace before it is answered, never two under way", twoTabs, func(s *lineScenario) {
			s.mixed, s.apart, s.eager, s.line, s.pairs = true, true, true, 3, 5
		})},
		{quickPairs: 4, lineScenario: named("I one tab, at once, a message lost", oneTab, func(s *lineScenario) {
			s.atOnce, s.losses = true, 1
		}), givesUp: s1},
		{quickPairs: 3, quickTicks: 2, lineScenario: named("K two tabs, sign-out, all sessions ended, any delay", twoTabs, func(s *lineScenario) {
			s.signOut, s.endsAll, s.brisk, s.pairs, s.line = true, true, false, 4, 3
		}), givesUp: s1},
		{quickPairs: 3, quickTicks: 2, lineScenario: named("L two tabs, sign-out, all sessions ended, a message lost, every use asks", twoTabs, func(s *lineScenario) {
			s.signOut, s.endsAll, s.asks, s.losses, s.pairs, s.line = true, true, true, 1, 4, 3
		})},
		{quickPairs: 3, quickTicks: 3, lineScenario: named("M thief of the old tokens, one tab, a message lost, any delay", oneTab, func(s *lineScenario) {
			s.thief, s.losses, s.line, s.ticks = true, 1, 3, 3
		})},
		{quickPairs: 4, quickTicks: 2, lineScenario: named("N thief of the old tokens, every use asks, sign-out, all sessions ended", oneTab, func(s *lineScenario) {
			s.thief, s.asks, s.signOut, s.endsAll, s.line, s.ticks = true, true, true, true, 3, 3
		})},
		{quickPairs: 4, lineScenario: named("O thief of the old tokens, one tab, at once", oneTab, func(s *lineScenario) {
			s.thief, s.atOnce, s.line, s.ticks = true, true, 3, 3
		})},
		{quickPairs: 4, quickTicks: 2, lineScenario: named("P thief of any tokens, one tab", oneTab, func(s *lineScenario) {
			s.thief, s.anyJar, s.line, s.ticks = true, true, 3, 3
		})},
		{fullOnly: true, lineScenario: named("R thief of any tokens, two tabs, some of a Replace before it is answered", twoTabs, func(s *lineScenario) {
			s.thief, s.anyJar, s.mixed, s.apart, s.eager, s.line, s.pairs = true, true, true, true, true, 3, 4
		}), givesUp: s6},
		{fullOnly: true, lineScenario: named("Q thief of any tokens, two tabs", twoTabs, func(s *lineScenario) {
			s.thief, s.anyJar, s.line, s.pairs = true, true, 3, 4
		}), givesUp: s6},
	}
}

// TestSuccessionModel walks through every state that a session and those that continue
// it can get into, within the bounds of each scenario.
func TestSuccessionModel(t *testing.T) {
	full := os.Getenv("SESSIONKIT_MODEL") == "full" && !testing.Short()
	began, states, violations := time.Now(), 0, 0
	for _, b := range lineScenarios() {
		if !full && b.fullOnly {
			continue
		}
		if !full {
			b.shrink()
		}
		t.Run(b.name, func(t *testing.T) {
			s := search[line]{model: &lineModel{lineProduction(), b.lineScenario}}
			s.run()
			states += s.states.len()
			violations += judge(t, &s, b.givesUp, !full)
		})
	}
	t.Logf("total: states=%d violations=%d in %s", states, violations, time.Since(began).Round(time.Millisecond))
	if full {
		require.GreaterOrEqual(t, states, lineStates)
	}
}
