package gormstore

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/wait"
)

// Migrate creates the tables or brings them to the version that this code
// needs, and does nothing when they are. Any number of processes may call it at
// once. It uses one connection of the pool, and none of GORM's logger.
//
// A schema that is newer than the next version is [errors.ErrSchema]: it may
// not fit this code any more. The next version is fine, so that instances of
// two releases can run side by side.
//
// Where the tables are up to date, no right to change them is needed. Tables that are
// missing beside a meta table which says so are [errors.ErrSchema].
func (s *Store) Migrate(ctx context.Context) error {
	steps, err := schemaSteps(s.dialect, s.tables, s.sharded)
	if err != nil {
		return errors.WithReason(errors.ErrConfig, err)
	}
	err = s.retry(ctx, rolledBack, func() error { return s.migrate(ctx, steps) })
	if err == nil {
		return nil
	}
	// Whoever migrates is an operator and needs the server's own words. They
	// can be shown, since the statements hold no user's values.
	translated := s.translate(ctx, err)
	if failed, ok := errors.AsType[*failedStep](err); ok && serverWords(failed.err) {
		return fmt.Errorf("gormstore: migrate: %w, at %q: %s; gormstore.Schema returns the whole text, to be run by other means",
			translated, failed.statement, failed.err.Error())
	}
	return fmt.Errorf("gormstore: migrate: %w", translated)
}

// serverWords reports whether err was sent by a server, about a statement. Its
// words may be shown then; errors of connecting can name the account.
func serverWords(err error) bool {
	if _, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return false
	}
	if _, ok := postgresState(err); ok {
		return true
	}
	_, ok := sqliteCode(err)
	return ok
}

// migrate is one attempt, on one connection of the pool: the lock by name
// belongs to a connection, and so it must be the same that makes the tables.
//
// The version is read before the lock is taken. Most starts find the tables up
// to date; they need neither the lock nor the right to take it.
func (s *Store) migrate(ctx context.Context, steps []schemaStep) error {
	pool, err := s.primary(ctx)
	if err != nil {
		return err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // back to the pool, or broken anyway
	if err := autocommits(ctx, s.dialect, conn); err != nil {
		return err
	}
	// An older version, or no table at all, is what Migrate is for.
	version, err := s.version(ctx, conn)
	switch {
	case err == nil && version >= schemaVersion:
		if err := cmp.Or(versionProblem(s.tables.Meta, version), s.checkMade(ctx, conn), s.checkLayout(ctx, conn)); err != nil {
			return err
		}
		return s.settled(ctx, conn)
	case err != nil && !errors.Is(s.translate(ctx, err), errors.ErrSchema):
		return err
	}
	// Within the lock: a connection that may still hold it afterwards is of no more use.
	return s.locked(ctx, conn, func(x execer) error {
		if err := s.apply(ctx, x, steps); err != nil {
			return err
		}
		return s.settled(ctx, x)
	})
}

// settled waits for the server to know the columns that the tables have. A proxy that
// plans statements learns of an ALTER TABLE a moment later: Vitess's vtgate, up to a
// second or two, in which it refuses the new columns and leaves them out of SELECT *.
// Another process may have made the change, through another proxy. What is missing
// after some seconds was taken out by somebody, and Check says so.
func (s *Store) settled(ctx context.Context, x execer) error {
	if s.dialect != mysqlDialect {
		return nil
	}
	for range 100 {
		known, err := s.knowsColumns(ctx, x)
		if known || err != nil {
			return err
		}
		if !wait.Sleep(ctx, 50*time.Millisecond) {
			return ctx.Err()
		}
	}
	return nil
}

func (s *Store) knowsColumns(ctx context.Context, x execer) (bool, error) {
	for probe, want := range map[statement]string{anySession: sessionColumns, probeKeys: keyColumns} {
		present, err := columnsOn(ctx, x, s.sql.of(probe))
		if err != nil || len(absent(present, want)) > 0 {
			return false, err
		}
	}
	return true, nil
}

// columnsOn is columnsOf on the connection that migrates.
func columnsOn(ctx context.Context, x execer, probe string) ([]string, error) {
	rows, err := x.QueryContext(ctx, probe)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // there are none
	present, err := columnNames(rows)
	return present, cmp.Or(err, rows.Err())
}

// checkMade reports a table that is not there although the version says so: the meta
// table is then that of others. What may not be read here may well be there.
func (s *Store) checkMade(ctx context.Context, x execer) error {
	for _, table := range []struct {
		name  string
		probe statement
	}{{s.tables.Sessions, anySession}, {s.tables.SigningKeys, probeKeys}, {s.tables.Feed, probeFeed}} {
		_, err := columnsOn(ctx, x, s.sql.of(table.probe))
		if errors.Is(s.translate(ctx, err), errors.ErrSchema) {
			return schemaError("table %s is missing, and %s says that it is there: "+
				"give tables that belong together a Tables.Meta of their own", table.name, s.tables.Meta)
		}
	}
	return nil
}

// execer is a connection or a transaction.
type execer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// apply runs the steps that are missing. It holds the lock, so what it reads
// stays true. The first step makes the meta table and is always run, as without
// it there is no version to read; like all of them it may be repeated.
func (s *Store) apply(ctx context.Context, x execer, steps []schemaStep) error {
	if err := s.checkLayout(ctx, x); err != nil {
		return err
	}
	if err := runStep(ctx, x, steps[0]); err != nil {
		return err
	}
	version, err := s.version(ctx, x)
	if err != nil {
		return err
	}
	for _, step := range steps[1:] {
		if step.version <= version {
			continue
		}
		if err := runStep(ctx, x, step); err != nil {
			return err
		}
	}
	return versionProblem(s.tables.Meta, max(version, schemaVersion))
}

// runStep runs the statements of a step one by one. On MySQL each commits by
// itself, so a step that broke off is half done; the next attempt repeats it
// from its first statement, and its last one raises the version.
//
// So a statement that adds columns may find them there. On PostgreSQL it says so
// itself. A server carries out all of a statement or nothing.
func runStep(ctx context.Context, x execer, step schemaStep) error {
	for _, statement := range step.statements() {
		_, err := x.ExecContext(ctx, statement)
		if err != nil && !(strings.Contains(statement, "ADD COLUMN") && hasColumn(err)) {
			return describeFailure(statement, err)
		}
	}
	return nil
}

// hasColumn reports whether err says that a column is there already. SQLite has no
// number for it.
func hasColumn(err error) bool {
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return e.Number == 1060
	}
	_, ok := sqliteCode(err)
	return ok && strings.Contains(err.Error(), "duplicate column name")
}

