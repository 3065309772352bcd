package gormstore_test

import (
	"bytes"
	"context"
	"net"
	"sync/atomic"
	"testing"

	driver "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// lossy connects to the real server and loses the answer to the statements that
// begin with a word: the server carries them out, the client sees the
// connection break.
type lossy struct {
	word  string
	times atomic.Int32 // how many more
	lost  atomic.Int32
}

type lossyConn struct {
	net.Conn
	plan    *lossy
	tripped bool
}

func (c *lossyConn) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(c.plan.word)) && c.plan.times.Add(-1) >= 0 {
		c.tripped = true
	}
	return c.Conn.Write(p)
}

func (c *lossyConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p) // the answer has come, so the statement is done
	if c.tripped && n > 0 {
		c.plan.lost.Add(1)
		_ = c.Close()
		return 0, net.ErrClosed
	}
	return n, err
}

// openLossy returns a store on dsn that loses the next answers to statements
// with the word in them.
func openLossy(t *testing.T, dsn, word string, times int32) (*gormstore.Store, *lossy) {
	t.Helper()
	plan := &lossy{word: word}
	config, err := driver.ParseDSN(dsn)
	require.NoError(t, err)
	config.InterpolateParams = true // one packet each, with the statement in it
	config.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return &lossyConn{Conn: conn, plan: plan}, err
	}
	config.Logger = &driver.NopLogger{}
	connector, err := driver.NewConnector(config)
	require.NoError(t, err)
	db, err := gorm.Open(mysql.New(mysql.Config{DSNConfig: config, Conn: poolOf(t, connector)}), &gorm.Config{Logger: logger.Discard})
	require.NoError(t, err)
	newStore(t, db)
	// Executing what is prepared does not say what; see TestPrepared_answerIsLost.
	store, err := gormstore.New(db, gormstore.Config{Unprepared: true})
	require.NoError(t, err)
	plan.times.Store(times)
	return store, plan
}

// An insert is sent again, and finds its own row.
func TestInsertWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	store, plan := openLossy(t, testdb.MySQLDSN(t), "INSERT INTO `auth_sessions`", 2)
	row := newRow("asked for twice")
	require.NoError(t, store.Insert(t.Context(), &row))
	require.EqualValues(t, 2, plan.lost.Load())
	found, err := store.Find(t.Context(), row.Handle)
	require.NoError(t, err)
	require.Equal(t, &row, found)

	// The same handle with anything else is somebody else's.
	for name, change := range map[string]func(*models.Session){
		"user": func(r *models.Session) { r.UserID = "another" },
		"hash": func(r *models.Session) { r.Lineage.Current = hashOf("another") },
	} {
		other := row
		change(&other)
		plan.times.Store(1)
		require.ErrorIs(t, store.Insert(t.Context(), &other), errors.ErrDuplicate, name)
	}
}

// SM-03: a transition is not, because it would fail the second time. Who calls
// reads the row and sees what has happened.
func TestTransitionWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	store, plan := openLossy(t, testdb.MySQLDSN(t), "UPDATE `auth_sessions`", 0)
	row := newRow("moved on")
	require.NoError(t, store.Insert(t.Context(), &row))
	plan.times.Store(1)
	next := step(row, "next")
	won, err := store.Advance(t.Context(), next)
	require.ErrorIs(t, err, errors.ErrUnavailable)
	require.False(t, won)
	require.EqualValues(t, 1, plan.lost.Load(), "sent once")

	found, err := store.Find(t.Context(), row.Handle)
	require.NoError(t, err)
	require.Equal(t, next.To, found.Lineage.Current)
}

// A read whose connection broke is the caller's to repeat, too.
func TestReadWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	store, plan := openLossy(t, testdb.MySQLDSN(t), "SELECT handle", 1)
	_, err := store.Find(t.Context(), "x")
	require.ErrorIs(t, err, errors.ErrUnavailable)
	require.EqualValues(t, 1, plan.lost.Load())
	found, err := store.Find(t.Context(), "x")
	require.NoError(t, err)
	require.Nil(t, found)
}
