package gormstore_test

import (
	"context"
	"crypto/tls"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// canary is in every message that a driver could have filled with values.
const canary = "canary-4711"

// What becomes of a statement that ended with the error.
const (
	failed = iota // is not repeated
	undone        // is repeated
	unsure        // only an insert is repeated
)

type errorRow struct {
	err     error
	class   error // an ErrGeneral that is no ErrUnavailable, if it is that
	reason  error // nil = any
	outcome int
}

func mysqlError(number uint16, state, message string) error {
	e := &mysql.MySQLError{Number: number, Message: message + " '" + canary + "'"}
	copy(e.SQLState[:], state)
	return fmt.Errorf("wrapped: %w", e)
}

func TestMySQLErrors(t *testing.T) {
	t.Parallel()
	rows := map[string]errorRow{
		"1213 deadlock":        {mysqlError(1213, "40001", "Deadlock found"), errors.ErrUnavailable, nil, undone},
		"1205 lock wait":       {mysqlError(1205, "HY000", "Lock wait timeout"), errors.ErrUnavailable, nil, undone},
		"1020 changed":         {mysqlError(1020, "HY000", "Record has changed"), errors.ErrUnavailable, nil, undone},
		"3101 certification":   {mysqlError(3101, "40000", "Plugin instructed"), errors.ErrUnavailable, nil, undone},
		"1180 error 149":       {mysqlError(1180, "HY000", "Got error 149 during COMMIT"), errors.ErrUnavailable, nil, undone},
		"1180 of quorum":       {mysqlError(1180, "HY000", "Got error 6, Not connected"), errors.ErrUnavailable, nil, unsure},
		"1614 XA deadlock":     {mysqlError(1614, "40001", "XA_RBDEADLOCK"), errors.ErrUnavailable, nil, undone},
		"1062 duplicate":       {mysqlError(1062, "23000", "Duplicate entry"), errors.ErrGeneral, errors.ErrDuplicate, failed},
		"1146 no table":        {mysqlError(1146, "42S02", "Table"), errors.ErrGeneral, errors.ErrSchema, failed},
		"1054 no column":       {mysqlError(1054, "42S22", "Unknown column"), errors.ErrGeneral, errors.ErrSchema, failed},
		"1153 packet":          {mysqlError(1153, "08S01", "Got a packet"), errors.ErrInvalidInput, errors.ErrValueTooLarge, failed},
		"1406 too long":        {mysqlError(1406, "22001", "Data too long"), errors.ErrGeneral, nil, failed},
		"1366 incorrect value": {mysqlError(1366, "HY000", "Incorrect string value"), errors.ErrGeneral, nil, failed},
		"1044 rights":          {mysqlError(1044, "42000", "Access denied for user"), errors.ErrUnavailable, nil, failed},
		"1045 rights":          {mysqlError(1045, "28000", "Access denied for user"), errors.ErrUnavailable, nil, failed},
		"1142 rights":          {mysqlError(1142, "42000", "command denied"), errors.ErrGeneral, nil, failed},
		"1030 of nobody knows": {mysqlError(1030, "HY000", "Got error 168"), errors.ErrUnavailable, nil, failed},
		"1030 disk full":       {mysqlError(1030, "HY000", "Got error 28 from storage"), errors.ErrUnavailable, nil, failed},
		"1026 disk full":       {mysqlError(1026, "HY000", "Error writing (No space left)"), errors.ErrUnavailable, nil, failed},
		"2003 without state":   {mysqlError(2003, "", "Can't connect"), errors.ErrUnavailable, nil, failed},
		"an unknown 08 state":  {mysqlError(9999, "08S01", "new"), errors.ErrUnavailable, nil, unsure},
		"an unknown number":    {mysqlError(9999, "HY000", "new"), errors.ErrUnavailable, nil, failed},
		"an unknown stateless": {mysqlError(9999, "", "new"), errors.ErrUnavailable, nil, failed},
		"packet by the driver": {mysql.ErrPktTooLarge, errors.ErrInvalidInput, errors.ErrValueTooLarge, failed},
	}
	for _, n := range []uint16{1021, 1114, 1040, 1047, 1203, 1226, 1290, 1317, 1792, 1836, 1969, 3024, 3100} {
		rows[fmt.Sprint(n)] = errorRow{mysqlError(n, "HY000", "no"), errors.ErrUnavailable, nil, failed}
	}
	for _, n := range []uint16{1053, 1158, 1159, 1160, 1161, 1927, 2006, 2013, 4031} {
		rows[fmt.Sprint(n)] = errorRow{mysqlError(n, "08S01", "gone"), errors.ErrUnavailable, nil, unsure}
	}
	requireVerdicts(t, "mysql", rows)
}

func TestPostgresErrors(t *testing.T) {
	t.Parallel()
	state := func(code string) error {
		return fmt.Errorf("wrapped: %w", &pgconn.PgError{
			Code: code, Message: canary, Detail: "Key (handle)=(" + canary + ")", Where: canary,
		})
	}
	rows := map[string]errorRow{
		"serialisation":    {state("40001"), errors.ErrUnavailable, nil, undone},
		"deadlock":         {state("40P01"), errors.ErrUnavailable, nil, undone},
		"completion":       {state("40003"), errors.ErrUnavailable, nil, unsure},
		"cached plan":      {state("0A000"), errors.ErrGeneral, nil, undone},
		"duplicate":        {state("23505"), errors.ErrGeneral, errors.ErrDuplicate, failed},
		"other constraint": {state("23502"), errors.ErrGeneral, nil, failed},
		"no table":         {state("42P01"), errors.ErrGeneral, errors.ErrSchema, failed},
		"no column":        {state("42703"), errors.ErrGeneral, errors.ErrSchema, failed},
		"no rights":        {state("42501"), errors.ErrGeneral, nil, failed},
		"bad text":         {state("22021"), errors.ErrGeneral, nil, failed},
		"empty":            {state(""), errors.ErrUnavailable, nil, failed},
	}
	for _, code := range []string{"08000", "08003", "08006", "57P01", "57P02", "57P03"} {
		rows[code] = errorRow{state(code), errors.ErrUnavailable, nil, unsure}
	}
	for _, code := range []string{"53100", "53200", "53300", "57014", "25006", "55P03", "58030"} {
		rows[code] = errorRow{state(code), errors.ErrUnavailable, nil, failed}
	}
	requireVerdicts(t, "postgres", rows)
}

// What pgx says of a connection that it knows is closed has neither a state nor
// a wrapped error.
func TestClosedPostgresConnection(t *testing.T) {
	t.Parallel()
	conn, err := pgx.ConnectConfig(t.Context(), postgresConfig(t, postgresName(t, testdb.Postgres(t))))
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
	requireVerdicts(t, "postgres", map[string]errorRow{
		"closed": {conn.Ping(t.Context()), errors.ErrUnavailable, nil, failed},
	})
}

func TestSQLiteErrors(t *testing.T) {
	t.Parallel()
	rows := map[string]errorRow{
		"fields":             {fieldError{Code: 5, text: canary}, errors.ErrUnavailable, nil, undone},
		"extended field":     {fieldError{Code: 19, ExtendedCode: 2067}, errors.ErrGeneral, errors.ErrDuplicate, failed},
		"a pointer":          {&fieldError{Code: 19, ExtendedCode: 1555}, errors.ErrGeneral, errors.ErrDuplicate, failed},
		"wrapped, of fields": {fmt.Errorf("%w", fieldError{Code: 19, ExtendedCode: 1555}), errors.ErrGeneral, errors.ErrDuplicate, failed},
		"no table":           {codeError{1, "no such table: " + canary}, errors.ErrGeneral, errors.ErrSchema, failed},
		"no column":          {codeError{1, "no such column: " + canary}, errors.ErrGeneral, errors.ErrSchema, failed},
		"insert column":      {codeError{1, "table t has no column named c"}, errors.ErrGeneral, errors.ErrSchema, failed},
		"syntax":             {codeError{1, "near " + canary}, errors.ErrGeneral, nil, failed},
		"corrupt":            {codeError{11, canary}, errors.ErrUnavailable, nil, failed},
		"no database":        {codeError{26, canary}, errors.ErrUnavailable, nil, failed},
		"too big":            {codeError{18, canary}, errors.ErrInvalidInput, errors.ErrValueTooLarge, failed},
		"foreign key":        {codeError{787, canary}, errors.ErrGeneral, nil, failed},
		"gorm's own":         {gorm.ErrDuplicatedKey, errors.ErrGeneral, errors.ErrDuplicate, failed},
		"gorm's another":     {gorm.ErrInvalidField, errors.ErrGeneral, errors.ErrSchema, failed},
	}
	for _, code := range []int{5, 6, 261, 517, 262} { // BUSY, LOCKED, RECOVERY, SNAPSHOT, SHAREDCACHE
		rows[fmt.Sprint(code)] = errorRow{codeError{code, canary}, errors.ErrUnavailable, nil, undone}
	}
	for _, code := range []int{8, 1032, 10, 778, 13, 14} { // READONLY, IOERR, FULL, CANTOPEN
		rows[fmt.Sprint(code)] = errorRow{codeError{code, canary}, errors.ErrUnavailable, nil, failed}
	}
	for _, code := range []int{1555, 2067, 2579} {
		rows[fmt.Sprint(code)] = errorRow{codeError{code, canary}, errors.ErrGeneral, errors.ErrDuplicate, failed}
	}
	requireVerdicts(t, "sqlite", rows)

	undone, _ := gormstore.Judge("mysql", codeError{5, canary})
	require.False(t, undone, "a number means something on its own dialect only")
}

// codeError has the shape of the errors of modernc.org/sqlite.
type codeError struct {
	code int
	text string
}

func (e codeError) Error() string { return e.text }
func (e codeError) Code() int     { return e.code }

// fieldError has the shape of the errors of github.com/mattn/go-sqlite3, which
// needs a C compiler.
type fieldError struct {
	Code         errNo
	ExtendedCode errNo
	SystemErrno  syscall.Errno
	text         string
}

type errNo int

func (e fieldError) Error() string { return e.text }

func TestConnectionErrors(t *testing.T) {
	t.Parallel()
	addr := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 3306}
	refused := &net.OpError{Op: "dial", Net: "tcp", Addr: addr, Err: syscall.ECONNREFUSED}
	requireVerdicts(t, "mysql", map[string]errorRow{
		"refused":          {refused, errors.ErrUnavailable, nil, failed},
		"refused, account": {fmt.Errorf("failed to connect to user=%s: %w", canary, refused), errors.ErrUnavailable, nil, failed},
		"reset":            {&net.OpError{Op: "read", Net: "tcp", Addr: addr, Err: syscall.ECONNRESET}, errors.ErrUnavailable, nil, unsure},
		"unknown host":     {&net.DNSError{Err: "no such host", Name: "db"}, errors.ErrUnavailable, nil, failed},
		"invalid":          {mysql.ErrInvalidConn, errors.ErrUnavailable, nil, unsure},
		"bad":              {driver.ErrBadConn, errors.ErrUnavailable, nil, unsure},
		"done":             {sql.ErrConnDone, errors.ErrUnavailable, nil, unsure},
		"EOF":              {fmt.Errorf("%s: %w", canary, io.EOF), errors.ErrUnavailable, nil, unsure},
		"unexpected EOF":   {io.ErrUnexpectedEOF, errors.ErrUnavailable, nil, unsure},
		"in the handshake": {errors.New("bad connection"), errors.ErrUnavailable, nil, failed},
		"pool closed":      {errors.New("sql: database is closed"), errors.ErrUnavailable, nil, failed},
		"deadline":         {context.DeadlineExceeded, errors.ErrUnavailable, context.DeadlineExceeded, failed},
		"cancelled":        {fmt.Errorf("%s: %w", canary, context.Canceled), errors.ErrUnavailable, context.Canceled, failed},
		"TLS":              {tls.RecordHeaderError{Msg: canary}, errors.ErrUnavailable, nil, failed},
		"of any kind":      {errors.New(canary), errors.ErrUnavailable, nil, failed},
		"scan":             {fmt.Errorf("sql: Scan error: converting %s: %w", canary, errors.New(canary)), errors.ErrGeneral, nil, failed},
	})
}

