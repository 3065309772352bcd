package integration_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Prose is up to 100 columns wide, so that a change of a page shows as what it is.
// Tables and blocks may be wider, and so may pages that are made from code.
func TestDocs_Width(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../docs/*.md")
	require.NoError(t, err)
	for _, page := range append(pages, "../README.md", "../CONTRIBUTING.md", "../SECURITY.md") {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		if strings.Contains(string(text), "Made from the ") {
			continue
		}
		block := false
		for number, line := range strings.Split(string(text), "\n") {
			if strings.HasPrefix(line, "```") {
				block = !block
			}
			if block || strings.HasPrefix(line, "|") || strings.HasPrefix(line, "![") || strings.HasPrefix(line, "    ") {
				continue
			}
			assert.LessOrEqual(t, utf8.RuneCountInString(line), 100, "%s:%d", page, number+1)
		}
	}
}
