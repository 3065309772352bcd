//go:build faults

package faults_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/session"
)

// kills is how often the application is killed.
const kills = 500

// The application kills itself before a statement, after it, or between an
// answer's headers and its body.
func TestF24_AppKilledAtFailpoints(t *testing.T) {
	m := rig.StartMariaDB(t, "", "--innodb-flush-log-at-trx-commit=1")
	db := rig.OpenMySQL(t, m.DSN(m.Addr()), pool)
	store := rig.Migrated(t, db)
	addr := reserve(t)
	baseline := rig.TakeBaseline()
	crowd := rig.StartCrowd(t, rig.CrowdConfig{
		Browsers: 30, Tabs: 2, Loss: 0.05, Thieves: 0.15, Pace: 60 * time.Millisecond, Eager: 0.2,
		Strict: []string{"https://" + addr},
	})
	deaths := map[string]int{}
	begin := time.Now()
	for n := 0; n < kills && time.Since(begin) < 5*time.Minute; n++ {
		point := []string{"before", "after", "headers"}[n%3]
		spawn(t, "serve", m.DSN(m.Addr()), addr, fmt.Sprintf("%s:%d", point, 1+rand.IntN(8)))
		deaths[point]++
	}
	total := deaths["before"] + deaths["after"] + deaths["headers"]
	listener, err := net.Listen("tcp", addr) //nolint:noctx // closed with the server
	require.NoError(t, err)
	ledger := &rig.Ledger{}
	app, err := rig.Start(t.Context(), store, rig.AppConfig{Session: childConfig(), Listener: listener, Ledger: ledger})
	require.NoError(t, err)
	sleep(t.Context(), 2*time.Second)
	r := crowd.Check(t, store, ledger, false)
	app.Close()
	closePool(t, db)
	baseline.Check(t)
	r.Print("F-24", "app killed at failpoints", stat("kills", total), stat("points", deaths))
	assert.Equal(t, kills, total)
}

// reserve is an address that nobody listens on.
func reserve(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// spawn runs a child until it is dead, and returns its output.
func spawn(t *testing.T, what, dsn, addr, die string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$") //nolint:gosec // this very program
	cmd.Env = append(os.Environ(), childEnv+"="+what, childDSN+"="+dsn, childAddr+"="+addr, childDie+"="+die, "GOMAXPROCS=1")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if what == "serve" {
		require.ErrorContains(t, err, "killed", "%s", out.String())
		return ""
	}
	assert.NoError(t, err, "%s", out.String())
	return out.String()
}

// Three instances, one restarted every three seconds.
func TestF25_RollingRestart(t *testing.T) {
	s := setUp(t, setting{})
	var apps []*rig.App
	var urls []string
	launch := func(addr string) *rig.App {
		listener, err := net.Listen("tcp", addr) //nolint:noctx // closed with the server
		require.NoError(t, err)
		return s.start(setting{app: func(c *rig.AppConfig) { c.Listener = listener }},
			func(c *session.Config) { c.AccessTokenValidity = 2 * time.Second })
	}
	for range 3 {
		app := launch("127.0.0.1:0")
		apps, urls = append(apps, app), append(urls, app.URL)
	}
	crowd := rig.StartCrowd(t, rig.CrowdConfig{Strict: urls, Eager: 0.05})
	restarts := 0
	for i := range 9 {
		sleep(t.Context(), 3*time.Second)
		apps[i%3].Crash()
		apps[i%3] = launch(strings.TrimPrefix(urls[i%3], "https://"))
		restarts++
	}
	sleep(t.Context(), 2*time.Second)
	s.finishAfter(crowd, "F-25", "rolling restart of 3 instances", apps, stat("restarts", restarts))
}

// finishAfter is finish for a crowd of instances of its own.
func (s *stage) finishAfter(crowd *rig.Crowd, id, what string, apps []*rig.App, extra ...string) rig.Result {
	s.t.Helper()
	r := crowd.Check(s.t, s.store, s.ledger, false)
	for _, app := range append(apps, s.strict, s.window) {
		app.Close()
	}
	closePool(s.t, s.pool)
	s.baseline.Check(s.t)
	r.Print(id, what, extra...)
	return r
}

// Sixteen processes start at once on an empty database.
func TestF26_ColdStartStampede(t *testing.T) {
	m := rig.StartMariaDB(t, "")
	const rounds, processes = 10, 16
	for round := range rounds {
		m.Admin("DROP DATABASE app", "CREATE DATABASE app")
		keys := make([]string, processes)
		var all sync.WaitGroup
		for i := range processes {
			all.Go(func() { _, keys[i], _ = strings.Cut(spawn(t, "cold", m.DSN(m.Addr()), "", ""), "KEY ") })
		}
		all.Wait()
		for _, key := range keys {
			require.Equal(t, keys[0], key, "round %d: two keys", round)
		}
		require.NotEmpty(t, keys[0])
	}
	fmt.Printf("ROW F-26 16 cold starts on an empty database    rounds=%d processes=%d errors=0 key_sets=1 each\n", rounds, processes)
}
