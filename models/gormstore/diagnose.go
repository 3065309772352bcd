package gormstore

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

// Diagnose says what is wrong with the database, as session.Service.Doctor tells it. It
// sends some twenty statements, and changes nothing: those that would write match no
// row. What it cannot find out because the server does not tell is left out.
func (s *Store) Diagnose(ctx context.Context) models.Diagnosis {
	d := &diagnosis{store: s}
	err := s.Check(ctx)
	switch {
	case errors.Is(err, errors.ErrSchema):
		d.add(models.SeverityError, "schema", err.Error(), "call Migrate at the start, or run the text of gormstore.Schema")
	case errors.Is(err, errors.ErrConfig):
		d.add(models.SeverityError, "database", err.Error(), "change the DSN or the server's settings as it says")
	case err != nil:
		d.add(models.SeverityError, "database", "it cannot be asked: "+err.Error(),
			"look at the DSN's address, user and password, and whether the server takes connections")
		return d.found
	default:
		d.askRights(ctx)
	}
	d.askReplica(ctx)
	d.askClock(ctx)
	d.askPrepared(ctx)
	if s.FeedOn() {
		d.askFeedPlace(ctx)
	}
	return d.found
}

// diagnosis is one under way.
type diagnosis struct {
	store *Store
	found models.Diagnosis
}

func (d *diagnosis) add(severity models.Severity, about, problem, remedy string) {
	d.found.Findings = append(d.found.Findings, models.Finding{Severity: severity, About: about, Problem: problem, Remedy: remedy})
}

// ask reads the first row of a statement that the server may not know: false then.
func (d *diagnosis) ask(ctx context.Context, text string, targets ...any) bool {
	rows, err := collect(ctx, d.store, func(rows *sql.Rows, _ *struct{}) error { return rows.Scan(targets...) }, text)
	return err == nil && len(rows) > 0
}

// The server asks for the right of a statement before it looks for rows, of which these
// have none. INSERT names all columns: MySQL asks for those without a default first.
const (
	mayInsertSession statement = "INSERT INTO {sessions} ({home}" + sessionColumns + ") SELECT {home}" + sessionColumns + " FROM {sessions} WHERE 1 = 0"
	mayUpdateSession statement = "UPDATE {sessions} SET refresh_gen = 0, payload = NULL, revoked_at = 0 WHERE 1 = 0"
	mayDeleteSession statement = "DELETE FROM {sessions} WHERE 1 = 0"
	mayInsertKey     statement = "INSERT INTO {keys} (" + keyColumns + ") SELECT " + keyColumns + " FROM {keys} WHERE 1 = 0"
	mayUpdateKey     statement = "UPDATE {keys} SET retire_at = 0, secret = '' WHERE 1 = 0"
	mayDeleteKey     statement = "DELETE FROM {keys} WHERE 1 = 0"
	mayUpdateMeta    statement = "UPDATE {meta} SET value = 0 WHERE 1 = 0"
	mayDeleteHint    statement = "DELETE FROM {feed} WHERE 1 = 0"
)

// right is one that the methods need beside SELECT, which Check has used.
type right struct {
	table, verb string
	probe       statement
}

func (s *Store) rights() []right {
	list := []right{
		{s.tables.Sessions, "INSERT", mayInsertSession},
		{s.tables.Sessions, "UPDATE", mayUpdateSession},
		{s.tables.Sessions, "DELETE", mayDeleteSession},
		{s.tables.SigningKeys, "INSERT", mayInsertKey},
		{s.tables.SigningKeys, "UPDATE", mayUpdateKey},
		{s.tables.SigningKeys, "DELETE", mayDeleteKey},
		{s.tables.Meta, "UPDATE", mayUpdateMeta},
	}
	if s.FeedOn() {
		list = append(list, right{s.tables.Feed, "INSERT", mayWrite}, right{s.tables.Feed, "DELETE", mayDeleteHint})
	}
	return list
}

func (d *diagnosis) askRights(ctx context.Context) {
	for _, r := range d.store.rights() {
		err := d.store.retry(ctx, rolledBack, func() error {
			return d.store.send(ctx, d.store.sql.of(r.probe), nil).Error
		})
		if err == nil || notUnderstood(err) {
			continue
		}
		d.add(models.SeverityError, "rights",
			fmt.Sprintf("%s on table %s fails: %v", r.verb, r.table, d.store.translate(ctx, err)),
			fmt.Sprintf("GRANT %s ON %s to the user of the DSN; if nothing may be written at all, it is a replica or read-only", r.verb, r.table))
	}
}

// errSafeUpdates refuses a DELETE without a key in its condition, whoever sends it.
const errSafeUpdates = 1175

