package gormstore

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// Dialects by the names that GORM's dialectors give themselves.
const (
	mysqlDialect    = "mysql"
	postgresDialect = "postgres"
	sqliteDialect   = "sqlite"
)

// readPrimary is the mark that gorm.io/plugin/dbresolver looks for on a
// statement that must go to the primary; its own clause, dbresolver.Write, sets
// the same. Replicas lag: right after a login they would say "no such session".
const readPrimary = "gorm:db_resolver:write"

// Store keeps sessions and signing keys in a database. It fulfils
// session.FeedStore, which documents the methods, and is safe for concurrent use.
type Store struct {
	// How a method works: it checks its values against the columns (limits.go),
	// binds them as the dialect needs them (bind.go) to the constant above it,
	// and has exec or collect run the statement. These repeat what the database
	// rolled back (retry.go) and make errors of the kit of what went wrong
	// (translate.go).

	db      *gorm.DB
	dialect string
	tables  Tables
	sharded bool
	sql     *statements

	// feedOn is what Check has seen of the feed.
	feedOn atomic.Bool
	// once: nothing is repeated; see In.
	once bool
}

// New returns a Store on db, which stays the caller's to configure and to
// close. It does no I/O: call [Store.Migrate] or [Store.Check] next.
//
// A wrong cfg is [errors.ErrConfig], which names all that is wrong. So is a db
// that is nil, failed to open, is inside a transaction or bound to one
// connection, or speaks another dialect than MySQL's, PostgreSQL's or SQLite's.
func New(db *gorm.DB, cfg Config) (*Store, error) {
	dialect, problem := usable(db)
	tables := cfg.Tables.withDefaults()
	found := cfg.problems(dialect)
	if problem != nil {
		found = append(found, problem)
	}
	if err := found.Err(); err != nil {
		return nil, err
	}
	// NewDB leaves behind what the application may have put on db, such as a
	// condition or a context.
	own := db.Session(&gorm.Session{
		NewDB: true, SkipDefaultTransaction: true, SkipHooks: true,
		Logger: quietLogger{inner: db.Logger, dialect: dialect},
	})
	texts := newStatements(dialect, tables, cfg.Sharded)
	if dialect == mysqlDialect && !cfg.Unprepared {
		own = withPrepared(own, texts) // Session has made it a Statement of its own
	}
	return &Store{
		db: own, dialect: dialect, tables: tables, sharded: cfg.Sharded, sql: texts,
	}, nil
}

// usable returns the dialect of db, or why a Store cannot work on it.
func usable(db *gorm.DB) (dialect string, problem error) {
	if db == nil || db.Config == nil || db.Statement == nil || db.Dialector == nil {
		return "", errors.New("db: is nil or was never opened")
	}
	dialect = db.Name()
	switch dialect {
	case mysqlDialect, postgresDialect, sqliteDialect:
	default:
		return "", fmt.Errorf("db: dialect %q is none of mysql, postgres, sqlite", dialect)
	}
	if db.Error != nil {
		return dialect, fmt.Errorf("db: carries an error: %w", judge(dialect, db.Error).reason)
	}
	if db.DryRun {
		return dialect, errors.New("db: is in DryRun mode, nothing would be stored")
	}
	// In a transaction a compare-and-swap that lost would read the old row
	// again and again, and a caller could be told of a commit that never comes.
	switch db.Statement.ConnPool.(type) {
	case gorm.TxCommitter, *sql.Conn:
		return dialect, errors.New("db: is inside a transaction or bound to one connection; pass the pool's *gorm.DB")
	}
	return dialect, nil
}

// exec runs one statement that commits by itself, and returns how many rows it
// matched. It repeats what the database rolled back.
//
// On MySQL without clientFoundRows it is how many rows were changed. So
// statements of which somebody counts the rows are written so that they change
// each row they match.
func (s *Store) exec(ctx context.Context, query string, args ...any) (int, error) {
	var affected int64
	err := s.retry(ctx, rolledBack, func() error {
		result := s.send(ctx, query, args)
		affected = result.RowsAffected
		return result.Error
	})
	return int(affected), s.translate(ctx, err)
}

// send sends one statement that returns no rows, once.
func (s *Store) send(ctx context.Context, query string, args []any) *gorm.DB {
	db := s.gormStatement(ctx, query, args)
	return db.Callback().Raw().Execute(db)
}

// query sends one statement that returns rows, once.
func (s *Store) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	return s.gormStatement(ctx, query, args).Rows()
}

// gormStatement is a statement of GORM's, for the primary, with its text and values in
// place. Exec and Raw would put them there as well, and look for that at each character
// of the text and at the type of each value: a tenth of what a sign-in takes.
func (s *Store) gormStatement(ctx context.Context, query string, args []any) *gorm.DB {
	db := s.db.Set(readPrimary, struct{}{})
	db.Statement.Context = ctx
	db.Statement.SQL.WriteString(numbered(s.dialect, query))
	db.Statement.Vars = spread(args)
	return db
}

// numbered writes the placeholders as the dialect does. A statement has no question
// mark that is none.
func numbered(dialect, query string) string {
	if dialect != postgresDialect {
		return query
	}
	var text strings.Builder
	for n, part := range strings.Split(query, "?") {
		if n > 0 {
			text.WriteString("$" + strconv.Itoa(n))
		}
		text.WriteString(part)
	}
	return text.String()
}

// swap runs a statement that changes one row if it matches, and reports whether
// it did.
func (s *Store) swap(ctx context.Context, query string, args ...any) (bool, error) {
	n, err := s.exec(ctx, query, args...)
	return n > 0, err
}

// collect runs one reading statement and returns its rows. It reads all of them
// before it returns: with a pool of one connection, a statement sent while rows
// are being read would wait for that connection and never get it.
func collect[T any](ctx context.Context, s *Store, scan func(*sql.Rows, *T) error, query string, args ...any) ([]T, error) {
	var found []T
	err := s.retry(ctx, rolledBack, func() error {
		found = nil // an attempt that broke off may have left some
		rows, err := s.query(ctx, query, args)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // Err tells what matters
		for rows.Next() {
			var row T
			if err := scan(rows, &row); err != nil {
				return cmp.Or(ctx.Err(), rows.Err(), errScan)
			}
			found = append(found, row)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, s.translate(ctx, err)
	}
	return found, nil
}

// errScan stands for the scan errors of database/sql, which quote the value.
var errScan = errors.WithReason(errors.ErrGeneral,
	fmt.Errorf("%w: a column holds another type of value than expected", errors.ErrSchema))
