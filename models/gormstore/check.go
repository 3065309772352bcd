package gormstore

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// Check reports as errors.ErrSchema what the tables lack, by table and column;
// see session.Store. Columns that the kit does not know are no fault. It reads
// only, one statement for each table, and needs no right to change anything.
//
// A MySQL connection that does not commit by itself is errors.ErrConfig.
func (s *Store) Check(ctx context.Context) error {
	if err := s.checkAutocommit(ctx); err != nil {
		return err
	}
	for _, table := range []struct{ mark, name, columns string }{
		{byUser(s.dialect), s.tables.Sessions, sessionColumns},
		{"{keys}", s.tables.SigningKeys, keyColumns},
	} {
		if err := s.checkColumns(ctx, table.mark, table.name, table.columns); err != nil {
			return err
		}
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

var errAutocommit = errors.WithReason(errors.ErrConfig,
	errors.New("db: autocommit is off, nothing that is written would last; take autocommit=0 out of the DSN "+
		"(or out of the server's init_connect and autocommit settings)"))

// checkColumns asks for all columns of a table, as only that finds every missing
// one at once and on every dialect.
func (s *Store) checkColumns(ctx context.Context, mark, table, columns string) error {
	return s.describe(ctx, mark+" WHERE 1 = 0", table, columns, func(*sql.Rows, []string) error { return nil })
}

// checkMeta looks at the rows of the meta table too.
func (s *Store) checkMeta(ctx context.Context) error {
	values := map[string]int64{}
	// The limit is above what anybody has put there, and keeps MySQL's
	// sql_select_limit away.
	err := s.describe(ctx, "{meta} LIMIT 1000", s.tables.Meta, metaColumns, func(rows *sql.Rows, present []string) error {
		return scanValues(rows, present, values)
	})
	if err != nil {
		return err
	}
	for _, name := range []string{"schema_version", "cleanup"} {
		if _, ok := values[name]; !ok {
			return misfitSchema("%s: row %s is missing; call Migrate", s.tables.Meta, name)
		}
	}
	return versionProblem(s.tables.Meta, values["schema_version"])
}

// describe selects everything from a table, and has the rows scanned if no column
// is missing.
func (s *Store) describe(
	ctx context.Context, from, table, columns string, scan func(rows *sql.Rows, present []string) error,
) error {
	var missing []string
	err := s.retry(ctx, rolledBack, func() error {
		rows, err := s.db.WithContext(ctx).
			Raw("SELECT * FROM " + s.tables.replacer(s.dialect).Replace(from)).Rows() //nolint:rowserrcheck // scan asks
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // Err tells what matters
		present, err := rows.Columns()
		if err != nil {
			return err
		}
		for i, name := range present { // columnsWithAlias in the DSN says table.column
			present[i] = name[strings.LastIndexByte(name, '.')+1:]
		}
		if missing = absent(present, columns); len(missing) > 0 {
			return nil
		}
		return scan(rows, present)
	})
	if err = s.translate(ctx, err); errors.Is(err, errors.ErrSchema) && !errors.Is(err, errScan) {
		return misfitSchema("table %s is missing%s; call Migrate, or run the text of gormstore.Schema",
			table, s.orItsIndex(from))
	}
	if err == nil && len(missing) > 0 {
		return misfitSchema("table %s lacks %s; call Migrate, or run the text of gormstore.Schema",
			table, strings.Join(missing, ", "))
	}
	return err
}

// orItsIndex is what else may be missing where a statement names an index.
func (s *Store) orItsIndex(from string) string {
	if !strings.Contains(from, "INDEX") {
		return ""
	}
	return ", or its index " + s.tables.Sessions + "_user"
}

// absent returns those of the columns that are not present.
func absent(present []string, columns string) []string {
	return slices.DeleteFunc(strings.Split(columns, ", "), func(column string) bool {
		return slices.ContainsFunc(present, func(name string) bool { return strings.EqualFold(name, column) })
	})
}

// scanValues reads the columns name and value, wherever they stand.
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
