package rig

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// EnvMySQLTree names a directory tree with MySQL in it, which scripts/cluster.sh
// unpacks: MySQL is in no stable release of Debian.
const EnvMySQLTree = "SESSIONKIT_MYSQL_TREE"

const (
	groupPassword = "group"
	groupName     = "73657373-696f-4b69-8000-000000000000"
)

// Group is a cluster of three MySQL servers with Group Replication, of which
// one, the primary, takes writes. A proxy before it follows the primary, as
// MySQL Router does.
type Group struct {
	t      testing.TB
	tree   string
	loader []string
	Nodes  [3]*GroupNode
	base   int
	Proxy  *Proxy
	stop   context.CancelFunc
	work   sync.WaitGroup
}

// GroupNode is one server of a Group.
type GroupNode struct {
	g     *Group
	n     int
	dir   string
	cmd   *exec.Cmd
	ended chan struct{}
}

// StartGroup starts three nodes. A silent one is expelled at once.
func StartGroup(t testing.TB) *Group {
	t.Helper()
	g := &Group{t: t, tree: os.Getenv(EnvMySQLTree), base: freePort(t)}
	require.NotEmpty(t, g.tree, "%s is not set: scripts/cluster.sh does that", EnvMySQLTree)
	found, _ := filepath.Glob(g.tree + "/usr/lib/*/ld-linux*.so.*")
	require.NotEmpty(t, found, "no loader in %s", g.tree)
	g.loader = []string{found[0], "--library-path", filepath.Dir(found[0])}
	for i := range g.Nodes {
		dir, err := os.MkdirTemp("", "kit-group") //nolint:usetesting // the path of a socket has little room
		require.NoError(t, err)
		own(t, dir)
		node := &GroupNode{g: g, n: i, dir: dir}
		g.Nodes[i] = node
		t.Cleanup(func() {
			if node.cmd != nil {
				node.Kill()
			}
			_ = os.RemoveAll(dir)
		})
		node.install()
		node.spawn()
	}
	g.Nodes[0].Join(true)
	g.Nodes[1].Join(false)
	g.Nodes[2].Join(false)
	g.Proxy = NewProxy(t, g.Nodes[0].addr())
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	g.stop = stop
	g.work.Go(func() { g.follow(ctx) })
	t.Cleanup(func() { stop(); g.work.Wait() })
	return g
}

// DSN leads to the primary.
func (g *Group) DSN(params ...string) string {
	return fmt.Sprintf("app:%s@tcp(%s)/app?%s", groupPassword, g.Proxy.Addr(), strings.Join(params, "&"))
}

// Primary is the node that takes writes, or nil while there is none.
func (g *Group) Primary() *GroupNode {
	for _, node := range g.Nodes {
		if node.state() == "ONLINE PRIMARY" {
			return node
		}
	}
	return nil
}

// follow leads the proxy to the primary.
func (g *Group) follow(ctx context.Context) {
	target := g.Nodes[0].addr()
	for ctx.Err() == nil {
		if node := g.Primary(); node != nil && node.addr() != target {
			target = node.addr()
			g.Proxy.Retarget(target)
		}
		select {
		case <-ctx.Done():
		case <-time.After(300 * time.Millisecond):
		}
	}
}

func (n *GroupNode) addr() string { return fmt.Sprintf("127.0.0.1:%d", n.g.base+n.n) }

func (n *GroupNode) uuid() string { return groupName[:len(groupName)-1] + fmt.Sprint(n.n+1) }

func (n *GroupNode) options() []string {
	share, lib := n.g.tree+"/usr/share/mysql", n.g.tree+"/usr/lib/mysql/plugin"
	seeds := fmt.Sprintf("127.0.0.1:%d,127.0.0.1:%d,127.0.0.1:%d", n.g.base, n.g.base+1, n.g.base+2)
	return []string{
		"--no-defaults", "--basedir=" + n.g.tree + "/usr", "--lc-messages-dir=" + share,
		"--character-sets-dir=" + share + "/charsets", "--plugin-dir=" + lib,
		"--datadir=" + n.dir + "/data", "--socket=" + n.dir + "/s", "--pid-file=" + n.dir + "/pid", "--tmpdir=" + n.dir,
		fmt.Sprintf("--port=%d", n.g.base+n.n), "--bind-address=127.0.0.1", "--secure-file-priv=NULL", "--mysqlx=OFF", "--skip-name-resolve",
		"--innodb-buffer-pool-size=64M", fmt.Sprintf("--server-id=%d", n.n+1),
		"--report-host=127.0.0.1", fmt.Sprintf("--report-port=%d", n.g.base+n.n),
		"--gtid-mode=ON", "--enforce-gtid-consistency=ON", "--log-bin=binlog", "--relay-log=relay",
		"--innodb-flush-log-at-trx-commit=2", "--sync-binlog=0", "--plugin-load-add=group_replication.so",
		"--loose-group-replication-group-name=" + groupName, "--loose-group-replication-start-on-boot=OFF",
		// The other communication stack would listen on all interfaces.
		"--loose-group-replication-communication-stack=MYSQL", "--loose-group-replication-local-address=" + n.addr(),
		"--loose-group-replication-group-seeds=" + seeds, "--loose-group-replication-recovery-get-public-key=ON",
		"--loose-group-replication-member-expel-timeout=0",
	}
}

