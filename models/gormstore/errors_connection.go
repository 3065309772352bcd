package gormstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// judgeConnection knows the errors that no server sent: those of the network,
// of database/sql, of the drivers and of GORM. What matters most is whether a
// statement may have reached the server. If it has, it may have been carried
// out, although nobody was told so: such an error is unsure, and only an insert
// is repeated.
//
// The order is from the certain to the uncertain. It ends with a guess: an
// error that nobody knows is the surroundings' fault rather than the
// statement's.
func judgeConnection(err error) judgement {
	// Nobody waits for the answer any more, so a repetition would be for
	// nothing.
	for _, ended := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, ended) {
			return judgement{errors.ErrUnavailable, ended, final}
		}
	}
	// The driver knows max_allowed_packet and refuses before it sends anything.
	if errors.Is(err, mysql.ErrPktTooLarge) {
		return tooLarge.because("MySQL packet")
	}
	// The text of a net error has addresses, never an account. pgx wraps it
	// into one that has the account, so only the inner one is kept.
	if e, ok := errors.AsType[*net.OpError](err); ok {
		if e.Op == "dial" { // nothing can have been sent
			return away.because(e.Error())
		}
		return unsure.because(e.Error())
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return away.because(e.Error())
	}
	// A connection that broke in the middle of something.
	for _, broken := range []error{
		mysql.ErrInvalidConn, mysql.ErrMalformPkt, mysql.ErrPktSync, mysql.ErrPktSyncMul, mysql.ErrBusyBuffer,
		driver.ErrBadConn, sql.ErrConnDone, io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe,
		net.ErrClosed, os.ErrDeadlineExceeded,
	} {
		if errors.Is(err, broken) {
			return unsure.because(broken.Error())
		}
	}
	// These two have no value to compare with.
	switch err.Error() {
	case "sql: database is closed":
		return away.because("database is closed")
	case "bad connection": // go-sql-driver's own, when a new connection breaks in the handshake
		return away.because("connection broke before it was ready")
	}
	// pgconn's "conn closed" and the like: nothing was sent.
	if e, ok := errors.AsType[interface {
		error
		SafeToRetry() bool
	}](err); ok && e.SafeToRetry() {
		return away.because("connection is closed")
	}
	// Of what is left only the type is told, as the text may hold anything.
	text := fmt.Sprintf("unexpected %T", innermost(err))
	if ownFault(err) {
		return faulty.because(text)
	}
	return away.because(text) // TLS, certificates, signing in, plugins, whatever comes
}

// ownFault reports whether database/sql or GORM refused a statement or a value.
// That is a mistake in this package, or in a plugin; it stays one however often
// it is tried.
func ownFault(err error) bool {
	for _, refused := range []error{
		sql.ErrNoRows, sql.ErrTxDone, gorm.ErrRecordNotFound, gorm.ErrInvalidTransaction, gorm.ErrNotImplemented,
		gorm.ErrMissingWhereClause, gorm.ErrUnsupportedDriver, gorm.ErrUnsupportedRelation, gorm.ErrInvalidData,
		gorm.ErrInvalidDB, gorm.ErrInvalidValue, gorm.ErrInvalidValueOfLength, gorm.ErrDryRunModeUnsupported,
		gorm.ErrForeignKeyViolated, gorm.ErrCheckConstraintViolated, gorm.ErrModelValueRequired,
		gorm.ErrPrimaryKeyRequired, gorm.ErrModelAccessibleFieldsRequired, gorm.ErrEmptySlice, gorm.ErrSubQueryRequired,
		driver.ErrSkip, driver.ErrRemoveArgument,
	} {
		if errors.Is(err, refused) {
			return true
		}
	}
	if _, ok := errors.AsType[*strconv.NumError](err); ok {
		return true
	}
	// database/sql makes these with fmt.Errorf, so only the text tells.
	for _, prefix := range []string{"sql: Scan error", "sql: expected ", "sql: converting argument", "sql: unknown driver"} {
		if strings.Contains(err.Error(), prefix) {
			return true
		}
	}
	return false
}

// innermost is what err wraps at last: its type says more than that of a
// wrapper.
func innermost(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
