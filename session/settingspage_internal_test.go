package session

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const settingsPage = "../docs/settings.md"

const settingsHead = `# Settings

Every field of session.Config with its comment. Made from the code (TestSettingsPage): change it
there.

The zero value of everything is the recommended set-up: HTTPS, strict theft detection, anti-CSRF
token on. session.New checks all fields and names every wrong one at once. Defaults are read from
the code that sets them, bounds from the comments. session.Off says "none" where 0 means the
default.

The tables get names of their own by gormstore.Config; the database is set up by its DSN, see
[the database](operations.md#the-database).
`

// The page is made from the comments and defaults of Config, so that the two cannot
// say different things: UPDATE_DOCS=1 writes it.
func TestSettingsPage(t *testing.T) {
	t.Parallel()
	source := readSettings(t)
	page := strings.Builder{}
	page.WriteString(settingsHead)
	source.structRows(t, &page, "Config", "", reflect.ValueOf(Config{}.withDefaults()))
	for _, name := range source.used {
		fmt.Fprintf(&page, "\n## Values of %s\n\n%s\n\n| value | meaning |\n|---|---|\n", name, source.docs[name])
		for _, value := range source.values[name] {
			fmt.Fprintf(&page, "| `%s` | %s |\n", value, cmp.Or(source.docs[value], "–"))
		}
	}
	if os.Getenv("UPDATE_DOCS") != "" {
		require.NoError(t, os.WriteFile(settingsPage, []byte(page.String()), 0o644)) //nolint:gosec // a page for all
	}
	got, err := os.ReadFile(settingsPage)
	require.NoError(t, err)
	require.Equal(t, page.String(), string(got), "run UPDATE_DOCS=1 go test -run TestSettingsPage ./session")
}

// settingsSource is what the package's files say of its types.
type settingsSource struct {
	structs map[string]*ast.StructType
	docs    map[string]string   // of types and constants
	values  map[string][]string // of types whose constants count from 0
	used    []string            // such types, in the order in which fields have them
}

func readSettings(t *testing.T) *settingsSource {
	t.Helper()
	source := &settingsSource{map[string]*ast.StructType{}, map[string]string{}, map[string][]string{}, nil}
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, decl := range file.Decls {
			if decl, ok := decl.(*ast.GenDecl); ok {
				source.read(decl)
			}
		}
	}
	return source
}

func (s *settingsSource) read(decl *ast.GenDecl) {
	enum := ""
	for i, spec := range decl.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			s.docs[spec.Name.Name] = flat(cmp.Or(spec.Doc.Text(), decl.Doc.Text()))
			if body, ok := spec.Type.(*ast.StructType); ok {
				s.structs[spec.Name.Name] = body
			}
		case *ast.ValueSpec:
			if kind, ok := spec.Type.(*ast.Ident); ok && i == 0 && decl.Tok == token.CONST {
				enum = kind.Name
			}
			if enum != "" {
				s.values[enum] = append(s.values[enum], spec.Names[0].Name)
			}
			s.docs[spec.Names[0].Name] = flat(spec.Doc.Text())
		}
	}
}

// structRows writes the table of a struct, then those of the structs in it.
func (s *settingsSource) structRows(t *testing.T, page *strings.Builder, name, prefix string, value reflect.Value) {
	t.Helper()
	title := cmp.Or(strings.TrimSuffix(prefix, "."), name)
	fmt.Fprintf(page, "\n## %s\n\n", title)
	if prefix != "" {
		fmt.Fprintf(page, "%s\n\n", s.docs[name])
	}
	page.WriteString("| field | type | default | bounds | meaning |\n|---|---|---|---|---|\n")
	var inner []func()
	for _, field := range s.structs[name].Fields.List {
		kind := typeText(field.Type)
		own := strings.TrimPrefix(kind, "[]")
		meaning := cmp.Or(flat(field.Doc.Text()), s.docs[own])
		for _, id := range field.Names {
			v := value.FieldByName(id.Name)
			fmt.Fprintf(page, "| `%s%s` | `%s` | %s | %s | %s |\n", prefix, id.Name, kind,
				s.byDefault(kind, meaning, id.Name, v), s.boundsOf(kind, meaning), cmp.Or(meaning, "as in "+strings.TrimSuffix(prefix, "[].")))
			if s.structs[own] == nil {
				continue
			}
			path, nested := prefix+id.Name+".", v
			if own != kind {
				path, nested = prefix+id.Name+"[].", reflect.New(v.Type().Elem()).Elem()
			}
			inner = append(inner, func() { s.structRows(t, page, own, path, nested) })
		}
		if s.values[own] != nil && !slices.Contains(s.used, own) {
			s.used = append(s.used, own)
		}
	}
	for _, write := range inner {
		write()
	}
}

