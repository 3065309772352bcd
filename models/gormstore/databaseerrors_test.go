package gormstore_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// A message with numbers and words in it that mean something elsewhere.
const elsewhere = " for table 'auth_28', key 149, pxc error 228 of 1286"

// What a server may say at any time, and what becomes of it. The first rows are those
// that were internal errors.
func TestDatabaseErrors(t *testing.T) {
	t.Parallel()
	rows := map[string]errorRow{}
	away := func(state, message string, numbers ...uint16) {
		for _, n := range numbers {
			rows[fmt.Sprint(n, " ", message)] = errorRow{mysqlError(n, state, message), errors.ErrUnavailable, nil, failed}
		}
	}
	repeated := func(state, message string, numbers ...uint16) {
		for _, n := range numbers {
			rows[fmt.Sprint(n, " ", message)] = errorRow{mysqlError(n, state, message), errors.ErrUnavailable, nil, undone}
		}
	}
	open := func(message string, numbers ...uint16) {
		for _, n := range numbers {
			rows[fmt.Sprint(n, " ", message)] = errorRow{mysqlError(n, "HY000", message), errors.ErrUnavailable, nil, unsure}
		}
	}
	final := func(state, message string, numbers ...uint16) {
		for _, n := range numbers {
			rows[fmt.Sprint(n, " ", message)] = errorRow{mysqlError(n, state, message), errors.ErrGeneral, nil, failed}
		}
	}
	// F-6, first input: the server says that nothing was executed.
	repeated("HY000", "Prepared statement needs to be re-prepared", 1615)
	repeated("HY000", "Unknown prepared statement handler (1) given to mysqld_stmt_execute", 1243)
	repeated("42000", "Can't create more than max_prepared_stmt_count statements", 1461)
	repeated("HY000", "Table definition has changed, please retry transaction", 1412)
	repeated("HY000", "Wait on a lock was aborted", 1689)
	repeated("40001", "WSREP detected deadlock", 1213)
	// F-6, second input.
	away("HY000", "server", 1037, 1041, 1206, 3168, 3572)
	away("28000", "Access denied for user", 1045, 1698)
	away("42000", "Unknown database, or no access to it", 1049, 1044)
	away("HY000", "Host is not allowed to connect", 1130, 1129)
	away("08S01", "Normal shutdown", 1077, 1079)
	open("session was killed", 3169)
	away("HY000", "target: main.-80.primary: vttablet: rpc error: code = Unavailable desc = x", 1105)
	// Of the same kind, and in none of the lists.
	away("HY000", "unknown to everybody", 1296, 1297, 1436, 1598, 1705, 1815, 1820, 1862, 3118, 3159, 3170, 3955, 4151, 65535)
	away("70100", "Query execution was interrupted", 1317)
	away("25006", "Cannot execute statement in a READ ONLY transaction", 1792)
	away("45000", "a trigger: closed for maintenance", 1644)
	away("HY000", "Max connect timeout reached while reaching hostgroup 0", 9006, 9012)
	// TiDB and Vitess, D-2.
	repeated("HY000", "Write conflict", 8002, 8005, 8022, 8028, 9007)
	repeated("HY000", "pessimistic lock retry limit reached", 1105)
	open("TiKV", 8027, 9001, 9002, 9003, 9004, 9005, 9008, 9010, 9011)
	away("HY000", "out of quota", 8175, 8176, 8252, 8253)
	for _, message := range []string{
		"no healthy tablet available for 'keyspace:\"main\"'", "operation not allowed in state SHUTTING_DOWN",
		"primary is not serving, there may be a reparent operation in progress",
		"vttablet: rpc error: code = Code(17) desc = the query server", "VT14002: no available connection",
		"something that nobody has written down yet",
	} {
		away("HY000", message, 1105)
	}
	// A tablet that has waited a second for a place, or for a connection to its MySQL.
	repeated("42000", "target: app.-80.primary: vttablet: rpc error: code = ResourceExhausted desc = transaction pool connection limit exceeded", 1203)
	for _, code := range []string{"DeadlineExceeded desc = context deadline exceeded", "Canceled desc = (errno 3024) x", "Aborted desc = transaction was aborted"} {
		open("target: app.-80.primary: vttablet: rpc error: code = "+code, 1317, 3024)
	}
	away("42000", "User app already has more than 'max_user_connections' active connections", 1203)
	away("HY000", "Query execution was interrupted, maximum statement execution time exceeded", 3024)
	rows["8004"] = errorRow{mysqlError(8004, "HY000", "Transaction is too large"), errors.ErrInvalidInput, errors.ErrValueTooLarge, failed}
	rows["8025"] = errorRow{mysqlError(8025, "HY000", "entry too large"), errors.ErrInvalidInput, errors.ErrValueTooLarge, failed}
	// What a statement causes by its shape stays what it is.
	final("42000", "syntax, rights, limits of the grammar", 1064, 1142, 1143, 1227, 1235, 1370, 1071, 1118, 1104, 1305)
	final("22001", "Data too long for column", 1406)
	final("22003", "Out of range", 1264)
	final("21S01", "Column count", 1136)
	final("23000", "cannot be null", 1048)
	final("HY000", "of a statement's shape", 1175, 1193, 1210, 1267, 1273, 1366, 1390, 8048)
	final("HY000", "VT12001: unsupported: this statement", 1105)
	final("HY000", "VT13001: [BUG] planner", 1105)
	final("HY000", "vttablet: rpc error: code = InvalidArgument desc = x", 1105)
	final("HY000", "Percona-XtraDB-Cluster prohibits use of GET_LOCK with pxc_strict_mode = ENFORCING", 1105)
	rows["1364"] = errorRow{mysqlError(1364, "HY000", "Field has no default"), errors.ErrGeneral, errors.ErrSchema, failed}
	requireVerdicts(t, "mysql", rows)
}