// notUnderstood reports whether a server has not carried out a probe for its form,
// which says nothing about rights: Vitess does not plan each statement for each layout.
func notUnderstood(err error) bool {
	e, ok := errors.AsType[*mysql.MySQLError](err)
	return ok && (e.Number == errNotSupported || e.Number == errSafeUpdates || strings.Contains(e.Message, "VT12"))
}

// askReplica asks whether the server is one that must not be written to, or follows
// another.
func (d *diagnosis) askReplica(ctx context.Context) {
	const remedy = "let the DSN name the primary: a replica lags, and a session that has just begun is not there yet"
	switch d.store.dialect {
	case mysqlDialect:
		var readOnly, engine int64
		if d.ask(ctx, "SELECT @@global.read_only", &readOnly) && readOnly != 0 ||
			d.ask(ctx, "SELECT @@global.innodb_read_only", &engine) && engine != 0 {
			d.add(models.SeverityError, "replica", "the server is read-only (read_only or innodb_read_only is on)", remedy)
			return
		}
		if source := d.follows(ctx); source != "" {
			d.add(models.SeverityWarning, "replica", "the server is itself a replica (SHOW REPLICA STATUS has a source)", remedy)
		}
	case postgresDialect:
		var recovering bool
		if d.ask(ctx, "SELECT pg_is_in_recovery()", &recovering) && recovering {
			d.add(models.SeverityError, "replica", "the server is in recovery: it follows another and is read-only", remedy)
		}
	}
}

// follows is the host that a server replicates from, or empty; and empty where the user
// may not ask. Members of a group have channels of their own, by which they apply what
// the group has decided.
func (d *diagnosis) follows(ctx context.Context) (source string) {
	rows, err := d.store.query(ctx, "SHOW REPLICA STATUS", nil)
	if err != nil {
		return ""
	}
	defer rows.Close() //nolint:errcheck // Err tells what matters
	columns, err := rows.Columns()
	for err == nil && rows.Next() {
		values := make([]sql.RawBytes, len(columns))
		targets := make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		if err = rows.Scan(targets...); err != nil {
			break
		}
		host, channel := "", ""
		for i, name := range columns {
			switch strings.ToLower(name) {
			case "source_host", "master_host":
				host = string(values[i])
			case "channel_name", "connection_name":
				channel = string(values[i])
			}
		}
		if host != "" && !strings.HasPrefix(channel, "group_replication_") {
			source = host
		}
	}
	if rows.Err() != nil {
		return ""
	}
	return source
}

const selectClock statement = "SELECT {clock}"

// askClock reads the database's clock. A file has none.
func (d *diagnosis) askClock(ctx context.Context) {
	if d.store.dialect == sqliteDialect {
		return
	}
	asked := time.Now()
	var clock int64
	if d.ask(ctx, d.store.sql.of(selectClock), &clock) {
		d.found.Clock, d.found.Asked, d.found.Answered = clock, asked, time.Now()
	}
}

// askPrepared asks whether the hot statements are kept prepared, and how many the
// server has still room for.
func (d *diagnosis) askPrepared(ctx context.Context) {
	const remedy = "raise max_prepared_stmt_count, or set gormstore.Config.Unprepared where a proxy in between refuses them"
	pool, ok := d.store.db.Statement.ConnPool.(*preparingPool)
	if !ok {
		return
	}
	if n := pool.resting(time.Now()); n > 0 {
		d.add(models.SeverityWarning, "prepared statements",
			fmt.Sprintf("%d of %d were refused lately and take two round trips each", n, len(pool.hot)), remedy)
	}
	var limit int64
	var name, value string
	if !d.ask(ctx, "SELECT @@global.max_prepared_stmt_count", &limit) ||
		!d.ask(ctx, "SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'", &name, &value) {
		return
	}
	used, err := strconv.ParseInt(value, 10, 64)
	if err == nil && used*10 >= limit*9 {
		d.add(models.SeverityWarning, "prepared statements",
			fmt.Sprintf("the server has %d of at most %d (max_prepared_stmt_count), for all its clients together", used, limit), remedy)
	}
}

const planFeed statement = "VEXPLAIN PLAN SELECT * FROM {feed} WHERE 1 = 0"

// askFeedPlace asks Vitess where the feed is. Every other server takes the statement
// for a syntax error.
func (d *diagnosis) askFeedPlace(ctx context.Context) {
	var plan string
	if d.store.dialect == mysqlDialect && d.ask(ctx, d.store.sql.of(planFeed), &plan) && strings.Contains(plan, `"Sharded": true`) {
		d.add(models.SeverityError, "feed", "table "+d.store.tables.Feed+" is in a sharded keyspace, where its ids have no order",
			"keep it in an unsharded keyspace with a routing rule: docs/vitess has the rules")
	}
}
