package memstore

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// TestSuiteCatches: a suite that lets a wrong store pass is broken, and so is a
// check that no wrong store fails.
func TestSuiteCatches(t *testing.T) {
	t.Parallel()
	failures := func(open func() session.Store) []string {
		return storetest.Failures(t.Context(), open, storetest.Rounds(40))
	}
	require.Empty(t, failures(breaking(func(*Store, *broken) {})), "a sound store fails")

	caught := make(map[string]bool)
	for _, m := range mutants() {
		t.Run(m.name, func(t *testing.T) {
			by := failures(m.open)
			for _, name := range by {
				caught[name] = true
			}
			t.Logf("caught by %q", by)
			require.True(t, slices.Contains(by, m.caughtBy), "not caught by %q", m.caughtBy)
		})
	}
	for _, name := range storetest.Checks() {
		require.True(t, caught[name], "no wrong store fails %q", name)
	}
}
