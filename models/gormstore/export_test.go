package gormstore

import (
	"context"

	"gorm.io/gorm/logger"
)

// What the external tests need of the inside.

// Translate is translate.
func Translate(ctx context.Context, dialect string, err error) error {
	return translate(ctx, dialect, err)
}

// Judge returns whether err was undone by the database or has an unknown
// outcome.
func Judge(dialect string, err error) (isUndone, isUnknown bool) {
	o := judge(dialect, err).outcome
	return o == wasUndone, o == unknown
}

// Retry runs op as a statement of a store, or as an insert.
func Retry(ctx context.Context, insert bool, op func() error) error {
	again := rolledBack
	if insert {
		again = mayRepeat
	}
	return (&Store{dialect: mysqlDialect}).retry(ctx, again, op)
}

// Columns returns the columns of the tables in the order of the statements.
func Columns() (sessions, keys string) { return sessionColumns, keyColumns }

// CleanupRows returns the names of the rows that ClaimCleanup writes.
func CleanupRows(s *Store) []string { return cleanupRows(s.sharded) }

// MySQLLock returns the name of the lock that Migrate takes.
func (s *Store) MySQLLock(database string) string { return s.mysqlLock(database) }

// PostgresLock returns the number of the lock that Migrate takes.
func (s *Store) PostgresLock() int64 { return s.postgresLock() }

// QuietLogger returns the logger of a store.
func QuietLogger(inner logger.Interface) logger.Interface {
	return quietLogger{inner: inner, dialect: mysqlDialect}
}

// Prepared returns how many statements the store keeps prepared, or -1 if it never
// will.
func (s *Store) Prepared() int {
	p, ok := s.db.Statement.ConnPool.(*preparingPool)
	if !ok {
		return -1
	}
	n := 0
	for _, h := range p.hot {
		if h.ready.Load() != nil {
			n++
		}
	}
	return n
}
