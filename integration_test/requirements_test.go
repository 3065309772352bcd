package integration_test

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An id in a comment says nothing to whoever cannot look it up.
func TestRequirements_EveryIDIsExplained(t *testing.T) {
	t.Parallel()
	page := textOf(t, "../docs/requirements.md")
	id := regexp.MustCompile(`\b(AB|CK|CS|DB|GO|HTTP|JWT|KEY|LOG|SM|TOK|W)-\d\d\b`)
	require.NoError(t, filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		for _, found := range id.FindAllString(textOf(t, path), -1) {
			assert.Contains(t, page, "\n| "+found+" |", path)
		}
		return nil
	}))
}
