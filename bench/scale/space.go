package main

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// space is what a table takes on disk, in bytes. file and indexes need the
// account that may look, and stay 0 and empty without.
type space struct {
	table             string
	layout            layout
	rows              int
	data, index, file int64
	indexes           []indexSpace
}

type indexSpace struct {
	name  string
	bytes int64
}

// spaceOf counts the rows, which takes a while, and brings the statistics up to date.
func (b *bed) spaceOf(ctx context.Context, table string) (space, error) {
	s := space{table: table, layout: b.layout}
	if err := b.analyse(ctx, table); err != nil {
		return s, err
	}
	// The expiry index is the smallest to count in.
	if err := b.db.QueryRowContext(ctx, "SELECT COUNT(expires_at) FROM "+table).Scan(&s.rows); err != nil {
		return s, err
	}
	err := b.db.QueryRowContext(ctx, "SELECT data_length, index_length FROM information_schema.tables "+
		"WHERE table_schema = DATABASE() AND table_name = ?", table).Scan(&s.data, &s.index)
	if err != nil || b.admin == nil {
		return s, err
	}
	return s, b.asAdmin(ctx, &s)
}

// asAdmin adds the size of the file and of each index.
func (b *bed) asAdmin(ctx context.Context, s *space) error {
	var schema, version string
	if err := b.db.QueryRowContext(ctx, "SELECT DATABASE(), VERSION()").Scan(&schema, &version); err != nil {
		return err
	}
	view := "INNODB_TABLESPACES"
	if strings.Contains(version, "MariaDB") {
		view = "INNODB_SYS_TABLESPACES"
	}
	if err := b.admin.QueryRowContext(ctx, "SELECT file_size FROM information_schema."+view+" WHERE name = ?",
		schema+"/"+s.table).Scan(&s.file); err != nil {
		return fmt.Errorf("size of the file: %w", err)
	}
	rows, err := b.admin.QueryContext(ctx, "SELECT index_name, stat_value * @@innodb_page_size FROM mysql.innodb_index_stats "+
		"WHERE database_name = ? AND table_name = ? AND stat_name = 'size' ORDER BY index_name", schema, s.table)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // Err tells what matters
	for rows.Next() {
		var i indexSpace
		if err := rows.Scan(&i.name, &i.bytes); err != nil {
			return err
		}
		i.name = strings.TrimPrefix(i.name, s.table+"_")
		s.indexes = append(s.indexes, i)
	}
	return rows.Err()
}

// effort is what the server has written and read so far: pages, and bytes of the redo
// log and of the binary log, which only MariaDB counts.
type effort struct{ written, read, redo, binlog int64 }

// effort reads the counters. One that the server does not have is 0.
func (b *bed) effort(ctx context.Context) (e effort, err error) {
	for name, value := range map[string]*int64{
		"Innodb_pages_written": &e.written, "Innodb_pages_read": &e.read,
		"Innodb_lsn_current": &e.redo, "Innodb_redo_log_current_lsn": &e.redo, // MariaDB's name, and MySQL's
		"Binlog_bytes_written": &e.binlog,
	} {
		var ignored string
		err := b.db.QueryRowContext(ctx, "SHOW GLOBAL STATUS LIKE '"+name+"'").Scan(&ignored, value)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return e, err
		}
	}
	return e, nil
}

// add adds what was done from before to after.
func (e *effort) add(before, after effort) {
	e.written += after.written - before.written
	e.read += after.read - before.read
	e.redo += after.redo - before.redo
	e.binlog += after.binlog - before.binlog
}

// variable is a setting of the server; "" when it has none of that name.
func (b *bed) variable(ctx context.Context, name string) (string, error) {
	var ignored, value string
	err := b.db.QueryRowContext(ctx, "SHOW GLOBAL VARIABLES LIKE '"+name+"'").Scan(&ignored, &value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return value, err
}
