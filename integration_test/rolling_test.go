package integration_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// versionBefore is the last commit with schema version 2, longerTokens the last one that
// signs access tokens of the longer form and refuses those of today.
const versionBefore, longerTokens = "1620937", "c01a915"

// Instances of the version before and of this one serve the same sessions side by side,
// while a new one migrates under them and after the new ones are gone again: nobody is
// logged out, and no acknowledged write is lost. What the older ones cannot read they
// answer with "try refresh token".
//
// The instances of the version before are built from the repository's own history: a
// clone without it fails the test.
func TestRollingUpgrade(t *testing.T) {
	t.Parallel()
	now := build(t, ".")
	for commit, schema := range map[string]int64{versionBefore: 2, longerTokens: 3} {
		t.Run(commit, func(t *testing.T) {
			t.Parallel()
			rollingFrom(t, buildBefore(t, commit), schema, now)
		})
	}
}

// rollingFrom tells the story on each engine.
func rollingFrom(t *testing.T, before string, schema int64, now string) {
	t.Helper()
	for engine, fresh := range map[string]func(*testing.T) (*gorm.DB, string){
		"mysql": func(t *testing.T) (*gorm.DB, string) {
			dsn := testdb.MySQLDSN(t)
			return rig.OpenMySQL(t, dsn, 4), dsn
		},
		"postgres": func(t *testing.T) (*gorm.DB, string) {
			db := testdb.Postgres(t)
			config, err := pgx.ParseConfig(os.Getenv(testdb.EnvPostgres))
			require.NoError(t, err)
			return db, fmt.Sprintf("host=%s port=%d user=%s password=%s dbname=%s sslmode=disable",
				config.Host, config.Port, config.User, config.Password, db.Migrator().CurrentDatabase())
		},
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			db, dsn := fresh(t)
			rolling(t, db, engine, dsn, before, schema, now)
		})
	}
}

// rolling replaces three instances one by one, and back, under a crowd.
func rolling(t *testing.T, db *gorm.DB, engine, dsn, before string, schema int64, now string) {
	t.Helper()
	const sideBySide = 1500 * time.Millisecond
	instances := make([]*instance, 3)
	urls := make([]string, len(instances))
	for i := range instances {
		instances[i] = startInstance(t, before, engine, dsn, freeAddress(t))
		urls[i] = "https://" + instances[i].address
	}
	require.Equal(t, schema, versionOf(t, db))
	crowd := rig.StartCrowd(t, rig.CrowdConfig{
		Browsers: 15, Tabs: 2, Loss: 0.05, Pace: 80 * time.Millisecond, Eager: 0.1, Strict: urls,
	})
	defer crowd.Stop()
	time.Sleep(sideBySide)
	for i, program := range []string{now, now, before, before, now, now, now} {
		at := i % len(instances)
		if i == 2 || i == 3 {
			at = i - 2 // the new ones are rolled back
		}
		instances[at].stop(t)
		instances[at] = startInstance(t, program, engine, dsn, instances[at].address)
		require.EqualValues(t, 3, versionOf(t, db))
		time.Sleep(sideBySide)
	}
	store, err := gormstore.New(db, gormstore.Config{})
	require.NoError(t, err)
	result := crowd.Check(t, store, &rig.Ledger{}, false)
	for _, in := range instances {
		in.stop(t)
	}
	t.Logf("%d requests, %d sessions, %d refreshes, %d unavailable, %d logouts",
		result.Requests, result.Sessions, result.Refreshes, result.Unavailable, result.Logouts)
}

func versionOf(t *testing.T, db *gorm.DB) (version int64) {
	t.Helper()
	require.NoError(t, db.Raw("SELECT value FROM auth_meta WHERE name = 'schema_version'").Scan(&version).Error)
	return version
}

// build makes the program instance of the module in dir.
func build(t *testing.T, dir string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "instance")
	command(t, dir, "go", "build", "-o", program, "./internal/instance")
	return program
}

// buildBefore is build from the tree of commit, with the program of this one.
func buildBefore(t *testing.T, commit string) string {
	t.Helper()
	needHistory(t, commit)
	tree := t.TempDir()
	archive := command(t, "..", "git", "archive", "--format=tar", commit)
	tar := exec.CommandContext(t.Context(), "tar", "-x", "-C", tree) //nolint:gosec // a folder of our own
	tar.Stdin = bytes.NewReader(archive)
	out, err := tar.CombinedOutput()
	require.NoError(t, err, "%s", out)
	source, err := os.ReadFile("internal/instance/main.go")
	require.NoError(t, err)
	into := filepath.Join(tree, "integration_test", "internal", "instance")
	require.NoError(t, os.MkdirAll(into, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(into, "main.go"), source, 0o600)) //nolint:gosec // a folder of our own
	return build(t, filepath.Join(tree, "integration_test"))
}

// needHistory leaves the test out where the version before is not to be had: in an
// archive without history, and in a shallow clone that cannot get more of it.
func needHistory(t *testing.T, commit string) {
	t.Helper()
	has := func() bool {
		return exec.CommandContext(t.Context(), "git", "cat-file", "-e", commit+"^{commit}").Run() == nil //nolint:gosec // a commit of ours
	}
	if has() {
		return
	}
	_ = exec.CommandContext(t.Context(), "git", "fetch", "--quiet", "--unshallow").Run()
	if !has() {
		t.Skipf("commit %s is not in this copy of the repository: clone it with its history", commit)
	}
}

// command runs a program in dir, and returns what it wrote.
func command(t *testing.T, dir, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...) //nolint:gosec // of this test
	cmd.Dir = dir
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	require.NoError(t, cmd.Run(), "%s %s in %s (the history must be there: git fetch --unshallow): %s",
		name, strings.Join(args, " "), dir, complaint.String())
	return out.Bytes()
}

// instance is a process that serves.
type instance struct {
	address string
	cmd     *exec.Cmd
	stdin   io.Closer
	stderr  *bytes.Buffer
}

// startInstance returns when the instance serves.
func startInstance(t *testing.T, program, engine, dsn, address string) *instance {
	t.Helper()
	in := &instance{address: address, stderr: &bytes.Buffer{}}
	in.cmd = exec.CommandContext(t.Context(), program, engine, dsn, address) //nolint:gosec // built by this test
	in.cmd.Stderr = in.stderr
	stdin, err := in.cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := in.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, in.cmd.Start())
	in.stdin = stdin
	t.Cleanup(func() { _ = in.cmd.Process.Kill() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if line != "ready\n" {
		_ = in.cmd.Wait()
		require.Fail(t, "the instance did not start", "%v %s", err, in.stderr)
	}
	return in
}

// stop ends the instance as a deploy does: after the requests under way.
func (in *instance) stop(t *testing.T) {
	t.Helper()
	require.NoError(t, in.stdin.Close())
	require.NoError(t, in.cmd.Wait(), "%s", in.stderr)
}
