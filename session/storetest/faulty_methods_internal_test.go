package storetest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models/memstore"
)

// TestFaultyFailsEveryMethod: each method counts under its own name, and none
// goes past the fault.
func TestFaultyFailsEveryMethod(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, memstore.New(), options{})
	row, key := tr.insert(), tr.insertKey()
	methods := everyMethod(tr, row, key)

	for name, call := range methods {
		store := Faulty(tr.store, Fault{Method: name, Call: 1})
		require.ErrorIs(t, call(t.Context(), store), ErrInjected, name)
		require.Equal(t, map[string]int{name: 1}, store.Counts())
	}
	tr.requireStored(row, "nothing arrived")
	tr.requireKeys(during, key)
}
