//go:build faults

package faults_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Others take all connections that the server has.
func TestF09_TooManyConnections(t *testing.T) {
	s := setUp(t, setting{options: []string{"--max-connections=12"}, conns: 30})
	crowd := s.crowd()
	sleep(t.Context(), 4*time.Second)
	var hogs []*sql.Conn
	db := openRaw(t, s.db.DSN(s.db.Addr()))
	end := time.Now().Add(10 * time.Second)
	for time.Now().Before(end) {
		s.proxy.BreakAll() // the application must come back for new ones, and finds them taken
		hogs = append(hogs, hog(t, db)...)
		sleep(t.Context(), 300*time.Millisecond)
	}
	for _, conn := range hogs {
		_ = conn.Close()
	}
	require.NoError(t, db.Close())
	sleep(t.Context(), 4*time.Second)
	r := s.finish(crowd, "F-09", "too many connections for 10 s", false, nil, stat("taken", len(hogs)))
	assert.Less(t, r.Slowest, oneCall)
	assert.GreaterOrEqual(t, r.Unavailable, 200)
	assert.Greater(t, r.Stall, time.Second, "the fault happened")
}

// hog takes connections until the server has had none left for a while: those
// that were broken become free one after the other.
func hog(t *testing.T, db *sql.DB) (taken []*sql.Conn) {
	t.Helper()
	var refused time.Time
	for refused.IsZero() || time.Since(refused) < 200*time.Millisecond {
		conn, err := db.Conn(t.Context())
		switch {
		case err == nil:
			taken, refused = append(taken, conn), time.Time{}
		case refused.IsZero():
			refused = time.Now()
		}
	}
	return taken
}

func openRaw(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// One connection for everything, key rotation included.
func TestF10_PoolOfOne(t *testing.T) {
	s := setUp(t, setting{conns: 1, session: func(c *session.Config) { c.SigningKey.Rotation = 2 * time.Second }})
	crowd := s.crowd()
	sleep(t.Context(), 25*time.Second)
	r := s.finish(crowd, "F-10", "one connection, keys rotate every 2 s", false, nil, stat("keys", s.keys()))
	assert.GreaterOrEqual(t, s.keys(), 10, "keys rotated")
	assert.Less(t, r.Stall, time.Second, "something succeeds in every second")
}

// Another client locks a user's sessions in the opposite order of revoke-all, so
// that the server breaks deadlocks by failing one of the two.
func TestF11_DeadlockStorm(t *testing.T) {
	s := setUp(t, setting{})
	crowd := s.crowd()
	sleep(t.Context(), 2*time.Second)
	before, surfaced, rounds := s.status("Innodb_deadlocks"), 0, 0
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end) && s.status("Innodb_deadlocks")-before < 120; rounds++ {
		if !s.deadlock(fmt.Sprint("storm", rounds)) {
			surfaced++
		}
	}
	deadlocks := s.status("Innodb_deadlocks") - before
	s.finish(crowd, "F-11", "deadlock storm", false, nil, stat("deadlocks", deadlocks), stat("surfaced", surfaced))
	assert.GreaterOrEqual(t, deadlocks, 100)
	assert.Zero(t, surfaced)
}

// deadlock runs revoke-all against a transaction that takes the same rows the
// other way round, and reports whether revoke-all succeeded. The transaction is
// the bigger one, so that the server chooses revoke-all to fail.
func (s *stage) deadlock(user string) (ok bool) {
	s.t.Helper()
	var handles []string
	for range 6 {
		tokens, err := s.strict.Svc.Create(s.t.Context(), user)
		require.NoError(s.t, err)
		handles = append(handles, tokens.Session.Handle())
	}
	slices.Sort(handles)
	tx, err := s.admin.BeginTx(s.t.Context(), nil)
	require.NoError(s.t, err)
	defer func() { _ = tx.Rollback() }()
	touch := func(handle string) error {
		_, err := tx.ExecContext(s.t.Context(), "UPDATE auth_sessions SET user_agent = CONCAT('x', RAND()) WHERE handle = ?", handle)
		return err
	}
	_, err = tx.ExecContext(s.t.Context(), "INSERT INTO weight (b) SELECT seq FROM seq_1_to_50")
	require.NoError(s.t, err)
	require.NoError(s.t, touch(handles[5]))
	var revoked int
	var all sync.WaitGroup
	all.Go(func() { revoked, err = s.strict.Svc.RevokeAll(s.t.Context(), user) })
	sleep(s.t.Context(), 30*time.Millisecond) // revoke-all has the first five and waits for the last
	touched := touch(handles[0])
	_ = tx.Rollback()
	all.Wait()
	return touched == nil && err == nil && revoked == len(handles) || touched != nil && err == nil
}

