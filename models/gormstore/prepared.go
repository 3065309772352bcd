package gormstore

import (
	"context"
	"database/sql"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-sql-driver/mysql"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// The hot statements of a store are kept prepared on MySQL and MariaDB. What is
// not, the driver prepares, executes and closes anew each time: two round trips
// and a message, where one round trip does.
const (
	// prepareTimeout bounds the preparing, which nobody waits for.
	prepareTimeout = 5 * time.Second
	// After a failure nothing is prepared for firstRest, twice as long after each
	// further one, up to longestRest. A statement that served that long is not held
	// against the next.
	firstRest   = time.Second
	longestRest = 10 * time.Minute
)

// The errors of a server or a proxy that will not carry out a statement because it
// is prepared. None of them has been carried out.
const (
	errUnknownCommand    = 1047 // also of a Galera node that is not ready for any
	errWrongArguments    = 1210 // a proxy took it for another statement
	errNotSupported      = 1235
	errUnknownStatement  = 1243 // forgotten, for example by a proxy
	errCannotBePrepared  = 1295
	errTooManyStatements = 1461 // max_prepared_stmt_count, which is the server's
	errPrepareAnew       = 1615
)

// preparingPool is the application's *sql.DB, with the hot statements prepared. GORM
// sends its statements to it last of all, so loggers and plugins see them as before.
//
// A request waits for nobody's preparing: as long as a statement is not ready it goes
// to the pool as ever. That is the difference to GORM's PrepareStmt, where all wait
// under a lock, whatever their contexts say, for the first one to prepare.
//
// database/sql prepares a *sql.Stmt anew on each further connection when it is first
// used there. That is part of the request, with its context, and takes no more round
// trips than without.
type preparingPool struct {
	*sql.DB
	hot map[string]*hotStatement // by text, never changed

	// mu guards when to prepare. It is never held during I/O.
	mu sync.Mutex
	// restUntil holds for all statements, hotStatement.restUntil for one.
	restUntil time.Time
}

// hotStatement is one text. ready is nil as long as it is not prepared; the other
// fields are guarded by preparingPool.mu.
type hotStatement struct {
	text  string
	ready atomic.Pointer[readyStatement]

	preparing bool
	failures  int
	restUntil time.Time
}

// readyStatement counts who uses it. [sql.Stmt.Close] waits for those who do, and
// makes others wait behind it; so the last user closes it.
type readyStatement struct {
	stmt  *sql.Stmt
	since time.Time
	uses  atomic.Int64 // one of them is hotStatement.ready
}

// newPreparingPool keeps these texts prepared. No Store has a Close, so what it has
// prepared is closed with the pool, or when the Store is garbage: who makes many
// stores on one pool does not use up max_prepared_stmt_count.
func newPreparingPool(pool *sql.DB, texts []string) *preparingPool {
	p := &preparingPool{DB: pool, hot: make(map[string]*hotStatement, len(texts))}
	for _, text := range texts {
		p.hot[text] = &hotStatement{text: text}
	}
	runtime.AddCleanup(p, func(hot map[string]*hotStatement) {
		for _, h := range hot {
			h.drop(h.ready.Load())
		}
	}, p.hot)
	return p
}

// withPrepared returns db with the hot statements prepared, if its pool is a bare
// *sql.DB. Any other is the application's way to do something with statements, GORM's
// PrepareStmt for one, and is left alone. dbresolver puts its own pools in the place
// of this one for each statement.
//
// db must have a Statement of its own.
func withPrepared(db *gorm.DB, sql *statements) *gorm.DB {
	if pool, ok := poolOf(db); ok {
		db.Statement.ConnPool = newPreparingPool(pool, sql.hot())
	}
	return db
}

func poolOf(db *gorm.DB) (*sql.DB, bool) {
	pool, ok := db.Statement.ConnPool.(*sql.DB)
	return pool, ok && pool != nil
}

// hot are the texts of sign-in, refresh and promotion: few, since each takes a place
// under max_prepared_stmt_count on each connection.
func (s *statements) hot() []string {
	return []string{s.of(insert), s.of(find), s.of(advance), s.of(advance) + expectPrevious, s.of(extend)}
}

// GetDBConn implements [gorm.io/gorm.GetDBConnector].
func (p *preparingPool) GetDBConn() (*sql.DB, error) { return p.DB, nil }

// ExecContext implements [gorm.io/gorm.ConnPool].
func (p *preparingPool) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return sendPrepared(p, query,
		func(stmt *sql.Stmt) (sql.Result, error) { return stmt.ExecContext(ctx, args...) },
		func() (sql.Result, error) { return p.DB.ExecContext(ctx, query, args...) })
}

// QueryContext implements [gorm.io/gorm.ConnPool].
func (p *preparingPool) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return sendPrepared(p, query,
		func(stmt *sql.Stmt) (*sql.Rows, error) { return stmt.QueryContext(ctx, args...) },
		func() (*sql.Rows, error) { return p.DB.QueryContext(ctx, query, args...) })
}

