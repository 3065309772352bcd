package gormstore_test

import (
	"database/sql"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/plugin/dbresolver"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// hotStatements sends each of the five once, and looks at what they do.
func hotStatements(store *gormstore.Store, name string) []func(*testing.T) {
	row := placedRow(store, name)
	first := step(row, "second of "+name)
	second := first
	second.From, second.Previous, second.ExpectPrevious = first.To, first.To, first.Previous
	second.To, second.Generation = hashOf("third of "+name), first.Generation+1
	won := func(t *testing.T, ok bool, err error) {
		t.Helper()
		require.NoError(t, err)
		require.True(t, ok)
	}
	return []func(*testing.T){
		func(t *testing.T) { require.NoError(t, store.Insert(t.Context(), &row)) },
		func(t *testing.T) {
			found, err := store.Find(t.Context(), row.Handle)
			require.NoError(t, err)
			require.Equal(t, &row, found)
		},
		func(t *testing.T) { ok, err := store.Advance(t.Context(), first); won(t, ok, err) },
		func(t *testing.T) { ok, err := store.Advance(t.Context(), second); won(t, ok, err) },
		func(t *testing.T) {
			ok, err := store.Extend(t.Context(), models.Extend{
				Handle: row.Handle, Current: second.To, ExpiresAt: now + 50*hour, Now: now,
			})
			won(t, ok, err)
		},
	}
}

func sendHot(t *testing.T, store *gormstore.Store, handle string) {
	t.Helper()
	for _, send := range hotStatements(store, handle) {
		send(t)
	}
}

// eightSendHot sends the hot statements so many times from each of eight callers.
func eightSendHot(t *testing.T, store *gormstore.Store, times int) {
	t.Helper()
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for j := range times {
				sendHot(t, store, fmt.Sprint(i, j))
			}
		})
	}
	group.Wait()
}

// warm sends the hot statements until all are prepared.
func warm(t *testing.T, store *gormstore.Store) {
	t.Helper()
	sendHot(t, store, "warm-up")
	require.Eventually(t, func() bool { return store.Prepared() == 5 }, 10*time.Second, time.Millisecond)
}

// oneConnection makes a pool in which all that was prepared is prepared.
func oneConnection(t *testing.T, db *gorm.DB) {
	t.Helper()
	pool, err := db.DB()
	require.NoError(t, err)
	pool.SetMaxOpenConns(1)
}

// What the driver does by itself is two round trips and a message.
func TestPrepared_roundTrips(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"by default": {"execute"},
		"unprepared": {"prepare", "execute", "close"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, db := throughRelay(t)
			oneConnection(t, db)
			newStore(t, db)
			store, err := gormstore.New(db, gormstore.Config{Unprepared: name == "unprepared"})
			require.NoError(t, err)
			if name == "unprepared" {
				sendHot(t, store, "warm-up")
				require.Equal(t, -1, store.Prepared())
			} else {
				warm(t, store)
			}
			pool, err := db.DB()
			require.NoError(t, err)
			require.NoError(t, pool.PingContext(t.Context())) // what comes before has arrived
			for i, send := range hotStatements(store, "counted") {
				got := r.during(func() {
					send(t)
					require.NoError(t, pool.PingContext(t.Context()))
				})
				require.Equal(t, append(slices.Clip(want), "ping"), got, "statement %d", i)
			}
		})
	}
}

// refusals are the errors that say a statement must not be prepared.
var refusals = []uint16{1210, 1243, 1295, 1461, 1615}

// A proxy that takes no prepared statement at all, as far as it goes today: with
// interpolateParams the driver prepares none by itself. It is asked once for each.
func TestPrepared_refusedAlways(t *testing.T) {
	t.Parallel()
	for _, number := range append(refusals, 1047, 1235) {
		t.Run(fmt.Sprint(number), func(t *testing.T) {
			t.Parallel()
			r, db := throughRelay(t, "interpolateParams=true")
			store := newStore(t, db)
			r.tell(func(r *relay) {
				r.seen = nil
				r.refuse = func(command byte) uint16 {
					if command == comStmtPrepare {
						return number
					}
					return 0
				}
			})
			for i := range 20 {
				sendHot(t, store, fmt.Sprint(i))
			}
			require.Zero(t, store.Prepared())
			require.LessOrEqual(t, r.count(comStmtPrepare), 10, "each rests for a second or more")
			require.Zero(t, r.count(comStmtExecute))
		})
	}
}

// A server or a proxy that has taken them and will no longer, in mid-flight.
func TestPrepared_refusedLater(t *testing.T) {
	t.Parallel()
	for _, number := range refusals {
		t.Run(fmt.Sprint(number), func(t *testing.T) {
			t.Parallel()
			r, db := throughRelay(t, "interpolateParams=true")
			store := newStore(t, db)
			warm(t, store)
			r.tell(func(r *relay) {
				r.seen = nil
				r.refuse = func(command byte) uint16 {
					if command == comStmtExecute || command == comStmtPrepare {
						return number
					}
					return 0
				}
			})
			for i := range 20 {
				sendHot(t, store, fmt.Sprint(i))
			}
			require.LessOrEqual(t, r.count(comStmtExecute), 5, "each is told once")
			require.LessOrEqual(t, r.count(comStmtPrepare), 10)
			r.allClosed(t)
		})
	}
}