func (s *stage) status(name string) int {
	s.t.Helper()
	var key, value string
	require.NoError(s.t, s.admin.QueryRowContext(s.t.Context(), "SHOW GLOBAL STATUS LIKE '"+name+"'").Scan(&key, &value))
	n, err := strconv.Atoi(value)
	require.NoError(s.t, err)
	return n
}

// Somebody sits on rows of sessions for seconds.
func TestF12_LockWait(t *testing.T) {
	s := setUp(t, setting{options: []string{"--innodb-lock-wait-timeout=1"}})
	crowd := s.crowd()
	sleep(t.Context(), 3*time.Second)
	for range 4 {
		s.holdRows(10, 3*time.Second)
		sleep(t.Context(), 500*time.Millisecond)
	}
	sleep(t.Context(), 3*time.Second)
	r := s.finish(crowd, "F-12", "10 session rows locked 3 s, 4 times", false, nil)
	assert.Less(t, r.Stall, time.Second, "other sessions go on")
	assert.Less(t, r.Slowest, twoCalls)
}

// holdRows locks rows of live sessions, then lets go.
func (s *stage) holdRows(rows int, d time.Duration) {
	s.t.Helper()
	tx, err := s.admin.BeginTx(s.t.Context(), nil)
	require.NoError(s.t, err)
	_, err = tx.ExecContext(s.t.Context(), fmt.Sprintf("UPDATE auth_sessions SET user_agent = CONCAT('h', RAND()) WHERE handle IN "+
		"(SELECT handle FROM (SELECT handle FROM auth_sessions WHERE revoked_at = 0 ORDER BY RAND() LIMIT %d) AS some)", rows))
	if err == nil {
		sleep(s.t.Context(), d)
	}
	_ = tx.Rollback()
}

// The application gives up on a statement that waits for a lock; the server
// may carry it out when the lock is released.
func TestF13_AbandonedStatement(t *testing.T) {
	s := setUp(t, setting{session: func(c *session.Config) { c.OperationTimeout = 300 * time.Millisecond }})
	crowd := s.crowd()
	sleep(t.Context(), 3*time.Second)
	for end := time.Now().Add(90 * time.Second); time.Now().Before(end) && crowd.Tally().Numbers().Unavailable < 210; {
		s.holdRows(15, 500*time.Millisecond)
		sleep(t.Context(), 100*time.Millisecond)
	}
	sleep(t.Context(), 3*time.Second)
	r := s.finish(crowd, "F-13", "statements abandoned under a lock", false, nil, stat("abandoned", crowd.Tally().Numbers().Unavailable))
	assert.GreaterOrEqual(t, r.Unavailable, 200)
}

func TestF14_ReadOnly(t *testing.T) {
	s := setUp(t, setting{})
	crowd := s.crowd()
	sleep(t.Context(), 4*time.Second)
	s.db.Admin("SET GLOBAL read_only = 1")
	sleep(t.Context(), 12*time.Second)
	s.db.Admin("SET GLOBAL read_only = 0")
	sleep(t.Context(), 5*time.Second)
	r := s.finish(crowd, "F-14", "read-only for 12 s", false, nil)
	assert.Positive(t, r.Unavailable)
	assert.Zero(t, r.StatelessFailed)
}

