package integration_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
)

const licencesPage = "../docs/licences.md"

const licencesHead = `# Licences of what is linked

The kit itself is under the MIT licence. A program links these modules besides, by the packages that
it imports; what only tests need is not linked. Made from the modules' own licence files by
TestLicences, for Linux with cgo, which links the most.

| module | licence | linked by |
|---|---|---|
`

const licencesTail = `
The example program serves one file that is not ours, and no application links it:
[htmx](https://htmx.org) 4.0.1, as npm has it, under the Zero-Clause BSD licence
([its text](../example/plain/static/htmx.LICENSE)).
`

// linkers are the packages that an application imports, and what the page calls them.
var linkers = []struct{ name, packages string }{
	{"session", "./session ./session/claim ./errors ./models ./models/memstore"},
	{"middleware, refresh, devices", "./middleware ./refresh ./devices"},
	{"models/gormstore", "./models/gormstore"},
	{"models/gormstore/sqlite", "./models/gormstore/sqlite"},
	{"contrib/prometheus", "./contrib/prometheus"},
	{"contrib/otel", "./contrib/otel"},
	{"contrib/import-refjwt", "./contrib/import-refjwt"},
	{"contrib/import-supertokens", "./contrib/import-supertokens"},
}

// The page lists every module that the library's packages link, with the licence that
// is in its folder. UPDATE_DOCS=1 writes it.
func TestLicences(t *testing.T) {
	t.Parallel()
	folders, linked := map[string]string{}, map[string][]string{}
	for _, linker := range linkers {
		for path, folder := range modulesOf(t, strings.Fields(linker.packages)) {
			folders[path] = folder
			linked[path] = append(linked[path], linker.name)
		}
	}
	var page strings.Builder
	page.WriteString(licencesHead)
	for _, path := range slices.Sorted(maps.Keys(folders)) {
		fmt.Fprintf(&page, "| %s | %s | %s |\n", path, licenceIn(t, folders[path]), strings.Join(linked[path], "; "))
	}
	page.WriteString(licencesTail)
	lock := textOf(t, "browser/package-lock.json")
	require.Contains(t, lock, `"node_modules/htmx.org": {`+"\n"+`      "version": "4.0.1"`, "the page names the version")
	require.True(t, strings.HasPrefix(textOf(t, "../example/plain/static/htmx.LICENSE"), "Zero-Clause BSD"))
	if os.Getenv("UPDATE_DOCS") != "" {
		require.NoError(t, os.WriteFile(licencesPage, []byte(page.String()), 0o644)) //nolint:gosec // a page for all
	}
	require.Equal(t, page.String(), textOf(t, licencesPage), "run UPDATE_DOCS=1 go test -run TestLicences . in integration_test")
}

// modulesOf returns the modules that packages link but for our own, and their folders.
func modulesOf(t *testing.T, packages []string) map[string]string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", append([]string{"list", "-deps", "-json=Module"}, packages...)...) //nolint:gosec // our own packages
	list.Dir = ".."
	if len(packages) == 1 && strings.HasPrefix(packages[0], "./contrib/") { // a module of its own
		list.Dir, list.Args[len(list.Args)-1] = "../"+packages[0], "."
	}
	list.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=1")
	list.Stderr = os.Stderr
	out, err := list.Output()
	require.NoError(t, err)
	modules := map[string]string{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var linked struct {
			Module *struct {
				Path, Dir string
				Main      bool
			}
		}
		if err := decoder.Decode(&linked); errors.Is(err, io.EOF) {
			return modules
		} else if err != nil {
			require.NoError(t, err)
		}
		if m := linked.Module; m != nil && !m.Main && !strings.HasPrefix(m.Path, "github.com/gin-sessionkit/") {
			modules[m.Path] = m.Dir
		}
	}
}

// licenceIn names the licence that a module's folder holds, by the words that make it.
func licenceIn(t *testing.T, folder string) string {
	t.Helper()
	var text string
	for _, pattern := range []string{"LICEN[SC]E*", "COPYING*", "License*"} {
		files, err := filepath.Glob(filepath.Join(folder, pattern))
		require.NoError(t, err)
		if len(files) > 0 {
			text = strings.Join(strings.Fields(textOf(t, files[0])), " ")
			break
		}
	}
	for _, licence := range []struct{ words, name string }{
		{"Apache License Version 2.0", "Apache-2.0"},
		{"Mozilla Public License Version 2.0", "MPL-2.0"},
		{"Mozilla Public License, version 2.0", "MPL-2.0"},
		{"Neither the name", "BSD-3-Clause"},
		{"may not be used to endorse", "BSD-3-Clause"},
		{"Redistribution and use in source and binary forms", "BSD-2-Clause"},
		{"Permission is hereby granted, free of charge", "MIT"},
	} {
		if strings.Contains(text, licence.words) {
			return licence.name
		}
	}
	require.Fail(t, "a licence that nobody has read yet", "%s: %.200s", folder, text)
	return ""
}
