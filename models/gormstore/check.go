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
func (s *Store) Check(ctx context.Context) error {
	for _, table := range []struct{ mark, name, columns string }{
		{"{sessions}", s.tables.Sessions, sessionColumns},
		{"{keys}", s.tables.SigningKeys, keyColumns},
	} {
		if _, err := s.describe(ctx, table.mark, table.name, table.columns, " WHERE 1 = 0"); err != nil {
			return err
		}
	}
	return s.checkMeta(ctx)
}

// checkMeta looks at the rows of the meta table too.
func (s *Store) checkMeta(ctx context.Context) error {
	rows, err := s.describe(ctx, "{meta}", s.tables.Meta, metaColumns, "")
	if err != nil {
		return err
	}
	for _, name := range []string{"schema_version", "cleanup"} {
		if _, ok := rows[name]; !ok {
			return misfitSchema("%s: row %s is missing", s.tables.Meta, name)
		}
	}
	return versionProblem(s.tables.Meta, rows["schema_version"])
}

// describe asks for all columns of a table, as only that finds every missing
// one at once and on every dialect, and returns the values by name of the rows,
// if it has such columns and rows were asked for.
func (s *Store) describe(ctx context.Context, mark, table, columns, where string) (map[string]int64, error) {
	var missing []string
	values := map[string]int64{}
	err := s.retry(ctx, rolledBack, func() error {
		rows, err := s.db.WithContext(ctx).
			Raw("SELECT * FROM " + s.tables.replacer(s.dialect).Replace(mark) + where).Rows()
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // Err tells what matters
		present, err := rows.Columns()
		if err != nil {
			return err
		}
		if missing = absent(present, columns); len(missing) > 0 {
			return nil
		}
		return scanValues(rows, present, values)
	})
	if err = s.translate(ctx, err); errors.Is(err, errors.ErrSchema) {
		return nil, misfitSchema("table %s is missing", table)
	}
	if err == nil && len(missing) > 0 {
		return nil, misfitSchema("table %s lacks %s", table, strings.Join(missing, ", "))
	}
	return values, err
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
