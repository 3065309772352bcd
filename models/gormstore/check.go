package gormstore

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// The columns of a table are those of a SELECT * that matches no row: only that
// finds every missing one at once and on every dialect. Where a statement of
// the store names an index, so does the probe.
const (
	probeSessions statement = "SELECT * FROM {sessions by user} WHERE 1 = 0"
	probeKeys     statement = "SELECT * FROM {keys} WHERE 1 = 0"
	probeFeed     statement = "SELECT * FROM {feed} WHERE 1 = 0"
)

// Check reports as [errors.ErrSchema] what the tables lack, by table and
// column; see session.Store. Columns that the kit does not know are no fault.
// It reads only, one statement for each table, and needs no right to change
// anything. At the table of the feed it looks only if the feed is on.
//
// A MySQL connection that does not commit by itself is [errors.ErrConfig].
func (s *Store) Check(ctx context.Context) error {
	if err := s.checkAutocommit(ctx); err != nil {
		return err
	}
	orItsIndex := ""
	if s.dialect == mysqlDialect {
		orItsIndex = ", or its index " + s.tables.Sessions + "_user"
	}
	present, err := s.columnsOf(ctx, probeSessions)
	if err := tableProblem(s.tables.Sessions, orItsIndex, absent(present, sessionColumns), err); err != nil {
		return err
	}
	if err := s.layoutProblem(present); err != nil {
		return err
	}
	present, err = s.columnsOf(ctx, probeKeys)
	if err := tableProblem(s.tables.SigningKeys, "", absent(present, keyColumns), err); err != nil {
		return err
	}
	return s.checkMeta(ctx)
}

// checkAutocommit comes before any table is touched: with autocommit=0 a SELECT
// opens a transaction that nobody ends, and the locks that it keeps would stop
// whoever migrates next.
func (s *Store) checkAutocommit(ctx context.Context) error {
	if s.dialect != mysqlDialect {
		return nil
	}
	on, err := collect(ctx, s, func(rows *sql.Rows, on *int64) error { return rows.Scan(on) }, autocommit)
	if err != nil || len(on) == 1 && on[0] == 1 {
		return err
	}
	return errAutocommit
}

const autocommit = "SELECT @@autocommit"

// errAutocommit names what to change, as the symptom would be far from the
// cause: all would seem to work, and be gone when the connection is closed.
var errAutocommit = errors.WithReason(errors.ErrConfig,
	errors.New("db: autocommit is off, nothing that is written would last; take autocommit=0 out of the DSN "+
		"(or out of the server's init_connect and autocommit settings)"))

// checkMeta looks at the rows of the meta table too.
func (s *Store) checkMeta(ctx context.Context) error {
	missing, values, err := s.metaRows(ctx)
	if err := tableProblem(s.tables.Meta, "", missing, err); err != nil {
		return err
	}
	if err := s.requireRows(values, append(cleanupRows(s.sharded), "schema_version")...); err != nil {
		return err
	}
	if err := versionProblem(s.tables.Meta, values["schema_version"]); err != nil {
		return err
	}
	if err := s.requireRows(values, feedRow, feedCleanupRow); err != nil {
		return err
	}
	on := values[feedRow] != 0
	if on {
		if err := s.checkFeed(ctx); err != nil {
			return err
		}
	}
	s.feedOn.Store(on)
	return nil
}

// requireRows names the first row of the meta table that is missing.
func (s *Store) requireRows(values map[string]int64, names ...string) error {
	for _, name := range names {
		if _, ok := values[name]; !ok {
			return schemaError("%s: row %s is missing; call Migrate", s.tables.Meta, name)
		}
	}
	return nil
}

// checkFeed looks at the table of the feed.
func (s *Store) checkFeed(ctx context.Context) error {
	present, err := s.columnsOf(ctx, probeFeed)
	return tableProblem(s.tables.Feed, "", absent(present, feedColumns), err)
}

// columnsOf returns the names of the columns that a probe finds.
func (s *Store) columnsOf(ctx context.Context, probe statement) (present []string, err error) {
	err = s.selectAll(ctx, probe, func(rows *sql.Rows) (err error) {
		present, err = columnNames(rows)
		return err
	})
	return present, err
}

// selectMeta has a limit above what anybody has put there, which keeps MySQL's
// sql_select_limit away.
const selectMeta statement = "SELECT * FROM {meta} LIMIT 1000"

// metaRows returns what the meta table holds, unless it lacks columns: then
// which.
func (s *Store) metaRows(ctx context.Context) (missing []string, values map[string]int64, err error) {
	err = s.selectAll(ctx, selectMeta, func(rows *sql.Rows) error {
		values = map[string]int64{} // an attempt that broke off may have left some
		present, err := columnNames(rows)
		if err != nil {
			return err
		}
		if missing = absent(present, metaColumns); len(missing) > 0 {
			return nil
		}
		return scanValues(rows, present, values)
	})
	return missing, values, err
}

// selectAll is collect for a table of which it is not known what columns it
// has.
func (s *Store) selectAll(ctx context.Context, st statement, read func(*sql.Rows) error) error {
	err := s.retry(ctx, rolledBack, func() error {
		rows, err := s.query(ctx, s.sql.of(st), nil) //nolint:rowserrcheck // read asks
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // Err tells what matters
		return read(rows)
	})
	return s.translate(ctx, err)
}

// columnNames are the names of the columns alone: with columnsWithAlias in the
// DSN the driver says table.column.
func columnNames(rows *sql.Rows) ([]string, error) {
	names, err := rows.Columns()
	for i, name := range names {
		names[i] = name[strings.LastIndexByte(name, '.')+1:]
	}
	return names, err
}

// tableProblem makes an error of what a look at a table has found: that it
// cannot be read, that it is not there, or which columns it lacks.
func tableProblem(table, orItsIndex string, missing []string, err error) error {
	switch {
	case errors.Is(err, errors.ErrSchema) && !errors.Is(err, errScan):
		return schemaError("table %s is missing%s; call Migrate, or run the text of gormstore.Schema", table, orItsIndex)
	case err != nil:
		return err
	case len(missing) > 0:
		return schemaError("table %s lacks %s; call Migrate, or run the text of gormstore.Schema",
			table, strings.Join(missing, ", "))
	}
	return nil
}

// absent returns those of the columns that are not present. Engines may fold
// the case of names.
func absent(present []string, columns string) []string {
	return slices.DeleteFunc(strings.Split(columns, ", "), func(column string) bool {
		return slices.ContainsFunc(present, func(name string) bool { return strings.EqualFold(name, column) })
	})
}

// scanValues reads the columns name and value, wherever they stand: a newer
// version may have added others, which are read and dropped.
func scanValues(rows *sql.Rows, present []string, values map[string]int64) error {
	for rows.Next() {
		var name string
		var value int64
		targets := make([]any, len(present))
		for i, column := range present {
			switch strings.ToLower(column) {
			case "name":
				targets[i] = &name
			case "value":
				targets[i] = &value
			default:
				targets[i] = new(any)
			}
		}
		if err := rows.Scan(targets...); err != nil {
			return errScan
		}
		values[name] = value
	}
	return rows.Err()
}
