package report

import (
	"fmt"
	"slices"
	"strings"
)

// tolerated is the part of a core that those may have who have no part in a
// measurement.
const tolerated = 0.05

// mark stands beside each figure that a disturbed measurement is part of.
const mark = " †"

// marked is the mark if any of the samples was disturbed.
func marked(samples []Sample) string {
	if slices.ContainsFunc(samples, Sample.Disturbed) {
		return mark
	}
	return ""
}

// Disturbed reports whether any measurement was.
func (r Report) Disturbed() bool { return marked(r.Samples) != "" }

// shown is how many disturbed measurements are named.
const shown = 6

// disturbance names the measurements that were disturbed.
func (r Report) disturbance() string {
	var disturbed []string
	for _, s := range r.Samples {
		if !s.Disturbed() {
			continue
		}
		server, others := s.Foreign()
		again := ""
		if s.Repeats > 0 {
			again = fmt.Sprintf(", silent %d times before", s.Repeats)
		}
		disturbed = append(disturbed, fmt.Sprintf("%s %s %d (%.0f %%, %.0f %%%s)",
			s.Server, s.Scenario, s.Round, 100*server, 100*others, again))
	}
	if disturbed == nil {
		return "Undisturbed: in no measurement did anything else have more than 5 % of either core."
	}
	rest := ""
	if more := len(disturbed) - shown; more > 0 {
		disturbed, rest = disturbed[:shown], fmt.Sprintf("; and %d more", more)
	}
	return fmt.Sprintf("**Disturbed:** something else had more than 5 %% of a core, or the server answered nothing at "+
		"first, so the figures with † say little. "+
		"Server, load, round (of the server's core, of the other): %s%s. All are in the raw figures.",
		strings.Join(disturbed, "; "), rest)
}
