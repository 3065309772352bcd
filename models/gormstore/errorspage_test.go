package gormstore_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

const errorsPage = "../../docs/database-errors.md"

// The page is made from the code's own table, so that the two cannot say different
// things: UPDATE_DOCS=1 writes it.
func TestErrorsPage(t *testing.T) {
	t.Parallel()
	want := gormstore.ErrorsPage()
	if os.Getenv("UPDATE_DOCS") != "" {
		require.NoError(t, os.WriteFile(errorsPage, []byte(want), 0o644)) //nolint:gosec // a page for all
	}
	got, err := os.ReadFile(errorsPage)
	require.NoError(t, err)
	require.Equal(t, want, string(got), "run UPDATE_DOCS=1 go test -run TestErrorsPage ./models/gormstore")
}
