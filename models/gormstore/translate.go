package gormstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"
	"net"
	"os"
	"reflect"
	"strings"

	"github.com/go-sql-driver/mysql"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// outcome says what became of a statement that failed.
type outcome int

const (
	// final: repeating it would not help, or is the caller's to decide.
	final outcome = iota
	// undone: the database rolled it back, and may carry it out next time.
	undone
	// unknown: the connection broke. It may have been carried out, or still be.
	unknown
)

// verdict is what an error of GORM or of a driver means to the kit.
type verdict struct {
	class, reason error
	outcome       outcome
}

func (s *Store) translate(ctx context.Context, err error) error {
	return translate(ctx, s.dialect, err)
}

// translate turns err into an error of the kit. The driver's text stays behind,
// because it may quote values: a duplicate entry, a value out of range.
func translate(ctx context.Context, dialect string, err error) error {
	if err == nil || errors.IsAuth(err) {
		return err
	}
	v := judge(dialect, err)
	if ended := ctx.Err(); ended != nil && errors.Is(v.class, errors.ErrUnavailable) {
		v.reason = ended // drivers report it in many ways
	}
	return errors.WithReason(v.class, v.reason)
}

// judge classifies err, of which it returns numbers and fixed texts only.
func judge(dialect string, err error) verdict {
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return judgeMySQL(e)
	}
	// pgx and lib/pq.
	if e, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err); ok {
		return judgePostgres(e.SQLState())
	}
	if dialect == sqliteDialect {
		if code, ok := sqliteCode(err); ok {
			return judgeSQLite(code, err.Error())
		}
	}
	// What is left of an error under gorm.Config.TranslateError.
	switch {
	case errors.Is(err, gorm.ErrDuplicatedKey):
		return duplicate("duplicate key")
	case errors.Is(err, gorm.ErrInvalidField):
		return misshaped("unknown column")
	}
	return judgeConnection(err)
}

func unavailable(o outcome, text string) verdict {
	return verdict{errors.ErrUnavailable, errors.New(text), o}
}

func duplicate(text string) verdict {
	return verdict{errors.ErrGeneral, fmt.Errorf("%w: %s", errors.ErrDuplicate, text), final}
}

func misshaped(text string) verdict {
	return verdict{errors.ErrGeneral, fmt.Errorf("%w: %s", errors.ErrSchema, text), final}
}

func tooLarge(text string) verdict {
	return verdict{errors.ErrInvalidInput, fmt.Errorf("%w: %s", errors.ErrValueTooLarge, text), final}
}

func general(text string) verdict {
	return verdict{errors.ErrGeneral, errors.New(text), final}
}

// judgeMySQL knows MySQL's numbers, MariaDB's, Galera's and those of proxies.
func judgeMySQL(e *mysql.MySQLError) verdict {
	text := fmt.Sprintf("MySQL error %d", e.Number)
	state := string(e.SQLState[:])
	if e.SQLState[0] != 0 { // some proxies send none
		text += " (" + state + ")"
	}
	switch e.Number {
	case 1213, 1205, 1020, 3101: // deadlock, lock wait, changed snapshot, lost certification
		return unavailable(undone, text)
	case 1180: // failed COMMIT: error 149 is a lost certification, others tell nothing
		if strings.Contains(e.Message, "error 149") {
			return unavailable(undone, text)
		}
		return unavailable(unknown, text)
	case 1022, 1062, 1169, 1586:
		return duplicate(text)
	case 1051, 1054, 1146: // no such table, no such column
		return misshaped(text)
	case 1153: // max_allowed_packet
		return tooLarge(text)
	case 1053, 1158, 1159, 1160, 1161, 1927, 2006, 2013, 2055, 4031: // connection or server going down
		return unavailable(unknown, text)
	case 1021, 1114, // disk full, table full
		1040, 1129, 1203, 1226, 1461, 1637, // too many connections, statements, transactions
		1047, 1290, 1792, 1836, 3100, // no quorum, read-only, replication refuses
		1317, 1969, 3024, // interrupted, ran too long
		2002, 2003: // nobody there
		return unavailable(final, text)
	case 1026, 1030: // write or storage engine error, whatever it is
		if strings.Contains(e.Message, "28") || strings.Contains(e.Message, "No space") {
			return unavailable(final, text+", no space left")
		}
	}
	return judgeSQLState(text, state)
}