func (n *GroupNode) command(args ...string) *exec.Cmd {
	argv := append(append([]string{}, n.g.loader...), n.g.tree+"/usr/sbin/mysqld")
	argv = append(append(argv, n.options()...), args...)
	cmd := exec.CommandContext(context.WithoutCancel(n.g.t.Context()), argv[0], argv[1:]...) //nolint:gosec // our own arguments
	cmd.Dir = n.dir
	cmd.Env = append(os.Environ(), "OPENSSL_CONF="+n.g.tree+"/etc/ssl/openssl.cnf",
		"OPENSSL_MODULES="+filepath.Dir(n.g.loader[0])+"/ossl-modules")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Credential: credential(n.g.t)}
	return cmd
}

// install makes an empty data directory with all accounts, the same on all nodes
// and in no binary log.
func (n *GroupNode) install() {
	n.g.t.Helper()
	init := filepath.Join(n.dir, "init.sql")
	text := strings.ReplaceAll(`create database app;
create user app@'%' identified by 'PASSWORD';
grant all on app.* to app@'%';
create user admin@'%' identified by 'PASSWORD';
grant all on *.* to admin@'%' with grant option;
create user repl@'%' identified by 'PASSWORD';
grant replication slave, connection_admin, backup_admin, group_replication_stream on *.* to repl@'%';
`, "PASSWORD", groupPassword)
	require.NoError(n.g.t, os.WriteFile(init, []byte(text), 0o600))
	own(n.g.t, init)
	out, err := n.command("--initialize-insecure", "--skip-log-bin", "--gtid-mode=OFF", "--enforce-gtid-consistency=OFF", "--init-file="+init).CombinedOutput()
	require.NoError(n.g.t, err, "%s", out)
	auto := filepath.Join(n.dir, "data", "auto.cnf")
	require.NoError(n.g.t, os.WriteFile(auto, []byte("[auto]\nserver-uuid="+n.uuid()+"\n"), 0o600))
	own(n.g.t, auto)
}

func (n *GroupNode) spawn() {
	n.g.t.Helper()
	for _, left := range []string{"s", "s.lock"} {
		_ = os.Remove(filepath.Join(n.dir, left))
	}
	log, err := os.OpenFile(filepath.Join(n.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(n.g.t, err)
	defer log.Close() //nolint:errcheck // the server has its own copy
	cmd := n.command()
	cmd.Stdout, cmd.Stderr = log, log
	require.NoError(n.g.t, cmd.Start())
	ended := make(chan struct{})
	n.cmd, n.ended = cmd, ended
	go func() { _ = cmd.Wait(); close(ended) }()
}

// Kill is kill -9.
func (n *GroupNode) Kill() {
	_ = n.cmd.Process.Kill()
	<-n.ended
}

func (n *GroupNode) gone() bool {
	select {
	case <-n.ended:
		return true
	default:
		return false
	}
}

// Restart starts a killed node and puts it back into the group, or makes it a
// group of its own.
func (n *GroupNode) Restart(alone bool) {
	n.g.t.Helper()
	n.spawn()
	n.Join(alone)
}

// Join puts a running server into the group and waits until it is online.
func (n *GroupNode) Join(alone bool) {
	n.g.t.Helper()
	deadline := time.Now().Add(2 * startTimeout)
	for n.state() != "ONLINE PRIMARY" && n.state() != "ONLINE SECONDARY" {
		if n.gone() || time.Now().After(deadline) {
			text, _ := os.ReadFile(filepath.Join(n.dir, "log"))
			n.g.t.Fatalf("node %d is %s:\n%s", n.n+1, n.state(), text[max(0, len(text)-4000):])
		}
		// A place in the group is free only once the group has expelled who was there.
		if s := n.state(); s == "OFFLINE -" || s == "ERROR -" {
			if alone {
				_ = n.exec("SET GLOBAL group_replication_bootstrap_group = ON")
			}
			_ = n.exec("STOP GROUP_REPLICATION")
			_ = n.exec("START GROUP_REPLICATION USER='repl', PASSWORD='" + groupPassword + "'")
			_ = n.exec("SET GLOBAL group_replication_bootstrap_group = OFF")
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// MakePrimary is a planned switch-over to this node.
func (n *GroupNode) MakePrimary() error {
	return n.exec("SELECT group_replication_set_as_primary('" + n.uuid() + "')")
}

func (n *GroupNode) open() (*sql.DB, error) {
	return sql.Open("mysql", fmt.Sprintf("admin:%s@tcp(%s)/?timeout=1s", groupPassword, n.addr()))
}

func (n *GroupNode) exec(statement string) error {
	db, err := n.open()
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // nothing is at stake
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	_, err = db.ExecContext(ctx, statement)
	return err
}

// state is the node's own view of itself, such as ONLINE PRIMARY.
func (n *GroupNode) state() string {
	db, err := n.open()
	if err != nil {
		return "DOWN"
	}
	defer db.Close() //nolint:errcheck // nothing is at stake
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	var state, role string
	var majority bool
	err = db.QueryRowContext(ctx, "SELECT MAX(IF(member_id = @@server_uuid, member_state, '')), MAX(IF(member_id = @@server_uuid, member_role, '')), "+
		"SUM(member_state IN ('ONLINE', 'RECOVERING')) * 2 > COUNT(*) FROM performance_schema.replication_group_members").Scan(&state, &role, &majority)
	switch {
	case err != nil:
		return "DOWN"
	case state == "ONLINE" && !majority:
		return "ALONE"
	case role == "":
		role = "-"
	}
	if state == "" {
		state = "OFFLINE"
	}
	return state + " " + role
}
