package gormstore

import (
	"cmp"
	"regexp"
	"strings"

	"github.com/gin-sessionkit/sessionkit/internal/problems"
)

// Config says where a Store keeps its rows. The zero Config is ready to use.
type Config struct {
	// Tables names the tables.
	Tables Tables
	// Unprepared keeps no statement prepared. By default, on MySQL and MariaDB, the
	// five statements of sign-in, refresh and first use stay prepared on each
	// connection of the pool: one round trip each instead of two. Where a server or
	// proxy refuses that, the store goes on without by itself. It does so from the
	// start if db's pool is not a bare *sql.DB: with GORM's PrepareStmt, with
	// dbresolver, or with a ConnPool of the application's own.
	//
	// PostgreSQL's driver keeps statements prepared by itself; SQLite has no round
	// trips to spare.
	Unprepared bool
	// Sharded lays the sessions out for a database that spreads them over servers,
	// MySQL's protocol only: a row lies by the home of its user (models.HomeOf), which
	// is the first part of the primary key and of the handle, and each statement names
	// it. It is for new tables: those that were made without it, or with it, stay so,
	// and Check and Migrate refuse the other. On one server it gives nothing, and takes
	// more space and time.
	Sharded bool
}

// problems lists what is wrong with the Config, by field.
func (c Config) problems(dialect string) problems.List {
	found := c.Tables.withDefaults().problems(dialect)
	if c.Sharded && dialect != mysqlDialect && dialect != "" {
		found.Addf("Sharded: there is no such layout for %s, only for mysql", dialect)
	}
	return found
}

// Tables names the four tables. A name is a letter or underscore followed by
// at most 47 letters, digits and underscores; the names differ by more than
// case.
type Tables struct {
	// Sessions holds rows of models.Session, by default auth_sessions.
	Sessions string
	// SigningKeys holds rows of models.SigningKey, by default
	// auth_signing_keys.
	SigningKeys string
	// Meta holds the version of the schema, who cleans up until when, and whether
	// the feed is on, by default auth_meta.
	Meta string
	// Feed holds rows of models.Hint, by default auth_feed. Stores that share it do
	// no harm to each other.
	Feed string
}

// tableName is what a table may be called. Names go into SQL text, where no
// value can be bound, so they are plain letters. 48 characters leave room for
// the suffixes of index names within PostgreSQL's 63.
var tableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,47}$`)

// withDefaults fills in the names that were left out.
func (t Tables) withDefaults() Tables {
	return Tables{
		Sessions:    cmp.Or(t.Sessions, "auth_sessions"),
		SigningKeys: cmp.Or(t.SigningKeys, "auth_signing_keys"),
		Meta:        cmp.Or(t.Meta, "auth_meta"),
		Feed:        cmp.Or(t.Feed, "auth_feed"),
	}
}

// problems lists what is wrong with the names, by field.
func (t Tables) problems(dialect string) (found problems.List) {
	fields := []struct{ name, table string }{
		{"Tables.Sessions", t.Sessions},
		{"Tables.SigningKeys", t.SigningKeys},
		{"Tables.Meta", t.Meta},
		{"Tables.Feed", t.Feed},
	}
	for i, field := range fields {
		switch {
		case !tableName.MatchString(field.table):
			found.Addf("%s: %q does not match %s", field.name, field.table, tableName)
		case dialect == sqliteDialect && strings.HasPrefix(strings.ToLower(field.table), "sqlite_"):
			found.Addf("%s: SQLite keeps names that begin with sqlite_ to itself", field.name)
		}
		for _, other := range fields[:i] {
			// Some servers fold the case of table names.
			if strings.EqualFold(field.table, other.table) {
				found.Addf("%s: is the table of %s too", field.name, other.name)
			}
		}
	}
	return found
}
