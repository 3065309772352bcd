package integration_test

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/internal/testdb"
)

// The README's program builds in a module of its own, by the replace line that
// the README shows, and its transcript is what one gets on MySQL.
func TestReadme_ProgramAndTranscript(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatal("curl is missing: the README's transcript needs it; install the package curl")
	}
	addr := freeAddress(t)
	startProgram(t, buildElsewhere(t, textOf(t, "../README.md")), addr)

	dir := t.TempDir()
	prompts := 0
	for _, block := range docBlocks(t, "console") {
		for prompt := range strings.SplitSeq(strings.TrimPrefix(block.text, "$ "), "\n$ ") {
			command, want, _ := strings.Cut(strings.TrimSuffix(prompt, "\n"), "\n")
			//nolint:gosec // the commands are our README's
			shell := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(command, "127.0.0.1:8080", addr))
			shell.Dir = dir
			got, err := shell.CombinedOutput()
			require.NoError(t, err, "%s\n%s", command, got)
			require.Equal(t, want, strings.TrimSuffix(string(got), "\n"), command)
			prompts++
		}
	}
	require.GreaterOrEqual(t, prompts, 7, "the transcript was found")
}

// buildElsewhere compiles the README's program outside of this module.
func buildElsewhere(t *testing.T, readme string) string {
	t.Helper()
	program := regexp.MustCompile("(?s)```go\n(package main.*?)```").FindStringSubmatch(readme)
	require.NotNil(t, program)
	lines := docBlocks(t, "go.mod")
	require.Len(t, lines, 1)
	root, err := filepath.Abs("..")
	require.NoError(t, err)

	dir := t.TempDir()
	write(t, dir, "main.go", program[1])
	write(t, dir, "go.mod", "module example.com/app\n\ngo 1.26\n\n"+strings.ReplaceAll(lines[0].text, "../sessionkit", root))
	sums, err := os.ReadFile("../go.sum")
	require.NoError(t, err)
	write(t, dir, "go.sum", string(sums))
	build := exec.CommandContext(t.Context(), "go", "build", "-mod=mod", "-o", "app", ".")
	build.Dir = dir
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return filepath.Join(dir, "app")
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600)) //nolint:gosec // a temporary folder
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

// startProgram runs the program until the test ends, and returns once it answers.
func startProgram(t *testing.T, path, addr string) {
	t.Helper()
	program := exec.CommandContext(t.Context(), path)
	program.Env = append(os.Environ(), "ADDR="+addr, "DSN="+testdb.MySQLDSN(t), "GIN_MODE=release")
	program.Stderr = os.Stderr
	awaitAnswer(t, program, "http://"+addr+"/me")
}

// awaitAnswer runs a server until the test ends, and returns once it answers.
func awaitAnswer(t *testing.T, server *exec.Cmd, url string) {
	t.Helper()
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait() // it was killed
	})
	for range 300 {
		resp, err := http.Get(url) //nolint:noctx,gosec // the loop is bounded, the server ours
		if err == nil {
			require.NoError(t, resp.Body.Close())
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("the server did not answer within 30 s")
}