// The driver prepares as ever then, in the way that the server takes.
func TestPrepared_refusedOnce(t *testing.T) {
	t.Parallel()
	for _, command := range []byte{comStmtExecute, comStmtPrepare} {
		for _, number := range refusals {
			t.Run(fmt.Sprint(commandNames[command], number), func(t *testing.T) {
				t.Parallel()
				r, db := throughRelay(t)
				store := newStore(t, db)
				warm(t, store)
				if command == comStmtPrepare { // on a further connection
					pool, err := db.DB()
					require.NoError(t, err)
					pool.SetMaxIdleConns(0)
					pool.SetMaxIdleConns(2)
				}
				for i, send := range hotStatements(store, "refused") {
					once := true
					r.tell(func(r *relay) {
						r.refuse = func(c byte) uint16 {
							if c == command && once {
								once = false
								return number
							}
							return 0
						}
					})
					send(t)
					r.tell(func(*relay) {
						require.False(t, once && command == comStmtExecute, "statement %d met no refusal", i)
					})
				}
				sendHot(t, store, "afterwards")
			})
		}
	}
}

// The server itself, which has really forgotten.
func TestPrepared_forgotten(t *testing.T) {
	t.Parallel()
	r, db := throughRelay(t, "interpolateParams=true")
	store := newStore(t, db)
	warm(t, store)
	r.tell(func(r *relay) { r.forget, r.seen = true, nil })
	for i := range 20 {
		sendHot(t, store, fmt.Sprint(i))
	}
	require.Less(t, r.count(comStmtExecute), 20)
	require.NotZero(t, r.count(comStmtExecute))
	r.tell(func(r *relay) { r.forget = false })
	require.Eventually(t, func() bool {
		_, err := store.Find(t.Context(), "0")
		require.NoError(t, err)
		return store.Prepared() > 0
	}, 20*time.Second, 10*time.Millisecond, "it is tried again")
}

// A server whose max_prepared_stmt_count is reached: the store gives back what it has,
// and goes on like the application, a statement at a time.
func TestPrepared_tooMany(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 2, 3, 5} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			t.Parallel()
			r, db := throughRelay(t)
			oneConnection(t, db)
			store := newStore(t, db)
			r.tell(func(r *relay) { r.limit = limit })
			for i := range 10 {
				sendHot(t, store, fmt.Sprint(i))
			}
			// One that is not kept prepared, which the driver prepares.
			_, err := store.List(t.Context(), models.SessionsOfUser{UserID: "user", Now: now})
			require.NoError(t, err)
			r.allClosed(t)
			pool, err := db.DB()
			require.NoError(t, err)
			for range limit {
				stmt, err := pool.PrepareContext(t.Context(), "SELECT 1")
				require.NoError(t, err)
				defer stmt.Close()
			}
			r.tell(func(r *relay) { r.limit, r.seen = 0, nil })
			sendHot(t, store, "the limit is gone")
			require.Zero(t, store.Prepared(), "for a good while")
		})
	}
}

// A deploy: the next version of the program adds columns while this one runs.
func TestPrepared_tableIsAltered(t *testing.T) {
	t.Parallel()
	r, db := throughRelay(t)
	oneConnection(t, db)
	store := newStore(t, db)
	warm(t, store)
	for i, change := range []string{
		"ALTER TABLE auth_sessions ADD COLUMN later INT NOT NULL DEFAULT 7",
		"ALTER TABLE auth_sessions ADD COLUMN first VARCHAR(20) NOT NULL DEFAULT 'x' FIRST, ADD INDEX later (later)",
		"ALTER TABLE auth_sessions MODIFY COLUMN later BIGINT NOT NULL DEFAULT 8, ALGORITHM=COPY",
		"ALTER TABLE auth_sessions DROP COLUMN first, DROP COLUMN later",
	} {
		rawExec(t, db, change)
		sendHot(t, store, fmt.Sprint(i))
		require.NoError(t, store.Migrate(t.Context()))
	}
	require.Equal(t, 5, store.Prepared())
	require.Equal(t, []string{"execute"}, r.during(func() {
		_, err := store.Find(t.Context(), "0")
		require.NoError(t, err)
	}))
	rawExec(t, db, "RENAME TABLE auth_sessions TO gone")
	_, err := store.Find(t.Context(), "0")
	require.ErrorIs(t, err, errors.ErrSchema)
	rawExec(t, db, "RENAME TABLE gone TO auth_sessions")
	sendHot(t, store, "back again")
}

