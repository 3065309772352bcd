//go:build faults

package faults_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/internal/testseed"
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
	random := testseed.Random(t)
	deaths := map[string]int{}
	begin := time.Now()
	for n := 0; n < kills && time.Since(begin) < 5*time.Minute; n++ {
		point := []string{"before", "after", "headers"}[n%3]
		spawn(t, "serve", childDSN+"="+m.DSN(m.Addr()), childAddr+"="+addr, fmt.Sprintf("%s=%s:%d", childDie, point, 1+random.IntN(8)))
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
	r.Print("F-24", "app killed at failpoints", stat("kills", total), stat("before", deaths["before"]), stat("after", deaths["after"]), stat("headers", deaths["headers"]))
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
func spawn(t *testing.T, what string, env ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$") //nolint:gosec // this very program
	cmd.Env = append(append(os.Environ(), childEnv+"="+what, "GOMAXPROCS=1"), env...)
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
			func(c *session.Config) { c.AccessTokenValidity = 10 * time.Minute })
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
	r := s.finish(crowd, "F-25", "rolling restart of 3 instances", false, apps, stat("restarts", restarts), stat("refused", crowd.Tally().Numbers().Refused))
	assert.Zero(t, r.Refused, "no instance refuses what another one issued")
}

// Sixteen processes start at once on an empty database, on each engine that is
// there.
func TestF26_ColdStartStampede(t *testing.T) {
	m := rig.StartMariaDB(t, "")
	stampede(t, "MariaDB", func(*testing.T) []string {
		m.Admin("DROP DATABASE app", "CREATE DATABASE app")
		return []string{childDSN + "=" + m.DSN(m.Addr())}
	})
	stampede(t, "SQLite", func(t *testing.T) []string {
		return []string{childEngine + "=sqlite", childDSN + "=" + filepath.Join(t.TempDir(), "sessions.db")}
	})
	if os.Getenv(testdb.EnvPostgres) == "" {
		t.Logf("%s is not set: not on PostgreSQL", testdb.EnvPostgres)
		return
	}
	stampede(t, "PostgreSQL", func(t *testing.T) []string {
		name := testdb.Postgres(t).Migrator().CurrentDatabase()
		return []string{childEngine + "=postgres", childDSN + "=" + os.Getenv(testdb.EnvPostgres), childDB + "=" + name}
	})
}

// stampede starts the processes, round after round; fresh makes an empty
// database and says where it is. It prints what it counted.
func stampede(t *testing.T, engine string, fresh func(*testing.T) []string) {
	t.Helper()
	const rounds, processes = 20, 16
	failed, most := 0, 0
	for round := range rounds {
		t.Run(fmt.Sprint(engine, round), func(t *testing.T) {
			env, outputs := fresh(t), make([]string, processes)
			var all sync.WaitGroup
			for i := range processes {
				all.Go(func() { outputs[i] = spawn(t, "cold", env...) })
			}
			all.Wait()
			sets := map[string]bool{}
			for _, output := range outputs {
				if _, key, ok := strings.Cut(output, "KEY "); ok {
					sets[key] = true
				} else {
					failed++
				}
			}
			most = max(most, len(sets))
		})
	}
	fmt.Printf("ROW F-26 %-34s rounds=%d processes=%d errors=%d key_sets=%d\n", "cold starts at once, empty "+engine, rounds, processes, failed, most)
	assert.Zero(t, failed)
	assert.Equal(t, 1, most, "all processes of a round sign with one key")
}
