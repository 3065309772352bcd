package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gin-sessionkit/sessionkit/bench/peers/servers"
)

// target is how many times the peer's rate the kit's should be.
type target struct {
	scenario Scenario
	peer     string
	atLeast  float64
}

func allTargets() []target {
	return []target{
		{Get, "gin", 0.80},
		{Get, "luggage", 0.96},
		{Get, "ginjwt", 1.5},
		{Get, "scs", 5},
		{Get, "node", 8},
		{Login, "scs", 1.2},
		{Login, "node", 6},
		{Refresh, "node", 6},
	}
}

// targets holds the kit against them: the ratio of the medians, and the
// extremes of the ratios within a round.
func (r Report) targets() string {
	var b strings.Builder
	b.WriteString("| sessionkit against | load | at least | measured | min – max by round | |\n|---|---|--:|--:|--:|---|\n")
	for _, t := range allTargets() {
		peer, _ := servers.Find(t.peer)
		kit, other := r.of(t.scenario, "kit"), r.of(t.scenario, t.peer)
		ratio := figure(kit, rate).Median / figure(other, rate).Median
		rounds := ratios(kit, other)
		verdict := "met"
		if ratio < t.atLeast {
			verdict = "**missed**"
		}
		fmt.Fprintf(&b, "| %s | %s | %.2f × | %.2f ×%s | %.2f – %.2f | %s |\n",
			peer.Label, t.scenario, t.atLeast, ratio, marked(slices.Concat(kit, other)), rounds.Min, rounds.Max, verdict)
	}
	return b.String()
}

// ratios compares round by round; both have the same rounds.
func ratios(a, b []Sample) Spread {
	values := make([]float64, len(a))
	for i := range a {
		values[i] = a[i].Rate() / b[i].Rate()
	}
	return spread(values)
}