func judgePostgres(state string) verdict {
	v := judgeSQLState("PostgreSQL error "+state, state)
	if state == "0A000" { // a cached plan met a changed table: planned anew it works
		v.outcome = undone
	}
	return v
}

// judgeSQLState goes by the classes of the SQL standard and PostgreSQL's own.
func judgeSQLState(text, state string) verdict {
	switch state {
	case "40001", "40P01": // serialisation failure, deadlock
		return unavailable(undone, text)
	case "23505":
		return duplicate(text)
	case "42P01", "42703", "3F000": // no such table, column, schema
		return misshaped(text)
	case "25006", "57014", "55P03", "55006": // read-only, cancelled, locked, in use
		return unavailable(final, text)
	}
	switch state[:min(2, len(state))] {
	case "08", "57", "40": // connection, operator, rolled back or not
		return unavailable(unknown, text)
	case "53", "58": // resources, system
		return unavailable(final, text)
	}
	return general(text)
}

// sqliteCode finds the result code in the errors of modernc.org/sqlite and its
// relatives, which have a method for it, and of mattn/go-sqlite3, which has
// fields.
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

// judgeSQLite goes by the extended code or, for most, by its low byte. message
// is looked at and not passed on.
func judgeSQLite(code int, message string) verdict {
	text := fmt.Sprintf("SQLite error %d", code)
	switch code {
	case 1555, 2067, 2579: // primary key, unique, row id
		return duplicate(text)
	}
	switch code & 0xff {
	case 5, 6: // BUSY, LOCKED, 517 BUSY_SNAPSHOT included
		return unavailable(undone, text)
	case 7, 8, 9, 10, 13, 14, 15: // NOMEM, READONLY, INTERRUPT, IOERR, FULL, CANTOPEN, PROTOCOL
		return unavailable(final, text)
	case 1: // ERROR
		for _, missing := range []string{"no such table", "no such column", "has no column named"} {
			if strings.Contains(message, missing) {
				return misshaped(text)
			}
		}
	case 18: // TOOBIG
		return tooLarge(text)
	}
	return general(text)
}

// judgeConnection knows the errors that no server sent.
func judgeConnection(err error) verdict {
	for _, ended := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, ended) {
			return verdict{errors.ErrUnavailable, ended, final}
		}
	}
	if errors.Is(err, mysql.ErrPktTooLarge) {
		return tooLarge("MySQL packet")
	}
	// The text of a net error has addresses, never an account. pgx wraps it into
	// one that has the account, so only the inner one is kept.
	if e, ok := errors.AsType[*net.OpError](err); ok {
		if e.Op == "dial" {
			return unavailable(final, e.Error())
		}
		return unavailable(unknown, e.Error())
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return unavailable(final, e.Error())
	}
	for _, broken := range []error{
		mysql.ErrInvalidConn, mysql.ErrMalformPkt, mysql.ErrPktSync, mysql.ErrPktSyncMul, mysql.ErrBusyBuffer,
		driver.ErrBadConn, sql.ErrConnDone, io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe,
		net.ErrClosed, os.ErrDeadlineExceeded,
	} {
		if errors.Is(err, broken) {
			return unavailable(unknown, broken.Error())
		}
	}
	switch err.Error() {
	case "sql: database is closed":
		return unavailable(final, "database is closed")
	case "bad connection": // go-sql-driver's own, when a new connection breaks in the handshake
		return unavailable(final, "connection broke before it was ready")
	}
	// pgconn's "conn closed" and the like: nothing was sent.
	if e, ok := errors.AsType[interface {
		error
		SafeToRetry() bool
	}](err); ok && e.SafeToRetry() {
		return unavailable(final, "connection is closed")
	}
	return general(fmt.Sprintf("unexpected %T", innermost(err)))
}

func innermost(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