func requireVerdicts(t *testing.T, dialect string, rows map[string]errorRow) {
	t.Helper()
	for name, row := range rows {
		err := gormstore.Translate(t.Context(), dialect, row.err)
		require.ErrorIs(t, err, row.class, name)
		require.ErrorIs(t, err, errors.ErrGeneral, name)
		require.Equal(t, errors.Is(row.class, errors.ErrUnavailable), errors.Is(err, errors.ErrUnavailable), name)
		if row.reason != nil {
			require.ErrorIs(t, err, row.reason, name)
		}
		require.NotContains(t, err.Error(), canary, name)
		require.NotContains(t, err.Error(), "\x00", name)
		wasUndone, isUnknown := gormstore.Judge(dialect, row.err)
		require.Equal(t, row.outcome == undone, wasUndone, name)
		require.Equal(t, row.outcome == unsure, isUnknown, name)
	}
}

// Drivers say "invalid connection" or "interrupted" when the caller has gone.
func TestTheEndOfTheContextIsTheReason(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range []error{mysql.ErrInvalidConn, mysqlError(1317, "70100", "interrupted"), io.EOF} {
		err = gormstore.Translate(ctx, "mysql", err)
		require.ErrorIs(t, err, errors.ErrUnavailable)
		require.ErrorIs(t, err, context.Canceled)
	}
	err := gormstore.Translate(ctx, "mysql", mysqlError(1062, "23000", "Duplicate"))
	require.ErrorIs(t, err, errors.ErrDuplicate, "a definite answer stays one")
	require.NotErrorIs(t, err, context.Canceled)
}

func TestTranslateKeepsTheKitsOwn(t *testing.T) {
	t.Parallel()
	require.NoError(t, gormstore.Translate(t.Context(), "mysql", nil))
	own := errors.WithReason(errors.ErrInvalidInput, errors.ErrValueTooLarge)
	require.Equal(t, own, gormstore.Translate(t.Context(), "mysql", own))
}
