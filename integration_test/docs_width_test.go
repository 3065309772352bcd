package integration_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

// Prose is up to 100 columns wide, so that a change of a page shows as what it is.
// Tables and blocks may be wider, and so may pages that are made from code.
func TestDocs_Width(t *testing.T) {
	t.Parallel()
	for page, text := range docPages(t) {
		if strings.Contains(text, "Made from the ") {
			continue
		}
		block := false
		for number, line := range strings.Split(text, "\n") {
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
