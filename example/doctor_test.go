package main

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDoctor(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-doctor"}, &out, io.Discard))
	require.Contains(t, out.String(), "warning: keys: 2 signing keys are stored in clear")
	require.Contains(t, out.String(), "1 findings, none of them an error")
}
