package errors_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The standard package gains a function now and then (AsType came in 1.26):
// ours must follow, or a file would need both.
func TestParityWithTheStandardPackage(t *testing.T) {
	t.Parallel()
	//nolint:staticcheck // where the tool chain's sources are is just what is asked here
	std := exported(t, filepath.Join(runtime.GOROOT(), "src", "errors"))
	require.Contains(t, std, "Is", "the standard package was read")
	ours := exported(t, ".")
	for _, name := range std {
		require.Contains(t, ours, name, "the standard package has it, ours must pass it through")
	}
}

// exported lists the functions and variables that a package exports.
func exported(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	var names []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		for name, object := range parsed.Scope.Objects {
			if ast.IsExported(name) && (object.Kind == ast.Fun || object.Kind == ast.Var) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}