// sendPrepared sends a statement prepared if it is ready, and as ever if it is not or
// is refused for being prepared. After the server has taken it unprepared it is worth
// preparing.
func sendPrepared[T any](p *preparingPool, query string, prepared func(*sql.Stmt) (T, error), plain func() (T, error)) (T, error) {
	h := p.hot[query]
	if ready := h.take(); ready != nil {
		result, err := prepared(ready.stmt)
		number := refusal(err)
		if number != 0 {
			p.refused(h, ready, number)
		}
		ready.release() // before it goes out unprepared, so that there is a place for it
		if number == 0 {
			return result, err
		}
	}
	result, err := plain()
	switch {
	case err == nil && h != nil:
		p.prepareLater(h)
	case refusal(err) == errTooManyStatements: // the driver prepares it as well, for once
		p.tooMany()
	}
	return result, err
}

// refusal returns the number of an error which says that a statement must not be
// prepared, or zero. Broken connections are none: what becomes of the statement is as
// unknown as without preparing.
func refusal(err error) uint16 {
	e, ok := errors.AsType[*mysql.MySQLError](err)
	if !ok {
		return 0
	}
	switch e.Number {
	case errUnknownCommand, errWrongArguments, errNotSupported, errUnknownStatement,
		errCannotBePrepared, errTooManyStatements, errPrepareAnew:
		return e.Number
	}
	return 0
}

// prepareLater prepares h off the request, unless somebody does or it rests.
func (p *preparingPool) prepareLater(h *hotStatement) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if h.preparing || h.ready.Load() != nil || now.Before(h.restUntil) || now.Before(p.restUntil) {
		return
	}
	h.preparing = true
	go p.prepare(h)
}

func (p *preparingPool) prepare(h *hotStatement) {
	ctx, cancel := context.WithTimeout(context.Background(), prepareTimeout)
	defer cancel()
	stmt, err := p.PrepareContext(ctx, h.text)
	if refusal(err) == errTooManyStatements {
		p.tooMany()
	}
	if !p.keep(h, stmt, err) && stmt != nil {
		_ = stmt.Close() //nolint:sqlclosecheck // what is kept stays open
	}
}

// keep takes the outcome of preparing h, and reports whether stmt is ready for use.
func (p *preparingPool) keep(h *hotStatement, stmt *sql.Stmt, err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	h.preparing = false
	if err != nil {
		h.rest(0)
		return false
	}
	if time.Now().Before(p.restUntil) { // meanwhile there were too many
		return false
	}
	ready := &readyStatement{stmt: stmt, since: time.Now()}
	ready.uses.Store(1)
	h.ready.Store(ready)
	return true
}

// refused takes a statement out of use. Only the first who is told of it counts.
func (p *preparingPool) refused(h *hotStatement, ready *readyStatement, number uint16) {
	if number == errTooManyStatements {
		p.tooMany()
		return
	}
	if !h.drop(ready) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	h.rest(time.Since(ready.since))
}

// tooMany gives all places back: the limit is the server's, and the application needs
// them for its own statements.
func (p *preparingPool) tooMany() {
	p.mu.Lock()
	p.restUntil = time.Now().Add(longestRest)
	p.mu.Unlock()
	for _, h := range p.hot {
		h.drop(h.ready.Load())
	}
}

// resting is how many statements are not prepared because that was refused.
func (p *preparingPool) resting(now time.Time) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range p.hot {
		if now.Before(h.restUntil) || now.Before(p.restUntil) {
			n++
		}
	}
	return n
}

// rest is called with preparingPool.mu held, after a failure of a statement that had
// served so long.
func (h *hotStatement) rest(served time.Duration) {
	if served >= longestRest {
		h.failures = 0
	}
	h.restUntil = time.Now().Add(min(firstRest<<min(h.failures, 16), longestRest))
	h.failures++
}

// take returns the statement for one use, or nil. Who takes it must release it. Of a
// text that is not hot, which is nil, there is none.
func (h *hotStatement) take() *readyStatement {
	if h == nil {
		return nil
	}
	ready := h.ready.Load()
	if ready == nil {
		return nil
	}
	for {
		uses := ready.uses.Load()
		if uses == 0 { // it is being closed
			return nil
		}
		if ready.uses.CompareAndSwap(uses, uses+1) {
			return ready
		}
	}
}

// drop takes ready out of use, and reports whether that was still to do.
func (h *hotStatement) drop(ready *readyStatement) bool {
	if ready == nil || !h.ready.CompareAndSwap(ready, nil) {
		return false
	}
	ready.release()
	return true
}

// release ends one use. The last one closes: that sends a message on each connection
// where it is prepared, and waits for no answer. Rows that are still being read keep
// it until they are closed.
func (r *readyStatement) release() {
	if r.uses.Add(-1) == 0 {
		_ = r.stmt.Close()
	}
}
