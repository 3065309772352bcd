package integration_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// concurrently runs n calls at once, as far as the machine can, and returns
// what they returned. Calls must not end the test from their goroutine.
func concurrently[T any](t *testing.T, n int, call func(i int) (T, error)) []T {
	t.Helper()
	results, errs := make([]T, n), make([]error, n)
	var ready, done sync.WaitGroup
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			ready.Wait()
			results[i], errs[i] = call(i)
		})
	}
	done.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	return results
}