func TestPostgresErrorsOfNoShape(t *testing.T) {
	t.Parallel()
	rows := map[string]errorRow{}
	for _, code := range []string{
		"28000", "28P01", "3D000", "25006", "25P02", "53300", "58P01", "XX000", "XX001", "72000", "F0000", "P0001", "55000", "99999", "54001",
	} {
		rows[code] = errorRow{stateError(code), errors.ErrUnavailable, nil, failed}
	}
	for _, code := range []string{"26000", "42P05"} {
		rows[code] = errorRow{stateError(code), errors.ErrUnavailable, nil, undone}
	}
	for _, code := range []string{"42601", "42501", "42883", "22001", "22P02", "23514", "21000", "44000"} {
		rows[code] = errorRow{stateError(code), errors.ErrGeneral, nil, failed}
	}
	rows["54000"] = errorRow{stateError("54000"), errors.ErrInvalidInput, errors.ErrValueTooLarge, failed}
	requireVerdicts(t, "postgres", rows)
}

type stateError string

func (e stateError) Error() string    { return canary }
func (e stateError) SQLState() string { return string(e) }

// A number in a message is not the number of an error.
func TestNoSpaceIsNotFoundInNames(t *testing.T) {
	t.Parallel()
	full := []string{
		"Got error 28 from storage engine", "Got error 28 'No space left on device' from InnoDB", "Error writing file './x' (errno: 28)",
		"Error writing file './x' (OS errno 28 - No space left on device)", "error: 28", "(Errcode: 28 \"No space left on device\")",
	}
	for _, number := range []uint16{1026, 1030} {
		for _, message := range full {
			err := gormstore.Translate(t.Context(), "mysql", mysqlError(number, "HY000", message+elsewhere))
			require.ErrorContains(t, err, "no space left", message)
		}
		for _, message := range []string{"Got error 168 'Unknown'", "Got error 280 from storage engine", "Error 128"} {
			err := gormstore.Translate(t.Context(), "mysql", mysqlError(number, "HY000", message+elsewhere))
			require.NotContains(t, err.Error(), "no space left", message)
		}
	}
	lost, _ := gormstore.Judge("mysql", mysqlError(1180, "HY000", "Got error 149 \"Lock deadlock; Retry transaction\" during COMMIT"))
	require.True(t, lost)
	for _, message := range []string{"Got error 1490 during COMMIT", "Got error 6 during COMMIT of table t_error 149x" + elsewhere} {
		lost, _ = gormstore.Judge("mysql", mysqlError(1180, "HY000", message))
		require.False(t, lost, message)
	}
}

// failing adds an error to every statement of db, or to the next ones.
func failStatements(t *testing.T, db *gorm.DB) (fail func(err error, times int32)) {
	t.Helper()
	var left atomic.Int32
	var current atomic.Pointer[error]
	spoil := func(db *gorm.DB) {
		if !db.DryRun && left.Add(-1) >= 0 {
			_ = db.AddError(*current.Load())
		}
	}
	require.NoError(t, db.Callback().Raw().Before("gorm:raw").Register("fail", spoil))
	require.NoError(t, db.Callback().Row().Before("gorm:row").Register("fail", spoil))
	return func(err error, times int32) {
		current.Store(&err)
		left.Store(times)
	}
}

// The store repeats by itself what the server undid, in every method.
func TestUndoneStatementsAreRepeated(t *testing.T) {
	t.Parallel()
	db := openMySQL(t)
	store := newStore(t, db)
	fail := failStatements(t, db)
	for _, number := range []uint16{1615, 1412, 1213, 1205, 9007, 8022, 1689} {
		row := newRow(fmt.Sprint(number))
		for _, m := range methods(t, store, &row) {
			if m.name == "Migrate" || m.statements == 0 || m.name == "DeleteKeys" {
				continue
			}
			fail(mysqlError(number, "HY000", "undone"), 2)
			require.NoError(t, m.call(), "%d, %s", number, m.name)
		}
		rawExec(t, db, "DELETE FROM auth_sessions")
		rawExec(t, db, "DELETE FROM auth_signing_keys")
		rawExec(t, db, "UPDATE auth_meta SET value = 0 WHERE name = 'cleanup'")
	}
}

// A deadlock in the second statement of RevokeAll: the page is ended all the same, and
// counted once.
func TestRevokeAllRepeatsItsPage(t *testing.T) {
	t.Parallel()
	db := openMySQL(t)
	store := newStore(t, db)
	for i := range 5 {
		row := newRow(fmt.Sprint(i))
		row.UserID = "bob"
		require.NoError(t, store.Insert(t.Context(), &row))
	}
	fail := failStatements(t, db)
	fail(mysqlError(1213, "40001", "Deadlock"), 3)
	done, err := store.RevokeAll(t.Context(), models.RevocationOfUser{UserID: "bob", Now: now, Limit: 3})
	require.NoError(t, err)
	require.Equal(t, 3, done.Count)
	fail(mysqlError(1045, "28000", "Access denied"), 1)
	_, err = store.RevokeAll(t.Context(), models.RevocationOfUser{UserID: "bob", Now: now, From: *done.Next, Limit: 3})
	require.ErrorIs(t, err, errors.ErrUnavailable)
	done, err = store.RevokeAll(t.Context(), models.RevocationOfUser{UserID: "bob", Now: now, From: *done.Next, Limit: 3})
	require.NoError(t, err)
	require.Equal(t, models.RevokedOfUser{Count: 2}, done)
}
