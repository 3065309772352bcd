package rig

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"sync"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// Reasons counts what calls of a store failed of, by the errors' texts: numbers and
// fixed words, as the store lets nothing else into them. The zero Reasons is empty.
type Reasons struct {
	mu      sync.Mutex
	outages map[string]int
	faults  map[string]int
}

// Failed is for Hooked. Outages are answered with 503 and faults with 500. A duplicate
// is a result.
func (r *Reasons) Failed(method string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := withoutPorts(err)
	switch {
	case errors.Is(err, errors.ErrUnavailable):
		count(&r.outages, text)
	case !errors.Is(err, errors.ErrDuplicate):
		count(&r.faults, method+": "+text)
	}
}

// withoutPorts makes errors of different connections one.
func withoutPorts(err error) string {
	return regexp.MustCompile(`\b(\d+\.\d+\.\d+\.\d+):\d+`).ReplaceAllString(err.Error(), "$1")
}

// Outages lists what was unavailable, with how often.
func (r *Reasons) Outages() []string { return r.list(&r.outages) }

// Faults lists what else failed, with how often.
func (r *Reasons) Faults() []string { return r.list(&r.faults) }

func (r *Reasons) list(of *map[string]int) (lines []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, text := range slices.Sorted(maps.Keys(*of)) {
		lines = append(lines, fmt.Sprintf("%d × %s", (*of)[text], text))
	}
	return lines
}
