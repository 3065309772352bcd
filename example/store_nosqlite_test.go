//go:build !sqlite

package main

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// A build without SQLite says how to get one with it.
func TestSQLite_LeftOut(t *testing.T) {
	t.Parallel()
	err := run(t.Context(), []string{"-addr", "127.0.0.1:0", "-sqlite", "a.db"}, io.Discard, io.Discard)
	require.ErrorContains(t, err, "go run -tags sqlite ./example")
}