// byDefault is what holds where a field is left out.
func (s *settingsSource) byDefault(kind, meaning, name string, v reflect.Value) string {
	switch {
	case s.values[kind] != nil:
		return "`" + s.values[kind][0] + "`"
	case s.structs[kind] != nil:
		return "see below"
	case kind == "http.SameSite":
		return "`Lax`"
	case v.Type() == reflect.TypeFor[time.Duration]():
		return durationText(time.Duration(v.Int()))
	}
	switch v.Kind() {
	case reflect.Int64:
		if strings.HasSuffix(name, "Bytes") {
			return strconv.FormatInt(v.Int()>>20, 10) + " MiB"
		}
		return strconv.FormatInt(v.Int(), 10)
	case reflect.Int:
		return strconv.FormatInt(v.Int(), 10)
	case reflect.Bool:
		return "off"
	case reflect.String:
		if v.String() == "" {
			return "none"
		}
		return "`" + v.String() + "`"
	default:
		if words := inWords.FindStringSubmatch(meaning); words != nil {
			return "`" + words[1] + "`"
		}
		return "none"
	}
}

var (
	inWords = regexp.MustCompile(`default ([a-z]+\.[A-Za-z]+(?:\(\))?)`)
	amount  = `(?:[A-Z]\w+Validity|\d(?:[\d,]*\d)?(?: (?:ms|s|min|h|days|bytes|KiB|MiB|GiB))?)`
	bounds  = regexp.MustCompile(`(?i:up to|at least) ` + amount + `|` + amount + ` to ` + amount)
	link    = regexp.MustCompile(`\[([A-Za-z.]+)\]`)
	unders  = regexp.MustCompile(`__[\w-]+`)
)

// boundsOf finds what a comment says of least and most, where a field has any.
func (s *settingsSource) boundsOf(kind, meaning string) string {
	found := bounds.FindString(meaning)
	if found == "" || s.values[kind] != nil || s.structs[kind] != nil || strings.HasPrefix(kind, "func") {
		return "–"
	}
	return strings.Replace(found, "Up to", "up to", 1)
}

// flat is a comment in one line of a table: links to names are code, and so is what
// would be bold.
func flat(comment string) string {
	text := strings.Join(strings.Fields(comment), " ")
	text = unders.ReplaceAllString(link.ReplaceAllString(text, "`$1`"), "`$0`")
	return strings.ReplaceAll(text, "|", "\\|")
}

func typeText(expr ast.Expr) string {
	switch expr := expr.(type) {
	case *ast.Ident:
		return expr.Name
	case *ast.SelectorExpr:
		return typeText(expr.X) + "." + expr.Sel.Name
	case *ast.StarExpr:
		return "*" + typeText(expr.X)
	case *ast.ArrayType:
		return "[]" + typeText(expr.Elt)
	case *ast.FuncType:
		var in, out []string
		for _, param := range expr.Params.List {
			in = append(in, typeText(param.Type))
		}
		if expr.Results != nil {
			for _, result := range expr.Results.List {
				out = append(out, typeText(result.Type))
			}
		}
		return strings.TrimSpace("func(" + strings.Join(in, ", ") + ") " + strings.Join(out, ", "))
	default:
		return fmt.Sprintf("%T", expr)
	}
}

// durationText is a duration as people write it.
func durationText(d time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{24 * time.Hour, "days"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}, {time.Millisecond, "ms"}} {
		if n := d / unit.length; d%unit.length == 0 && n > 0 && (unit.name != "days" || n > 1) {
			return fmt.Sprintf("%d %s", n, unit.name)
		}
	}
	return "0"
}
