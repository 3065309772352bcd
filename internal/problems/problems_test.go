package problems_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/problems"
)

func TestList(t *testing.T) {
	t.Parallel()
	var list problems.List
	require.NoError(t, list.Err())
	list.Addf("one: %d", 1)
	list.Addf("two: %w", errors.ErrKeyUnknown)
	require.ErrorIs(t, list.Err(), errors.ErrConfig)
	require.ErrorIs(t, list.Err(), errors.ErrKeyUnknown)
	require.ErrorContains(t, list.Err(), "one: 1\ntwo: ")
}
