package report

import (
	"fmt"
	"strings"
)

// tolerated is the part of a core that those may have who have no part in a
// measurement.
const tolerated = 0.05

// shown is how many disturbed measurements are named.
const shown = 6

// disturbance names the measurements that were disturbed.
func (r Report) disturbance() string {
	var disturbed []string
	for _, s := range r.Samples {
		if server, others := s.Foreign(); max(server, others) > tolerated {
			disturbed = append(disturbed, fmt.Sprintf("%s %s %d (%.0f %%, %.0f %%)",
				s.Server, s.Scenario, s.Round, 100*server, 100*others))
		}
	}
	if disturbed == nil {
		return "Undisturbed: in no measurement did anything else have more than 5 % of either core."
	}
	rest := ""
	if more := len(disturbed) - shown; more > 0 {
		disturbed, rest = disturbed[:shown], fmt.Sprintf("; and %d more", more)
	}
	return fmt.Sprintf("**Disturbed:** something else had more than 5 %% of a core, so these figures say little. "+
		"Server, load, round (of the server's core, of the other): %s%s. All are in the raw figures.",
		strings.Join(disturbed, "; "), rest)
}
