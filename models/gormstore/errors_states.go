package gormstore

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// stateRule says what a SQLSTATE means, or a class of them: its first two
// characters.
type stateRule struct {
	// state has five characters, or two for a class.
	state   string
	meaning meaning
	// what goes into errors; see mysqlRule.
	what string
}

// commonStates are of the SQL standard, or PostgreSQL's own; MySQL uses some. A
// state of its own goes before its class.
//
// In class 40, "transaction rollback", two states say that nothing was done.
// The others do not, 40003 least of all: "statement completion unknown". The
// class 57 is the operator's: mostly a shutdown, in which the statement may
// have been the last.
func commonStates() []stateRule {
	return []stateRule{
		{"40001", undone, "serialisation failure or deadlock"},
		{"40P01", undone, "deadlock"},
		{"23505", duplicate, "duplicate key"},
		{"42P01", wrongSchema, "no such table"},
		{"42703", wrongSchema, "no such column"},
		{"3F000", wrongSchema, "no such schema"},
		{"08", unsure, "the connection broke"},
		{"40", unsure, "rolled back, or not"},
		{"57014", away, "cancelled, or ran too long"},
		{"57P04", away, "the database was dropped"},
		{"57", unsure, "the server shuts down or starts"},
	}
}

// postgresStates are those that only PostgreSQL has, or means in this way. What
// is in neither list is away.
//
// The first two come from poolers in transaction mode, such as pgbouncer: a
// statement that was prepared on one connection is executed on another one. The
// driver prepares anew when it is repeated.
func postgresStates() []stateRule {
	return []stateRule{
		{"26000", undone, "a proxy has lost the prepared statement"},
		{"42P05", undone, "a proxy knows the prepared statement already"},
		{"22P05", badText, "characters that the database's encoding lacks"},
		{"22021", badText, "characters that the database's encoding lacks"},
		{"54000", tooLarge, "larger than the server takes"},
		{"54001", away, "the statement is too complex for the server's stack"},
		{"0A", faulty, "not supported"},
		{"21", faulty, "wrong number of columns or rows"},
		{"22", faulty, "a value does not fit"},
		{"23", faulty, "a constraint is broken"},
		{"42", faulty, "syntax, or rights"},
		{"44", faulty, "a view's check is broken"},
		{"54", faulty, "larger than the server takes"},
	}
}

// postgresState finds the SQLSTATE in the errors of pgx and lib/pq, by the
// method that both have: so no driver of PostgreSQL is linked by this package.
func postgresState(err error) (string, bool) {
	e, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err)
	if !ok {
		return "", false
	}
	return e.SQLState(), true
}

// judgePostgres looks into PostgreSQL's own list and then the common one. Of a
// state in one and its class in the other, the state counts.
func judgePostgres(state string) judgement {
	text := "PostgreSQL error " + state
	rule, ok := ruleOf(postgresStates(), state)
	if !ok {
		return judgeSQLState(text, state)
	}
	if common, ok := ruleOf(commonStates(), state); ok && len(common.state) > len(rule.state) {
		rule = common
	}
	v := rule.meaning.because(text + ": " + rule.what)
	if state == "0A000" { // a cached plan met a changed table: planned anew it works
		v.outcome = wasUndone
	}
	return v
}

// judgeSQLState goes by the states that every engine shares.
func judgeSQLState(text, state string) judgement {
	if rule, ok := ruleOf(commonStates(), state); ok {
		return rule.meaning.because(text + ": " + rule.what)
	}
	return away.because(text)
}

// ruleOf is the first rule for the state itself, or else for its class.
func ruleOf(rules []stateRule, state string) (stateRule, bool) {
	for _, key := range []string{state, state[:min(2, len(state))]} {
		for _, rule := range rules {
			if rule.state == key {
				return rule, true
			}
		}
	}
	return stateRule{}, false
}

// sqliteCode finds the result code in the errors of modernc.org/sqlite and its
// relatives, which have a method for it, and of mattn/go-sqlite3, which has
// fields. Reflection reads those, as to import that driver would take a C
// compiler.
func sqliteCode(err error) (code int, ok bool) {
	if e, ok := errors.AsType[interface {
		error
		Code() int
	}](err); ok {
		return e.Code(), true
	}
	for ; err != nil; err = errors.Unwrap(err) {
		v := reflect.Indirect(reflect.ValueOf(err))
		if v.Kind() != reflect.Struct {
			continue
		}
		for _, field := range []string{"ExtendedCode", "Code"} {
			if f := v.FieldByName(field); f.CanInt() && f.Int() != 0 {
				return int(f.Int()), true
			}
		}
	}
	return 0, false
}

// sqliteRule says what a result code means: an extended one, or its low byte.
type sqliteRule struct {
	code    int
	meaning meaning
	what    string
}

// sqliteRules are from www.sqlite.org/rescode.html. An extended code has the
// plain one as its low byte: 2067 is "unique" and 1555 "primary key", both of
// 19, "constraint".
func sqliteRules() []sqliteRule {
	return []sqliteRule{
		{1555, duplicate, "duplicate key"},
		{2067, duplicate, "duplicate key"},
		{2579, duplicate, "duplicate key"},
		{5, undone, "the file is locked"},
		{6, undone, "the table is locked"},
		{17, undone, "the schema has changed"},
		{1, faulty, "the statement does not fit"},
		{18, tooLarge, "larger than SQLite takes"},
		{19, faulty, "a constraint is broken"},
		{20, faulty, "another type of value is expected"},
		{21, faulty, "the library is misused"},
		{23, faulty, "not authorised"},
		{25, faulty, "a value has no placeholder"},
		{8, away, "the file is read-only"},
		{13, away, "the disk is full"},
		{14, away, "the file cannot be opened"},
	}
}

// judgeSQLite goes by the extended code or, for most, by its low byte. message
// is looked at and not passed on: SQLite has one code, 1, for whatever is wrong
// with a statement, and only the message tells a missing table from a syntax
// error.
func judgeSQLite(code int, message string) judgement {
	text := fmt.Sprintf("SQLite error %d", code)
	if code&0xff == 1 {
		for _, missing := range []string{"no such table", "no such column", "has no column named"} {
			if strings.Contains(message, missing) {
				return wrongSchema.because(text + ": " + missing)
			}
		}
	}
	for _, key := range []int{code, code & 0xff} {
		for _, rule := range sqliteRules() {
			if rule.code == key {
				return rule.meaning.because(text + ": " + rule.what)
			}
		}
	}
	return away.because(text)
}
