package main

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whose port is taken learns which flag to use.
func TestRun_PortInUse(t *testing.T) {
	t.Parallel()
	_, addr, _ := strings.Cut(startProgram(t), "://")
	err := run(t.Context(), []string{"-addr", addr}, io.Discard, io.Discard)
	require.ErrorContains(t, err, addr)
	require.ErrorContains(t, err, "choose another port with -addr")
}