// What becomes of a statement whose answer is lost is as unknown as without preparing;
// see TestTransitionWhoseAnswerIsLost.
func TestPrepared_answerIsLost(t *testing.T) {
	t.Parallel()
	r, db := throughRelay(t)
	oneConnection(t, db)
	store := newStore(t, db)
	warm(t, store)
	lose := func(n int) { r.tell(func(r *relay) { r.lose, r.seen = n, nil }) }

	row := newRow("moved on")
	lose(2)
	require.NoError(t, store.Insert(t.Context(), &row), "it is sent again, and finds its own row")
	require.Equal(t, 4, r.count(comStmtExecute), "three inserts, and a look at the row")

	next := step(row, "next")
	lose(1)
	won, err := store.Advance(t.Context(), next)
	require.ErrorIs(t, err, errors.ErrUnavailable)
	require.False(t, won)
	require.Equal(t, 1, r.count(comStmtExecute), "sent once")

	lose(1)
	_, err = store.Find(t.Context(), row.Handle)
	require.ErrorIs(t, err, errors.ErrUnavailable)
	require.Equal(t, 1, r.count(comStmtExecute))
	found, err := store.Find(t.Context(), row.Handle)
	require.NoError(t, err)
	require.Equal(t, next.To, found.Lineage.Current)
	require.Equal(t, 5, store.Prepared(), "a new connection has them, too")
}

// Nobody waits for a server that takes its time to prepare.
func TestPrepared_nobodyWaits(t *testing.T) {
	t.Parallel()
	r, db := throughRelay(t, "interpolateParams=true")
	store := newStore(t, db)
	held := make(chan struct{})
	r.tell(func(r *relay) { r.held, r.seen = held, nil })
	eightSendHot(t, store, 5)
	require.Zero(t, store.Prepared())
	require.LessOrEqual(t, r.count(comStmtPrepare), 5, "one at a time for each")
	close(held)
	warm(t, store)
}

// A caller's context ends what it waits for, and nothing else.
func TestPrepared_contextEnds(t *testing.T) {
	t.Parallel()
	_, db := throughRelay(t)
	oneConnection(t, db)
	store := newStore(t, db)
	warm(t, store)
	pool, err := db.DB()
	require.NoError(t, err)
	insertOutOfTime(t, pool, store)
	require.Equal(t, 5, store.Prepared())
	sendHot(t, store, "in time")
}

// Connections come and go all the time, as with Go's default of two idle ones.
func TestPrepared_connectionsComeAndGo(t *testing.T) {
	t.Parallel()
	r, db := throughRelay(t)
	pool, err := db.DB()
	require.NoError(t, err)
	pool.SetMaxIdleConns(1)
	store := newStore(t, db)
	warm(t, store)
	eightSendHot(t, store, 20)
	require.Equal(t, 5, store.Prepared())
	pool.SetMaxIdleConns(0)
	r.allClosed(t) // with their connections
}

// A Store has no Close. What it has prepared goes when it does.
func TestPrepared_storeIsGarbage(t *testing.T) {
	t.Parallel()
	r, db := throughRelay(t)
	oneConnection(t, db)
	for range 3 {
		warmed := newStore(t, db)
		sendHot(t, warmed, fmt.Sprintf("%p", warmed))
	}
	require.Eventually(t, func() bool {
		runtime.GC()
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.open == 0
	}, 10*time.Second, 10*time.Millisecond)
}

// ownPool is an application's way to look at statements.
type ownPool struct{ gorm.ConnPool }

func (p ownPool) GetDBConn() (*sql.DB, error) { return p.ConnPool.(*sql.DB), nil }

// What stands between GORM and the pool is the application's and stays there.
func TestPrepared_onlyOnBarePools(t *testing.T) {
	t.Parallel()
	own := testdb.MySQL(t)
	own.Statement.ConnPool = ownPool{own.Statement.ConnPool}
	for name, db := range map[string]*gorm.DB{
		"PrepareStmt": testdb.MySQL(t).Session(&gorm.Session{PrepareStmt: true}),
		"own pool":    own,
		"sqlite":      openSQLite(t),
	} {
		store := newStore(t, db)
		require.Equal(t, -1, store.Prepared(), name)
		sendHot(t, store, "h")
	}
	t.Run("dbresolver", func(t *testing.T) {
		t.Parallel()
		db, source := testdb.MySQL(t), testdb.MySQL(t)
		require.NoError(t, db.Use(dbresolver.Register(dbresolver.Config{
			Sources: []gorm.Dialector{dialectorOf(t, source)},
		})))
		store := newStore(t, db)
		sendHot(t, store, "h")
		require.Zero(t, store.Prepared())
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, -1, newStore(t, testdb.Postgres(t)).Prepared())
	})
}

// Loggers, plugins and callbacks see the statements as before.
func TestPrepared_isBeneathGORM(t *testing.T) {
	t.Parallel()
	db := testdb.MySQL(t)
	var seen []string
	note := func(tx *gorm.DB) { seen = append(seen, tx.Statement.SQL.String()) }
	require.NoError(t, db.Callback().Raw().After("gorm:raw").Register("noted", note))
	require.NoError(t, db.Callback().Row().After("gorm:row").Register("noted", note))
	store := newStore(t, db)
	warm(t, store)
	seen = nil
	sendHot(t, store, "seen")
	require.Len(t, seen, 5)
	pool, err := db.DB()
	require.NoError(t, err)
	require.NoError(t, pool.PingContext(t.Context()), "the pool is still GORM's")
}
