package integration_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"math"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// capacity are the names of docs/capacity.md and their values.
type capacity map[string]float64

// Every figure of the page follows from its constants by its formulas, and every
// constant that was measured stands in the report that it names.
func TestDocs_Capacity(t *testing.T) {
	t.Parallel()
	text := textOf(t, "../docs/capacity.md")
	known := capacity{}
	for _, row := range tableAfter(t, text, "| name | value |") {
		name := strings.Trim(row[0], "`")
		known[name] = number(t, row[1])
		if link := regexp.MustCompile(`\]\(([^)#]+)`).FindStringSubmatch(row[3]); link != nil {
			source := textOf(t, filepath.Join("../docs", link[1]))
			found := regexp.MustCompile(`(^|[^\d.,])` + regexp.QuoteMeta(row[1]) + `($|[^\d])`).MatchString(source)
			require.True(t, found, "%s is %s, which is not in %s", name, row[1], link[1])
		} else {
			require.Contains(t, row[3], "assumed", "%s has no source", name)
		}
	}
	require.Greater(t, len(known), 10)
	computed := 0
	for _, head := range []string{"| one machine | formula |", "| shards | formula |"} {
		computed += known.check(t, text, head)
	}
	require.Greater(t, computed, 40)
}

// check computes the cells of a table: the first row says what N is in each column, and
// each other row has a formula, which later rows may name.
func (known capacity) check(t *testing.T, text, head string) (cells int) {
	t.Helper()
	rows := tableAfter(t, text, head)
	require.Equal(t, "`N`", rows[0][1])
	for column := 2; column < len(rows[0]); column++ {
		at := capacity{"N": number(t, rows[0][column])}
		maps.Copy(at, known)
		for _, row := range rows[1:] {
			name, formula, ok := strings.Cut(strings.Trim(row[1], "`"), " = ")
			require.True(t, ok, "%s: a formula is name = expression", row[0])
			tree, err := parser.ParseExpr(formula)
			require.NoError(t, err, formula)
			at[name] = at.value(t, tree)
			_, decimals, _ := strings.Cut(row[column], ".")
			half := 0.5 * math.Pow10(-len(decimals))
			require.InDelta(t, at[name], number(t, row[column]), half*1.001, "%s of %s", row[0], rows[0][column])
			cells++
		}
	}
	return cells
}

// value computes an expression of numbers, names, + - * /, and a few functions.
func (known capacity) value(t *testing.T, tree ast.Expr) float64 {
	t.Helper()
	switch e := tree.(type) {
	case *ast.BasicLit:
		return number(t, e.Value)
	case *ast.Ident:
		require.Contains(t, known, e.Name)
		return known[e.Name]
	case *ast.ParenExpr:
		return known.value(t, e.X)
	case *ast.BinaryExpr:
		x, y := known.value(t, e.X), known.value(t, e.Y)
		operations := map[token.Token]float64{token.ADD: x + y, token.SUB: x - y, token.MUL: x * y, token.QUO: x / y}
		require.Contains(t, operations, e.Op)
		return operations[e.Op]
	case *ast.CallExpr:
		functions := map[string]func(float64) float64{
			"up":  math.Ceil,
			"two": func(x float64) float64 { return math.Exp2(math.Ceil(math.Log2(x))) },
		}
		name := e.Fun.(*ast.Ident).Name //nolint:forcetypeassert // a panic is a failure too
		require.Contains(t, functions, name)
		return functions[name](known.value(t, e.Args[0]))
	}
	require.Fail(t, "no formula", "%T", tree)
	return 0
}

// tableAfter is the table with this head, without head and rule.
func tableAfter(t *testing.T, text, head string) (rows [][]string) {
	t.Helper()
	_, table, ok := strings.Cut(text, "\n"+head)
	require.True(t, ok, "no table %s", head)
	for _, line := range strings.Split(table, "\n")[2:] {
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.Trim(line, "| "), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	return rows
}

// number reads one that may have commas between its thousands.
func number(t *testing.T, text string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(strings.ReplaceAll(text, ",", ""), 64)
	require.NoError(t, err)
	return n
}
