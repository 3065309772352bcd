package rig

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql" // the administrator's connections
	"github.com/stretchr/testify/require"
)

// startTimeout bounds the start of a server, crash recovery included.
const startTimeout = time.Minute

// MariaDB is a private server that a test may kill, freeze and starve. It keeps
// its data from one start to the next.
type MariaDB struct {
	t        testing.TB
	dir      string
	port     int
	password string
	options  []string
	cmd      *exec.Cmd
	ended    chan struct{}
}

// StartMariaDB starts a server in dir, or in a temporary directory when dir is
// empty. It ends with t. options are further ones of mariadbd and can be
// changed at a restart.
func StartMariaDB(t testing.TB, dir string, options ...string) *MariaDB {
	t.Helper()
	if dir == "" {
		var err error
		// Short: the path of a socket has little room.
		dir, err = os.MkdirTemp("", "kit-maria") //nolint:usetesting // t.TempDir is too long for a socket
		require.NoError(t, err)
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
	}
	m := &MariaDB{t: t, dir: dir, port: freePort(t), password: rand.Text(), options: options}
	m.install()
	m.Start()
	t.Cleanup(m.Kill)
	return m
}

// freePort is one below the ephemeral range, which no outgoing connection takes
// while the server is down.
func freePort(t testing.TB) int {
	t.Helper()
	for port := 21000 + os.Getpid()%5000; port < 32000; port += 7 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)) //nolint:noctx // closed at once
		if err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

// credential is the account mysql for a server that root starts, else nil: the
// server refuses to run as root, and the state transfers of clusters fail.
func credential(t testing.TB) *syscall.Credential {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	account, err := user.Lookup("mysql")
	require.NoError(t, err)
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	require.NoError(t, err)
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	require.NoError(t, err)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// own gives the directory to the server's account.
func own(t testing.TB, dir string) {
	t.Helper()
	if who := credential(t); who != nil {
		require.NoError(t, os.Chown(dir, int(who.Uid), int(who.Gid)))
	}
}

func (m *MariaDB) install() {
	m.t.Helper()
	own(m.t, m.dir)
	//nolint:gosec // our own arguments
	cmd := exec.CommandContext(m.t.Context(), "mariadb-install-db", "--no-defaults", "--force", "--skip-test-db",
		"--skip-name-resolve", "--auth-root-authentication-method=normal", "--datadir="+filepath.Join(m.dir, "data"))
	cmd.Dir, cmd.SysProcAttr = m.dir, &syscall.SysProcAttr{Credential: credential(m.t)}
	output, err := cmd.CombinedOutput()
	require.NoError(m.t, err, "%s", output)
	init := fmt.Sprintf("CREATE DATABASE IF NOT EXISTS app;\nCREATE USER IF NOT EXISTS app@'%%' IDENTIFIED BY '%[1]s';\n"+
		"GRANT ALL ON app.* TO app@'%%';\nCREATE USER IF NOT EXISTS admin@'%%' IDENTIFIED BY '%[1]s';\n"+
		"GRANT ALL ON *.* TO admin@'%%' WITH GRANT OPTION;\n", m.password)
	require.NoError(m.t, os.WriteFile(filepath.Join(m.dir, "init.sql"), []byte(init), 0o600))
	own(m.t, filepath.Join(m.dir, "init.sql"))
}

// Start starts the server, with other options if any are given, and waits until
// it answers.
func (m *MariaDB) Start(options ...string) {
	m.t.Helper()
	if len(options) > 0 {
		m.options = options
	}
	m.spawn()
	m.wait()
}

// spawn starts the process, with further options for this time only.
func (m *MariaDB) spawn(once ...string) {
	m.t.Helper()
	bin, err := exec.LookPath("mariadbd")
	if err != nil {
		bin = "/usr/sbin/mariadbd"
	}
	args := append([]string{
		"--no-defaults", "--datadir=" + filepath.Join(m.dir, "data"), "--socket=" + filepath.Join(m.dir, "s"),
		"--pid-file=" + filepath.Join(m.dir, "pid"), fmt.Sprintf("--port=%d", m.port), "--bind-address=127.0.0.1",
		"--skip-name-resolve", "--skip-log-bin", "--performance-schema=OFF", "--innodb-buffer-pool-size=32M",
		"--innodb-log-file-size=16M", "--init-file=" + filepath.Join(m.dir, "init.sql"),
	}, append(slices.Clone(m.options), once...)...)
	log, err := os.OpenFile(filepath.Join(m.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(m.t, err)
	defer log.Close()                                                               //nolint:errcheck // the server has its own copy
	m.cmd = exec.CommandContext(context.WithoutCancel(m.t.Context()), bin, args...) //nolint:gosec // our own arguments
	m.cmd.Stdout, m.cmd.Stderr = log, log
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Credential: credential(m.t)}
	m.cmd.Dir = m.dir
	require.NoError(m.t, m.cmd.Start())
	ended, cmd := make(chan struct{}), m.cmd
	m.ended = ended
	go func() { _ = cmd.Wait(); close(ended) }()
}

func (m *MariaDB) wait() {
	m.t.Helper()
	db, err := sql.Open("mysql", m.AdminDSN())
	require.NoError(m.t, err)
	defer db.Close() //nolint:errcheck // nothing is at stake
	deadline := time.Now().Add(startTimeout)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		err = db.PingContext(ctx)
		cancel()
		if err == nil {
			return
		}
		select {
		case <-m.ended:
			m.t.Fatalf("mariadbd ended:\n%s", m.tail())
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			m.t.Fatalf("mariadbd does not answer: %v\n%s", err, m.tail())
		}
	}
}

func (m *MariaDB) tail() string {
	text, _ := os.ReadFile(filepath.Join(m.dir, "log"))
	lines := bytes.Split(text, []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-30):], []byte("\n")))
}

// Kill is kill -9, and waits until the process is gone.
func (m *MariaDB) Kill() {
	m.Signal(syscall.SIGKILL)
	<-m.ended
}

// Ended reports whether the server is gone.
func (m *MariaDB) Ended() bool {
	select {
	case <-m.ended:
		return true
	default:
		return false
	}
}

// Signal sends a signal, such as SIGSTOP and SIGCONT.
func (m *MariaDB) Signal(s os.Signal) { _ = m.cmd.Process.Signal(s) }

// Addr is the server's host and port.
func (m *MariaDB) Addr() string { return fmt.Sprintf("127.0.0.1:%d", m.port) }

// DSN is that of the account of the application, which may not do what only an
// administrator may. addr is the server's or a proxy's.
func (m *MariaDB) DSN(addr string, params ...string) string {
	return fmt.Sprintf("app:%s@tcp(%s)/app?%s", m.password, addr, strings.Join(params, "&"))
}

// AdminDSN is that of the administrator.
func (m *MariaDB) AdminDSN() string {
	return fmt.Sprintf("admin:%s@tcp(%s)/", m.password, m.Addr())
}

// Admin runs statements as the administrator.
func (m *MariaDB) Admin(statements ...string) {
	m.t.Helper()
	db, err := sql.Open("mysql", m.AdminDSN())
	require.NoError(m.t, err)
	defer db.Close() //nolint:errcheck // nothing is at stake
	for _, statement := range statements {
		_, err := db.ExecContext(m.t.Context(), statement)
		require.NoError(m.t, err, statement)
	}
}
