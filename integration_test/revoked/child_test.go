package revoked_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The environment of a child: with which database, how it listens, and where it dies.
const (
	envEngine  = "SESSIONKIT_TEST_CHILD_ENGINE"
	envDSN     = "SESSIONKIT_TEST_CHILD_DSN"
	envName    = "SESSIONKIT_TEST_CHILD_DB"
	envSetting = "SESSIONKIT_TEST_CHILD_SETTING"
	envDie     = "SESSIONKIT_TEST_CHILD_DIE"
)

// spawn runs an instance in a process of its own, which ends with t. dieAt names the
// point at which it kills itself, or is empty.
func spawn(t testing.TB, d database, set setting, dieAt string) *process {
	t.Helper()
	encoded, err := json.Marshal(set)
	require.NoError(t, err)
	program, err := os.Executable()
	require.NoError(t, err)
	//nolint:gosec // ourselves
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program)
	cmd.Env = append(append(os.Environ(), d.environ()...), envSetting+"="+string(encoded), envDie+"="+dieAt)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	// It ends when its standard input does.
	input, err := cmd.StdinPipe()
	require.NoError(t, err)
	output, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = input.Close()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(output).ReadString('\n')
	require.NoError(t, err, "the child has not started")
	return newProcess(t, strings.TrimSpace(line), set)
}

// child is the main function of such a process.
func child() error {
	var set setting
	if err := json.Unmarshal([]byte(os.Getenv(envSetting)), &set); err != nil {
		return err
	}
	db, err := fromEnviron().open(10)
	if err != nil {
		return err
	}
	p, err := newInstance(context.Background(), db, set.config(), nil)
	if err != nil {
		return err
	}
	defer p.svc.Close()
	p.die = func(point string) {
		if point == os.Getenv(envDie) {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // the signal is on its way
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // lives as long as the process
	if err != nil {
		return err
	}
	fmt.Println("http://" + listener.Addr().String())
	server := &http.Server{Handler: p.routes(), ReadHeaderTimeout: time.Minute}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = server.Close()
	}()
	_ = server.Serve(listener)
	return nil
}