// The disk of the server is full, on a file system of its own.
func TestF15_DiskFull(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to mount a tmpfs")
	}
	dir, err := os.MkdirTemp("", "kit-full") //nolint:usetesting // unmounted before it is removed
	require.NoError(t, err)
	require.NoError(t, syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=200m"))
	t.Cleanup(func() {
		assert.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH))
		assert.NoError(t, os.RemoveAll(dir))
	})
	s := setUp(t, setting{dir: dir})
	crowd := s.crowd()
	sleep(t.Context(), 3*time.Second)
	filler := filepath.Join(dir, "filler")
	fill(t, filler)
	ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
	defer cancel()
	stored, refused := s.grow(ctx)
	require.NoError(t, os.Remove(filler))
	died := s.db.Ended() // a server that cannot write its log ends itself
	if died {
		s.db.Start()
	}
	sleep(t.Context(), 5*time.Second)
	row, handles := s.admin.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM auth_sessions WHERE user_id = 'glutton'"), 0
	require.NoError(t, row.Scan(&handles))
	require.GreaterOrEqual(t, handles, stored, "no acknowledged sign-in is missing")
	require.LessOrEqual(t, handles, stored+refused)
	r := s.finish(crowd, "F-15", "disk full for 12 s", false, nil, stat("refused_inserts", refused), stat("server_died", died))
	assert.Zero(t, r.StatelessFailed)
	assert.Positive(t, refused)
	s.checkTable()
}

// grow signs in with as much data as is allowed, so that the table must grow,
// until ctx ends.
func (s *stage) grow(ctx context.Context) (stored, refused int) {
	data := strings.Repeat("x", 60_000)
	for ctx.Err() == nil {
		_, err := s.strict.Svc.Create(s.t.Context(), "glutton", session.WithData(data))
		if err == nil {
			stored++
			continue
		}
		require.ErrorIs(s.t, err, errors.ErrUnavailable)
		refused++
		sleep(ctx, 100*time.Millisecond)
	}
	return stored, refused
}

func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path) //nolint:gosec // below a directory of our own
	require.NoError(t, err)
	defer f.Close()
	block := make([]byte, 64<<10)
	for {
		if _, err := f.Write(block); err != nil {
			return
		}
	}
}

func (s *stage) checkTable() {
	s.t.Helper()
	s.db.Kill()
	s.db.Start()
	var table, op, kind, message string
	row := s.admin.QueryRowContext(s.t.Context(), "CHECK TABLE auth_sessions EXTENDED")
	require.NoError(s.t, row.Scan(&table, &op, &kind, &message))
	require.Equal(s.t, "OK", message)
}

// Rows go back by generations under load, as after a failover that lost commits.
func TestF23_RowsRolledBack(t *testing.T) {
	s := setUp(t, setting{})
	crowd := rig.StartCrowd(t, rig.CrowdConfig{ // strict: see the model's note on windows and lost commits
		Browsers: 40, Tabs: 3, Loss: 0.16, NoSignOut: true, Strict: []string{s.strict.URL},
	})
	rolled, compared := 0, 0
	for range 3 {
		sleep(t.Context(), 1500*time.Millisecond)
		_, err := s.admin.ExecContext(t.Context(), "CREATE OR REPLACE TABLE past AS SELECT handle AS h, refresh_cur_hash AS c, refresh_prev_hash AS p, "+
			"refresh_cur_iat AS i, refresh_gen AS g FROM auth_sessions WHERE revoked_at = 0")
		require.NoError(t, err)
		sleep(t.Context(), 6*time.Second) // two or three generations
		result, err := s.admin.ExecContext(t.Context(), "UPDATE auth_sessions JOIN past ON handle = h SET refresh_cur_hash = c, "+
			"refresh_prev_hash = p, refresh_cur_iat = i, refresh_gen = g WHERE refresh_gen > g AND revoked_at = 0")
		require.NoError(t, err)
		n, err := result.RowsAffected()
		require.NoError(t, err)
		rolled += int(n)
		for range 20 { // as the rows catch up
			sleep(t.Context(), 100*time.Millisecond)
			compared += crowd.CompareLineages(t, s.store)
		}
	}
	sleep(t.Context(), 4*time.Second)
	r := s.finish(crowd, "F-23", "rows rolled back by generations", false, nil, stat("rolled_back", rolled), stat("compared", compared))
	assert.Positive(t, compared)
	assert.Positive(t, r.Behind)
	assert.LessOrEqual(t, r.Behind, rolled)
}
