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
	sound := breaking(func(*Store, *broken) {})
	failures := func(open func() session.Store, transactions storetest.Transactions) []string {
		return storetest.Failures(t.Context(), open, storetest.Rounds(40), storetest.WithTransactions(transactions))
	}
	soundTx := inMemory(func(*memTx, *Store) {})
	require.Empty(t, failures(sound, soundTx), "a sound store fails")
	require.Empty(t, failures(breakingSharded(func(*Store, *broken) {}), soundTx), "a sound sharded store fails")

	caught := make(map[string]bool)
	try := func(name, caughtBy string, open func() session.Store, transactions storetest.Transactions) {
		t.Run(name, func(t *testing.T) {
			by := failures(open, transactions)
			for _, name := range by {
				caught[name] = true
			}
			t.Logf("caught by %q", by)
			require.True(t, slices.Contains(by, caughtBy), "not caught by %q", caughtBy)
		})
	}
	for _, m := range mutants() {
		try(m.name, m.caughtBy, m.open, soundTx)
	}
	for _, m := range txMutants() {
		try(m.name, m.caughtBy, sound, m.transactions)
	}
	for _, name := range storetest.Checks() {
		require.True(t, caught[name], "no wrong store fails %q", name)
	}
}
