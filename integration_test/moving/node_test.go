//go:build moving

package moving_test

import (
	"bufio"
	"database/sql"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	importrefjwt "github.com/gin-sessionkit/sessionkit/contrib/import-refjwt"
	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/session"
)

// accessSeconds is how long access tokens of either back end live.
const accessSeconds = 2

var importKey = []byte("the import key of the tests, which is in no database")

// move is an application behind one address, whose back end can be replaced.
type move struct {
	t     *testing.T
	dsn   *mysql.Config
	node  *exec.Cmd
	front *httptest.Server
	// back is who answers; nil breaks connections, as while a server is replaced.
	back   atomic.Pointer[http.Handler]
	pool   *gorm.DB
	raw    *sql.DB
	store  session.Store
	ledger *rig.Ledger
	apps   []*rig.App
	sunset time.Time
}

// newMove starts the application on the Node library.
func newMove(t *testing.T) *move {
	t.Helper()
	dsn, err := mysql.ParseDSN(testdb.MySQLDSN(t))
	require.NoError(t, err)
	m := &move{t: t, dsn: dsn, ledger: &rig.Ledger{}, sunset: time.Now().Add(time.Hour)}
	m.front = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		back := m.back.Load()
		if back == nil {
			panic(http.ErrAbortHandler)
		}
		(*back).ServeHTTP(w, r)
	}))
	t.Cleanup(m.front.Close)
	m.startNode()
	return m
}

func (m *move) startNode() {
	m.t.Helper()
	host, port, _ := strings.Cut(m.dsn.Addr, ":")
	cmd := exec.CommandContext(m.t.Context(), "node", "node/server.js")
	cmd.Env = append(os.Environ(), "NODE_ENV=production", "TEST_MODE=testing", // access tokens of less than ten seconds
		"DB_HOST="+host, "DB_PORT="+port, "DB_USER="+m.dsn.User, "DB_PASSWORD="+m.dsn.Passwd, "DB_NAME="+m.dsn.DBName,
		"ACCESS_SECONDS=2")
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	require.NoError(m.t, err)
	require.NoError(m.t, cmd.Start())
	m.node = cmd
	m.t.Cleanup(m.killNode)
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	require.NoError(m.t, err, "node did not start")
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "listening ")
	require.True(m.t, ok, line)
	go io.Copy(io.Discard, lines) //nolint:errcheck // a pipe that nobody reads would stop it
	m.serve(m.proxyTo(addr))
}

// proxyTo passes requests on; a back end that is gone breaks the client's connection.
func (m *move) proxyTo(addr string) http.Handler {
	target := &url.URL{Scheme: "http", Host: addr}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
		},
		Transport:    &http.Transport{MaxIdleConnsPerHost: 256},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
}

func (m *move) serve(back http.Handler) { m.back.Store(&back) }

func (m *move) killNode() {
	if m.node.ProcessState == nil {
		_ = m.node.Process.Kill()
		_ = m.node.Wait()
	}
}

// prepare starts the new back end, two instances of it, beside the old one.
func (m *move) prepare() {
	m.t.Helper()
	m.pool = rig.OpenMySQL(m.t, m.dsn.FormatDSN(), 20)
	m.store = rig.Migrated(m.t, m.pool)
	raw, err := sql.Open("mysql", m.dsn.FormatDSN())
	require.NoError(m.t, err)
	m.t.Cleanup(func() { _ = raw.Close() })
	m.raw = raw
	for range 2 {
		importer, err := importrefjwt.New(m.t.Context(), raw, importrefjwt.Config{})
		require.NoError(m.t, err)
		cfg := session.Config{
			AccessTokenValidity: accessSeconds * time.Second, RefreshTokenValidity: 24 * time.Hour, Leeway: session.Off,
			Import: session.ImportConfig{From: importer, Key: importKey, Sunset: m.sunset},
		}
		app, err := rig.New(m.t.Context(), m.store, rig.AppConfig{Ledger: m.ledger, Session: cfg})
		require.NoError(m.t, err)
		m.t.Cleanup(app.Close)
		m.apps = append(m.apps, app)
	}
}

// change kills the old back end in the middle of what it does, and lets the new one
// answer.
func (m *move) change() {
	m.back.Store(nil)
	m.killNode()
	var turn atomic.Int64
	m.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.apps[turn.Add(1)%int64(len(m.apps))].Router.ServeHTTP(w, r)
	}))
}

func (m *move) importer() *importrefjwt.Importer {
	m.t.Helper()
	importer, err := importrefjwt.New(m.t.Context(), m.raw, importrefjwt.Config{})
	require.NoError(m.t, err)
	return importer
}

// exec runs a statement as the operator would.
func (m *move) exec(statement string) {
	m.t.Helper()
	db, err := sql.Open("mysql", m.dsn.FormatDSN())
	require.NoError(m.t, err)
	defer db.Close()
	_, err = db.ExecContext(m.t.Context(), statement)
	require.NoError(m.t, err)
}

func (m *move) rows(table string) (n int) {
	m.t.Helper()
	require.NoError(m.t, m.raw.QueryRowContext(m.t.Context(), "SELECT COUNT(*) FROM "+table).Scan(&n))
	return n
}