// autocommits is checkAutocommit for the connection that migrates.
func autocommits(ctx context.Context, dialect string, conn *sql.Conn) error {
	if dialect != mysqlDialect {
		return nil
	}
	var on int64
	if err := conn.QueryRowContext(ctx, autocommit).Scan(&on); err != nil {
		return err
	}
	if on != 1 {
		return errAutocommit
	}
	return nil
}

// failedStep is the failure of one of the statements that Migrate sends. They
// hold no user's value, so the server's own words about them may be shown.
type failedStep struct {
	statement string
	err       error
}

func (f *failedStep) Error() string { return f.statement + ": " + f.err.Error() }
func (f *failedStep) Unwrap() error { return f.err }

// describeFailure names the statement by its first line.
func describeFailure(statement string, err error) error {
	for line := range strings.Lines(statement) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "--") {
			statement = line
			break
		}
	}
	return &failedStep{strings.TrimSuffix(statement, " ("), err}
}

// selectVersion is run on the connection that migrates, outside of GORM.
const selectVersion statement = "SELECT value FROM {meta} WHERE name = 'schema_version'"

// version reads the version of the schema; its table may be missing.
func (s *Store) version(ctx context.Context, x execer) (int64, error) {
	var version int64
	err := x.QueryRowContext(ctx, s.sql.of(selectVersion)).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return version, err
}

// probePrimary is never sent.
const probePrimary statement = "SELECT 1 FROM {sessions}"

// primary finds the pool that statements on the sessions go to: with dbresolver
// it need not be the one that db was opened with. A statement that is built but
// not sent tells. Migrate asks, as it works outside of GORM: GORM would take a
// connection of the pool for each statement, and the lock belongs to one.
func (s *Store) primary(ctx context.Context) (*sql.DB, error) {
	probe := s.db.Session(&gorm.Session{DryRun: true, Context: ctx, Logger: logger.Discard}).
		Set(readPrimary, struct{}{}).Exec(s.sql.of(probePrimary))
	if probe.Error != nil {
		return nil, probe.Error
	}
	return probe.DB()
}
