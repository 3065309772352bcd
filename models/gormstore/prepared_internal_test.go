package gormstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
)

// standIn is a server in this process: it prepares nothing while refusal is set.
type standIn struct {
	refusal  uint16
	asked    int // to prepare
	prepared int // how many are
}

func (s *standIn) Connect(context.Context) (driver.Conn, error) { return standInConn{s}, nil }
func (s *standIn) Driver() driver.Driver                        { return nil }

type standInConn struct{ *standIn }

func (c standInConn) Close() error              { return nil }
func (c standInConn) Begin() (driver.Tx, error) { return nil, driver.ErrSkip }

// ExecContext is for statements that are not prepared.
func (c standInConn) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	return driver.RowsAffected(1), nil
}

func (c standInConn) Prepare(string) (driver.Stmt, error) {
	c.asked++
	if c.refusal != 0 {
		return nil, &mysql.MySQLError{Number: c.refusal}
	}
	c.prepared++
	return standInStmt(c), nil
}

type standInStmt struct{ *standIn }

func (s standInStmt) Close() error                              { s.prepared--; return nil }
func (s standInStmt) NumInput() int                             { return 0 }
func (s standInStmt) Query([]driver.Value) (driver.Rows, error) { return nil, driver.ErrSkip }
func (s standInStmt) Exec([]driver.Value) (driver.Result, error) {
	if s.refusal != 0 {
		return nil, &mysql.MySQLError{Number: s.refusal}
	}
	return driver.RowsAffected(1), nil
}

// onStandIn runs test in a bubble whose time is its own. send sends a hot statement,
// and waits until what it sets off is done.
func onStandIn(t *testing.T, test func(t *testing.T, server *standIn, p *preparingPool, send func(query string))) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := &standIn{}
		pool := sql.OpenDB(server)
		defer pool.Close()
		pool.SetMaxOpenConns(1)
		p := newPreparingPool(pool, []string{"a", "b"})
		test(t, server, p, func(query string) {
			_, err := p.ExecContext(t.Context(), query)
			require.NoError(t, err)
			synctest.Wait()
		})
	})
}

// A server that refuses is asked less and less often.
func TestPreparingPool_rests(t *testing.T) {
	t.Parallel()
	onStandIn(t, func(t *testing.T, server *standIn, _ *preparingPool, send func(string)) {
		server.refusal = errCannotBePrepared
		for range 24 * 60 * 60 { // a day, a statement a second
			send("a")
			time.Sleep(time.Second)
		}
		// After 1, 2, 4 … 512 s, which are 17 minutes, and then every ten minutes.
		require.Equal(t, 11+142, server.asked)

		server.refusal = 0
		time.Sleep(longestRest)
		send("a")
		require.Equal(t, 1, server.prepared)
	})
}

// One that has served long is prepared again soon.
func TestPreparingPool_forgets(t *testing.T) {
	t.Parallel()
	onStandIn(t, func(t *testing.T, server *standIn, _ *preparingPool, send func(string)) {
		for range 20 {
			send("a")
			require.Equal(t, 1, server.prepared)
			time.Sleep(longestRest)
			server.refusal = errUnknownStatement
			send("a")
			server.refusal = 0
			require.Zero(t, server.prepared, "it is closed")
			time.Sleep(firstRest)
		}
		require.Equal(t, 20, server.asked)
	})
}

// Too many: all are given back, and none is prepared for a good while.
func TestPreparingPool_tooMany(t *testing.T) {
	t.Parallel()
	onStandIn(t, func(t *testing.T, server *standIn, _ *preparingPool, send func(string)) {
		send("a")
		send("b")
		require.Equal(t, 2, server.prepared)
		server.refusal = errTooManyStatements
		send("b")
		server.refusal = 0
		require.Zero(t, server.prepared)
		time.Sleep(longestRest - time.Millisecond)
		send("a")
		require.Equal(t, 2, server.asked)
		time.Sleep(time.Millisecond)
		send("a")
		send("b")
		require.Equal(t, 2, server.prepared)
	})
}

// A statement in use is closed by who uses it last: nobody waits for anybody.
func TestPreparingPool_closesAfterTheLastUse(t *testing.T) {
	t.Parallel()
	onStandIn(t, func(t *testing.T, server *standIn, p *preparingPool, send func(string)) {
		send("a")
		h := p.hot["a"]
		first, second := h.take(), h.take()
		require.Same(t, first, second)
		p.tooMany()
		require.Nil(t, h.take())
		require.False(t, h.drop(first), "that was done")
		first.release()
		require.Equal(t, 1, server.prepared)
		second.release()
		require.Zero(t, server.prepared)
	})
}
