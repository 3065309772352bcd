package gormstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// unlockTimeout bounds the clean-up of a migration whose ctx has ended.
const unlockTimeout = 5 * time.Second

// locked runs fn while no other process can be in it with the same tables of
// the same database. IF NOT EXISTS alone does not do: on several servers two
// sessions that create one table at once still collide.
func (s *Store) locked(ctx context.Context, conn *sql.Conn, fn func(execer) error) error {
	switch s.dialect {
	case postgresDialect:
		return s.lockedPostgres(ctx, conn, fn)
	case sqliteDialect:
		return lockedSQLite(ctx, conn, fn)
	default:
		return s.lockedMySQL(ctx, conn, fn)
	}
}

// lockedMySQL uses a lock by name, which belongs to the connection: DDL commits
// any transaction, so one that ends with the transaction would not last.
//
// Where the server refuses such locks it goes on without. Percona XtraDB
// Cluster does so by default (pxc_strict_mode). As any Galera it carries out
// one DDL statement after the other in the whole cluster, so IF NOT EXISTS is
// enough there.
func (s *Store) lockedMySQL(ctx context.Context, conn *sql.Conn, fn func(execer) error) error {
	var database sql.NullString
	if err := conn.QueryRowContext(ctx, "SELECT DATABASE()").Scan(&database); err != nil {
		return err
	}
	name := s.mysqlLock(database.String)
	for {
		// Waits of a second: a client that has gone away is noticed in between.
		var got sql.NullInt64
		if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK(?, 1)", name).Scan(&got); err != nil {
			if refusesLocks(err) {
				return fn(conn)
			}
			return describeFailure("SELECT GET_LOCK", err)
		}
		if got.Int64 == 1 {
			break
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	err := fn(conn)

	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockTimeout)
	defer cancel()
	// SELECT and not DO: when it is prepared, DO releases nothing on TiDB. A
	// lock that may still be held must not go back to the pool with its
	// connection: nobody could migrate until that is closed.
	var released sql.NullInt64
	releaseErr := conn.QueryRowContext(ctx, "SELECT RELEASE_LOCK(?)", name).Scan(&released)
	if releaseErr != nil || released.Int64 != 1 {
		discard(conn)
	}
	return err
}

// refusesLocks reports whether the server has no locks by name, or forbids
// them.
func refusesLocks(err error) bool {
	e, ok := errors.AsType[*mysql.MySQLError](err)
	if !ok {
		return false
	}
	switch e.Number {
	case 1105: // Percona XtraDB Cluster: "prohibits use of GET_LOCK with pxc_strict_mode = …"
		return strings.Contains(e.Message, "pxc_strict_mode")
	case 1235, 1305: // not supported here, no such function
		return true
	}
	return false
}

// lockedPostgres holds a lock that ends with the transaction. That works behind
// pgbouncer too, which may give each transaction another connection. DDL is
// part of the transaction on PostgreSQL: either all steps are done or none.
//
// The isolation level is set to READ COMMITTED, whatever the server's default
// is. The transaction waits for the lock in its first statement. Under
// REPEATABLE READ it would see the database as it was when that began: without
// the tables that the one before it has made meanwhile.
func (s *Store) lockedPostgres(ctx context.Context, conn *sql.Conn, fn func(execer) error) error {
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", s.postgresLock()); err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// lockedSQLite takes the lock for writing at once. A transaction that has read,
// and only then wants to write, cannot wait: if another one has written
// meanwhile, what it read is out of date, and it fails.
func lockedSQLite(ctx context.Context, conn *sql.Conn, fn func(execer) error) (err error) {
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	// In SQL and not by BeginTx, which would have to know how each driver is
	// told to begin an immediate transaction.
	end := "COMMIT"
	if err = fn(conn); err != nil {
		end = "ROLLBACK"
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockTimeout)
	defer cancel()
	if _, endErr := conn.ExecContext(ctx, end); endErr != nil {
		discard(conn)
		return errors.Join(err, endErr)
	}
	return err
}

// mysqlLock names the tables of a database: names of locks are the whole
// server's, so two applications with tables of the same names would wait for
// each other.
func (s *Store) mysqlLock(database string) string {
	sum := s.lockID(database)
	return "sessionkit:" + hex.EncodeToString(sum[:16]) // of 64 characters at most
}

// postgresLock numbers the tables; such numbers are each database's own.
func (s *Store) postgresLock() int64 {
	sum := s.lockID("")
	return int64(binary.BigEndian.Uint64(sum[:])) //nolint:gosec // any 64 bits will do
}

// lockID is the same for all who would make the same tables. The zero byte
// separates what no name holds, and case does not count, as some servers fold
// it. The table of the feed is not in it, so that code from before it was there
// takes the same lock.
func (s *Store) lockID(database string) [sha256.Size]byte {
	return sha256.Sum256([]byte(strings.ToLower(strings.Join(
		[]string{database, s.tables.Sessions, s.tables.SigningKeys, s.tables.Meta}, "\x00"))))
}

// discard closes the connection rather than giving it back to the pool with a
// lock or a transaction on it.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
}
