package main

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every link of the page to the repository leads to a file that is there, and to
// the line at which the function begins.
func TestPage_LinksToSource(t *testing.T) {
	t.Parallel()
	visitor := newClient(t, startProgram(t))
	page := visitor.want(200, "", http.MethodGet, "/", "")
	links := regexp.MustCompile(regexp.QuoteMeta(forge)+`([^"#]+)(?:#L(\d+))?">([^<]*)<`).FindAllStringSubmatch(page, -1)
	require.Greater(t, len(links), 15)
	for _, link := range links {
		text, err := os.ReadFile(filepath.Join("..", link[1]))
		require.NoError(t, err, link[0])
		if link[2] == "" {
			continue
		}
		n, err := strconv.Atoi(link[2])
		require.NoError(t, err)
		_, function, _ := strings.Cut(link[3], ".")
		require.Regexp(t, `^func .*\b`+function+`\(`, strings.Split(string(text), "\n")[n-1], link[0])
	}
	_, err := handlerURL("api.go", "nosuch")
	require.Error(t, err)
}

// Only a browser that brings a session's cookie is told to ask for its session: the
// first thing that a new visitor sees is no refused request.
func TestFeed_Cookies(t *testing.T) {
	t.Parallel()
	visitor := newClient(t, startProgram(t))
	visitor.want(200, `{"events":[],"last":0,"cookies":false}`, http.MethodGet, "/demo/events", "")
	visitor.login("ada")
	require.Contains(t, visitor.want(200, "", http.MethodGet, "/demo/events", ""), `"cookies":true`)
	visitor.want(200, "", http.MethodPost, "/auth/signout", "")
	require.Contains(t, visitor.want(200, "", http.MethodGet, "/demo/events", ""), `"cookies":false`)
}
