package rig

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// Galera is a cluster of three MariaDB servers of which each takes writes.
type Galera struct {
	t     testing.TB
	Nodes [3]*MariaDB
	base  int // port of the first node; further ones are counted from here
}

// StartGalera starts three nodes. Silent ones are evicted after evict.
func StartGalera(t testing.TB, evict time.Duration) *Galera {
	t.Helper()
	g := &Galera{t: t, base: freePort(t)}
	for i := range g.Nodes {
		dir, err := os.MkdirTemp("", "kit-galera") //nolint:usetesting // the path of a socket has little room
		require.NoError(t, err)
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		m := &MariaDB{t: t, dir: dir, port: g.base + i, password: "galera", options: g.options(i, evict)}
		if i > 0 {
			m.password = g.Nodes[0].password
		}
		m.install()
		g.Nodes[i] = m
		t.Cleanup(func() {
			if m.cmd != nil {
				m.Kill()
			}
		})
	}
	g.Nodes[0].spawn("--wsrep-cluster-address=gcomm://", "--wsrep-new-cluster")
	g.WaitSynced(0, 1)
	for i := 1; i < 3; i++ {
		g.Join(i)
	}
	return g
}

func (g *Galera) group(i int) string { return fmt.Sprintf("127.0.0.1:%d", g.base+100+i) }

func (g *Galera) address() string {
	return "gcomm://" + strings.Join([]string{g.group(0), g.group(1), g.group(2)}, ",")
}

func (g *Galera) options(i int, evict time.Duration) []string {
	provider := ""
	for _, pattern := range []string{"/usr/lib/galera/libgalera_smm.so", "/usr/lib/*/galera/libgalera_smm.so", "/usr/lib64/galera*/libgalera_smm.so"} {
		if found, _ := filepath.Glob(pattern); provider == "" && len(found) > 0 {
			provider = found[0]
		}
	}
	require.NotEmpty(g.t, provider, "galera-4 is not installed: scripts/cluster.sh does that")
	seconds := evict.Seconds()
	return []string{
		fmt.Sprintf("--server-id=%d", i+1), "--binlog-format=ROW", "--innodb-autoinc-lock-mode=2",
		"--innodb-flush-log-at-trx-commit=2", "--wsrep-on=ON", "--wsrep-provider=" + provider,
		"--wsrep-cluster-name=kit", fmt.Sprintf("--wsrep-node-name=node%d", i+1),
		"--wsrep-node-address=" + g.group(i), fmt.Sprintf("--wsrep-node-incoming-address=127.0.0.1:%d", g.base+i),
		"--wsrep-sst-method=rsync", fmt.Sprintf("--wsrep-sst-receive-address=127.0.0.1:%d", g.base+200+i), "--wsrep-slave-threads=2",
		fmt.Sprintf("--wsrep-provider-options=gmcast.listen_addr=tcp://%s;ist.recv_addr=127.0.0.1:%d;gcache.size=64M;"+
			"evs.suspect_timeout=PT%gS;evs.inactive_timeout=PT%gS;evs.keepalive_period=PT%gS", g.group(i), g.base+300+i, seconds, 3*seconds, seconds/4),
	}
}

// Join starts a node that is down and waits until it has caught up.
func (g *Galera) Join(i int) {
	g.t.Helper()
	g.Nodes[i].spawn("--wsrep-cluster-address=" + g.address())
	g.WaitSynced(i, 0)
}

// WaitSynced waits until node i is synced, in a cluster of the given size
// unless that is 0.
func (g *Galera) WaitSynced(i, size int) {
	g.t.Helper()
	deadline := time.Now().Add(2 * startTimeout)
	for {
		state, n := g.Nodes[i].wsrep("local_state_comment"), g.Nodes[i].wsrep("cluster_size")
		if state == "Synced" && g.Nodes[i].wsrep("ready") == "ON" && (size == 0 || n == fmt.Sprint(size)) {
			return
		}
		if g.Nodes[i].Ended() || time.Now().After(deadline) {
			g.t.Fatalf("node %d is %q in a cluster of %s:\n%s", i+1, state, n, g.Nodes[i].tail())
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// MakePrimary lets a node that lost its quorum go on alone.
func (g *Galera) MakePrimary(i int) {
	g.Nodes[i].Admin("SET GLOBAL wsrep_provider_options = 'pc.bootstrap=1'")
	g.WaitSynced(i, 0)
}

// wsrep is one status value, or empty.
func (m *MariaDB) wsrep(name string) string {
	db, err := sql.Open("mysql", m.AdminDSN())
	if err != nil {
		return ""
	}
	defer db.Close() //nolint:errcheck // nothing is at stake
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	var key, value string
	_ = db.QueryRowContext(ctx, "SHOW GLOBAL STATUS LIKE 'wsrep_"+name+"'").Scan(&key, &value)
	return value
}

// dialer connects to the first address whose server speaks. The kernel takes
// connections for a server that stands still, so that alone says nothing.
type dialer struct {
	addrs  []string
	first  atomic.Int64
	rotate bool // begin with another one each time
}

// DSN leads to whichever node takes connections: the one used last first. The
// Go driver has no list of hosts, so an application has such a function too.
func (g *Galera) DSN(params ...string) string { return g.dsn(false, params) }

// DSNAnywhere leads to another node with each connection.
func (g *Galera) DSNAnywhere(params ...string) string { return g.dsn(true, params) }

func (g *Galera) dsn(rotate bool, params []string) string {
	d := &dialer{rotate: rotate}
	for _, node := range g.Nodes {
		d.addrs = append(d.addrs, node.Addr())
	}
	name := fmt.Sprintf("galera%d", g.base)
	mysql.RegisterDialContext(name, d.dial)
	return fmt.Sprintf("app:%s@%s(cluster)/app?%s", g.Nodes[0].password, name, strings.Join(params, "&"))
}

func (d *dialer) dial(ctx context.Context, _ string) (net.Conn, error) {
	var last error
	first := d.first.Load()
	if d.rotate {
		first = d.first.Add(1)
	}
	for i := range d.addrs {
		at := (int(first) + i) % len(d.addrs)
		one := net.Dialer{Timeout: 300 * time.Millisecond}
		conn, err := one.DialContext(ctx, "tcp", d.addrs[at])
		if err == nil {
			err = greeted(conn)
		}
		if err == nil {
			if !d.rotate {
				d.first.Store(int64(at))
			}
			return conn, nil
		}
		last = err
	}
	return nil, last
}

// greeting is how long a server may take to speak, which is what it does first.
const greeting = 500 * time.Millisecond

// greeted waits for the server's greeting and leaves it in the connection; it
// closes one that stays silent.
func greeted(conn net.Conn) error {
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err == nil {
		_ = conn.SetReadDeadline(time.Now().Add(greeting))
		var peekErr error
		err = raw.Read(func(fd uintptr) bool {
			var n int
			n, _, peekErr = syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK)
			if n == 0 && peekErr == nil {
				peekErr = io.EOF
			}
			return !errors.Is(peekErr, syscall.EAGAIN)
		})
		err = errors.Join(err, peekErr)
		_ = conn.SetReadDeadline(time.Time{})
	}
	if err != nil {
		_ = conn.Close()
	}
	return err
}

// Conflicts is how often a node refused or ended a transaction because another
// node had changed the same row.
func (g *Galera) Conflicts() (n int) {
	g.t.Helper()
	for _, node := range g.Nodes {
		for _, name := range []string{"local_cert_failures", "local_bf_aborts"} {
			value, err := strconv.Atoi(node.wsrep(name))
			require.NoError(g.t, err)
			n += value
		}
	}
	return n
}
