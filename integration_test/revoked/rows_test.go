//go:build faults || cluster

package revoked_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// printRow prints a row's line; see scripts/fault-table.sh.
func printRow(id, what string, numbers ...any) {
	var text strings.Builder
	for pair := range slices.Chunk(numbers, 2) {
		fmt.Fprintf(&text, " %v=%v", pair...)
	}
	fmt.Printf("ROW %-4s %-34s%s\n", id, what, text.String())
}

// row checks what was seen, and prints it. That a live session was refused is a logout.
func (w *world) row(t *testing.T, id, what string, further ...any) {
	t.Helper()
	w.check(t)
	printRow(id, what, append([]any{
		"logouts", w.sum.refused, "requests", w.sum.asked + w.sum.late + w.sum.unavailable, "unavailable", w.sum.unavailable,
		"revocations", w.trials, "late", w.sum.late, "late_served", w.sum.served, "while_lagging", w.sum.excused,
	}, further...)...)
}

// beside plays while something else goes on, and returns what that did.
func (w *world) beside(t *testing.T, other func(stop <-chan struct{}) int, l load) (n int) {
	t.Helper()
	stop := make(chan struct{})
	var beside sync.WaitGroup
	beside.Go(func() { n = other(stop) })
	w.play(t, l)
	close(stop)
	beside.Wait()
	return n
}
