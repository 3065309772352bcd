package integration_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A map that names what is not there sends people the wrong way. What is in
// backticks on docs/architecture.md and has a slash or an ending of a file is a
// path from the repository's root.
func TestArchitecture_EveryPathExists(t *testing.T) {
	t.Parallel()
	page := textOf(t, "../docs/architecture.md")
	looksLikePath := regexp.MustCompile(`^[\w.-]+(/[\w.-]+)+$|^[\w-]*\.?[\w-]+\.(md|yml|sh)$`)
	paths := 0
	for _, quoted := range regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(page, -1) {
		if !looksLikePath.MatchString(quoted[1]) || strings.HasPrefix(quoted[1], "net/") {
			continue
		}
		_, err := os.Stat(filepath.Join("..", quoted[1]))
		assert.NoError(t, err)
		paths++
	}
	require.Greater(t, paths, 80, "the paths were found")
}
