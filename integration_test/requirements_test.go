package integration_test

import (
	"io/fs"
	"os"
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
	page, err := os.ReadFile("../docs/requirements.md")
	require.NoError(t, err)
	id := regexp.MustCompile(`\b(AB|CK|CS|DB|GO|HTTP|JWT|KEY|LOG|SM|TOK|W)-\d\d\b`)
	require.NoError(t, filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, found := range id.FindAllString(string(source), -1) {
			assert.Contains(t, string(page), "\n| "+found+" |", path)
		}
		return err
	}))
}
