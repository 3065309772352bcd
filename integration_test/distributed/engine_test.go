//go:build distributed

package distributed_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
)

// engine is what one of the scripts has started, in a directory of its own.
type engine struct {
	t           *testing.T
	script, dir string
	dsn         string
	stats       []string // for the row
}

// start starts an engine, which ends with t and, however that ends, with this process.
func start(t *testing.T, script string, args ...string) *engine {
	t.Helper()
	parent, err := os.MkdirTemp("", "kit-dist") //nolint:usetesting // the path of a socket has little room
	require.NoError(t, err)
	require.NoError(t, os.Chmod(parent, 0o755)) //nolint:gosec // the servers have another account
	e := &engine{t: t, script: script, dir: filepath.Join(parent, "e")}
	t.Cleanup(func() {
		e.run("stop")
		assert.NoError(t, os.RemoveAll(parent))
	})
	e.start(args...)
	return e
}

// start starts it, again where the script can go on with the data of before.
func (e *engine) start(args ...string) {
	e.t.Helper()
	out := e.run("start", append(args, "--owner", strconv.Itoa(os.Getpid()))...)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	e.dsn = lines[len(lines)-1]
}

// run is one command of the script; it returns what that prints.
func (e *engine) run(command string, args ...string) string {
	e.t.Helper()
	args = append([]string{command, "--dir", e.dir}, args...)
	ctx := context.WithoutCancel(e.t.Context())
	cmd := exec.CommandContext(ctx, "../../scripts/"+e.script, args...) //nolint:gosec // our own arguments
	cmd.Env = append(os.Environ(), e.keepLogs(command))
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	require.NoError(e.t, cmd.Run(), "%s %v:\n%s", e.script, args, &log)
	return out.String()
}

// keepLogs names a directory for the logs of servers whose test failed, below the one of
// the environment; see scripts/lib.sh.
func (e *engine) keepLogs(command string) string {
	const name = "SESSIONKIT_KEEP_LOGS"
	dir := os.Getenv(name)
	if dir == "" || command == "stop" && !e.t.Failed() {
		return name + "="
	}
	return name + "=" + filepath.Join(dir, e.t.Name())
}

// wait lets the crowd work for a while.
func (e *engine) wait(d time.Duration) { rig.Sleep(e.t.Context(), d) }

// timed adds to the row how long a repair took, of which the stall is made: on few cores
// a server is some time in starting.
func (e *engine) timed(name string, repair func()) {
	begin := time.Now()
	repair()
	e.stats = append(e.stats, rig.Stat(name, time.Since(begin).Round(10*time.Millisecond)))
}

// freeze stops the process for a while.
func (e *engine) freeze(file string, d time.Duration) {
	e.t.Helper()
	e.signal(file, syscall.SIGSTOP)
	e.wait(d)
	e.signal(file, syscall.SIGCONT)
}

// signal sends a signal to the process whose id is in a file of the directory.
func (e *engine) signal(file string, s syscall.Signal) {
	e.t.Helper()
	text, err := os.ReadFile(filepath.Join(e.dir, file))
	require.NoError(e.t, err)
	var pid int
	_, err = fmt.Sscan(string(text), &pid)
	require.NoError(e.t, err)
	require.NoError(e.t, syscall.Kill(pid, s))
}
