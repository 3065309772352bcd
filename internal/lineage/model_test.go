package lineage

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// modelStates is what a full run must look at, at least.
const modelStates = 10_000_000

// TestStateMachineModel walks through every state that a session can get into within
// the bounds of each scenario, in both modes, and looks at the properties in each. SESSIONKIT_MODEL=full
// widens the bounds to ten million states and more; without it, and with -short, it takes seconds.
//
// What a mode gives up is asserted as well: it must be found, so that no
// document promises too little either.
func TestStateMachineModel(t *testing.T) {
	full := os.Getenv("SESSIONKIT_MODEL") == "full" && !testing.Short()
	if full {
		t.Log("full bounds (SESSIONKIT_MODEL=full)")
	} else {
		t.Log("small bounds; SESSIONKIT_MODEL=full without -short searches the full ones")
	}
	began, states, violations := time.Now(), 0, 0
	for _, b := range scenarios() {
		for _, mode := range b.modes(full) {
			t.Run(mode.name, func(t *testing.T) {
				s := search[world]{model: &model{production(), mode.scenario}}
				s.run()
				states += s.states.len()
				violations += judge(t, &s, mode.givesUp, mode.mayHold)
			})
		}
	}
	t.Logf("total: states=%d violations=%d in %s", states, violations, time.Since(began).Round(time.Millisecond))
	if full {
		require.GreaterOrEqual(t, states, modelStates)
	}
}

// judge logs what the search found, and counts the states that break what the mode promises.
func judge[W comparable](t *testing.T, s *search[W], givesUp []string, mayHold bool) (violations int) {
	t.Helper()
	for _, p := range s.props {
		if !slices.Contains(givesUp, p.id) {
			violations += s.violations(p.id)
		}
	}
	t.Logf("states=%d violations=%d", s.states.len(), violations)
	for _, p := range s.props {
		n, promised := s.violations(p.id), !slices.Contains(givesUp, p.id)
		switch {
		case promised && n > 0:
			t.Errorf("%s: %s, in %d states\n%s", p.id, p.says, n, s.model.explain(s.trace(p.id)))
		case !promised && n == 0 && mayHold:
		case !promised && n == 0:
			t.Errorf("%s holds here: it is no longer given up, so the documents say too little", p.id)
		case !promised:
			trace := s.trace(p.id)
			t.Logf("given up: %s (%s) in %d states, after %d steps at the soonest\n%s", p.id, p.says, n, len(trace)-1, s.model.explain(trace))
		}
	}
	return violations
}
