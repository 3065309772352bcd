package integration_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every test that a page names is there: `TestX`, also for those that go test -run TestX
// runs beside it, and `TestX_*` for all that begin so.
func TestNamedTestsExist(t *testing.T) {
	t.Parallel()
	declared := map[string]bool{}
	declaration := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark|Example)\w+)\(`)
	require.NoError(t, filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == "node_modules" {
			return filepath.SkipDir
		}
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path) //nolint:gosec // a file of this repository
		for _, found := range declaration.FindAllStringSubmatch(string(text), -1) {
			declared[found[1]] = true
		}
		return err
	}))
	require.Greater(t, len(declared), 500)

	named := regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z]\\w*)(\\*?)`")
	pages, err := filepath.Glob("../docs/*.md")
	require.NoError(t, err)
	for _, page := range append(pages, "../README.md", "../CONTRIBUTING.md", "../SECURITY.md") {
		text, err := os.ReadFile(page) //nolint:gosec // a file of this repository
		require.NoError(t, err)
		for _, found := range named.FindAllStringSubmatch(string(text), -1) {
			name, all := found[1], found[2] != ""
			ok := declared[name]
			for other := range declared {
				ok = ok || all && strings.HasPrefix(other, name) || strings.HasPrefix(other, name+"_")
			}
			if !ok {
				t.Errorf("%s names %s%s, which is no test", page, name, found[2])
			}
		}
	}
}

// The chapter of ASVS is there in full, and each row has its test or says whose it is.
func TestASVSRows(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/threats.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "## ASVS 5.0, chapter 7\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	rows := map[string]string{}
	for _, row := range regexp.MustCompile(`(?m)^\| (7\.\d\.\d) .*$`).FindAllStringSubmatch(section, -1) {
		rows[row[1]] = row[0]
	}
	for _, id := range []string{
		"7.1.1", "7.1.2", "7.1.3", "7.2.1", "7.2.2", "7.2.3", "7.2.4", "7.3.1", "7.3.2",
		"7.4.1", "7.4.2", "7.4.3", "7.4.4", "7.4.5", "7.5.1", "7.5.2", "7.5.3", "7.6.1", "7.6.2",
	} {
		require.Contains(t, rows, id)
		require.True(t, strings.Contains(rows[id], "`Test") || strings.Contains(rows[id], "yours"), id)
	}
	require.Len(t, rows, 19)
}
