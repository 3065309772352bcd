package gormstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	mysqldriver "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// makeVersion runs the schema's files up to a version, as older code did.
func makeVersion(t *testing.T, db *gorm.DB, version string) {
	t.Helper()
	files, err := filepath.Glob("schema/" + db.Name() + "/*.sql")
	require.NoError(t, err)
	quote := map[string]string{"mysql": "`"}[db.Name()]
	names := strings.NewReplacer("{cleanup rows}", "('cleanup', 0)", "{home column}", "", "{home}", "", "{sessions_", quote+"auth_sessions_", "{sessions", quote+"auth_sessions",
		"{keys_", quote+"auth_signing_keys_", "{keys", quote+"auth_signing_keys", "{meta", quote+"auth_meta", "{feed", quote+"auth_feed", "}", quote)
	for _, file := range files {
		if filepath.Base(file) > version+"_~" {
			continue
		}
		text, err := os.ReadFile(file) //nolint:gosec // the project's own
		require.NoError(t, err)
		for statement := range strings.SplitSeq(names.Replace(string(text)), ";\n") {
			if strings.TrimSpace(statement) != "" {
				rawExec(t, db, statement)
			}
		}
	}
}

func userIDOf(length int, text string) string {
	return strings.Repeat(text, length/len(text)) + strings.Repeat("x", length%len(text))
}

// Rows of the first version's table come through, and the longest ids fit afterwards.
// Many processes migrate it at once.
func TestMigrateFromVersion1(t *testing.T) {
	t.Parallel()
	family := startChildren(t, 2)
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			db := engine.open(t)
			makeVersion(t, db, "0001")
			require.EqualValues(t, 1, schemaVersion(t, db))
			store := emptyStore(t, db)
			require.ErrorContains(t, store.Check(t.Context()), "table auth_sessions lacks auth_at, aal, idle_ms, flags, label, amr, origin; call Migrate")
			old := oldRow("old")
			old.UserID = userIDOf(128, "o")
			insertOld(t, db, old)

			if engine.name == "mysql" {
				var name string
				require.NoError(t, db.Raw("SELECT DATABASE()").Scan(&name).Error)
				config, err := mysqldriver.ParseDSN(os.Getenv(testdb.EnvMySQL))
				require.NoError(t, err)
				config.DBName = name
				family.migrate(t, "mysql", config.FormatDSN())
			}
			require.NoError(t, store.Migrate(t.Context()))
			require.EqualValues(t, 3, schemaVersion(t, db))
			require.NoError(t, store.Check(t.Context()))
			found, err := store.Find(t.Context(), old.Handle)
			require.NoError(t, err)
			require.Equal(t, &old, found)
			requireLongIDs(t, store)

			text, err := gormstore.Schema(engine.name, gormstore.Config{})
			require.NoError(t, err)
			runText(t, db, text, true)
			requireLongIDs(t, store)
		})
	}
}

// Version 2 goes on beside version 3, and rows of both come through. A migration that
// broke off after any of its statements is repeated.
func TestMigrateFromVersion2(t *testing.T) {
	t.Parallel()
	onEachDB(t, func(t *testing.T, db *gorm.DB) {
		makeVersion(t, db, "0002")
		require.EqualValues(t, 2, schemaVersion(t, db))
		rows := []models.Session{oldRow("before"), oldRow("beside")}
		insertOld(t, db, rows[0])
		store := emptyStore(t, db)
		require.ErrorIs(t, store.Check(t.Context()), errors.ErrSchema)

		text, err := os.ReadFile("schema/" + db.Name() + "/0003_feed.sql")
		require.NoError(t, err)
		count := strings.Count(string(text), ";\n")
		require.Greater(t, count, 3)
		for broken := range count {
			runFirst(t, db, string(text), broken+1)
			rawExec(t, db, "UPDATE auth_meta SET value = 2 WHERE name = 'schema_version'")
			require.NoError(t, store.Migrate(t.Context()), "after %d statements", broken+1)
			require.EqualValues(t, 3, schemaVersion(t, db))
		}
		require.NoError(t, store.Check(t.Context()))
		insertOld(t, db, rows[1])
		for _, row := range rows {
			found, err := store.Find(t.Context(), row.Handle)
			require.NoError(t, err)
			require.Equal(t, &row, found)
		}
	})
}

// runFirst runs the first n statements of a step, of which some may have been run.
func runFirst(t *testing.T, db *gorm.DB, text string, n int) {
	t.Helper()
	quote := map[string]string{"mysql": "`"}[db.Name()]
	text = strings.NewReplacer("{sessions}", quote+"auth_sessions"+quote, "{meta}", quote+"auth_meta"+quote,
		"{feed}", quote+"auth_feed"+quote).Replace(text)
	parts := strings.SplitAfter(text, ";\n")
	runText(t, db, strings.Join(parts[:n], ""), true)
}

// oldRow is newRow as code of versions 1 and 2 knows rows, insertOld stores it.
func oldRow(handle string) models.Session {
	row := newRow(handle)
	row.AuthAt, row.AMR, row.Level, row.IdleMillis, row.Flags, row.Label, row.Origin = 0, "", 0, 0, 0, "", ""
	return row
}

func insertOld(t *testing.T, db *gorm.DB, row models.Session) {
	t.Helper()
	require.NoError(t, db.Table("auth_sessions").
		Omit("auth_at", "amr", "aal", "idle_ms", "flags", "label", "origin").Create(&row).Error)
}

func requireLongIDs(t *testing.T, store *gormstore.Store) {
	t.Helper()
	for i, id := range []string{
		userIDOf(255, "a"), userIDOf(254, "a") + "b", userIDOf(255, "\u00e9"), userIDOf(255, "\U0001f600"),
		userIDOf(129, "a"), userIDOf(200, "a"), userIDOf(128, "a"), userIDOf(127, "a") + "\u00e9",
	} {
		row := newRow(fmt.Sprint("long ", i))
		row.UserID = id
		require.NoError(t, store.Insert(t.Context(), &row), "%d bytes", len(id))
		page, err := store.List(t.Context(), models.SessionsOfUser{UserID: id, Now: now})
		require.NoError(t, err)
		require.Len(t, page.Sessions, 1)
		require.Equal(t, id, page.Sessions[0].UserID)
		ok, err := store.Revoke(t.Context(), models.Revocation{Handle: row.Handle, UserID: id, Now: now})
		require.NoError(t, err)
		require.True(t, ok)
		_, err = store.DeleteEnded(t.Context(), models.EndedSessions{Before: now + 1000*hour, Limit: 1000})
		require.NoError(t, err)
	}
	for _, id := range []string{userIDOf(256, "a"), userIDOf(256, "\u00e9"), userIDOf(1000, "a")} {
		row := newRow("too long")
		row.UserID = id
		require.ErrorIs(t, store.Insert(t.Context(), &row), errors.ErrInvalidInput)
	}
}

// gate is a driver before the driver, which may answer statements itself.
type gate struct {
	driver.Connector
	answer func(query string) error // nil = let it through
}

func (g gate) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := g.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return gateConn{conn, g.answer}, nil
}

// gateConn has only what database/sql asks of every driver, and contexts.
type gateConn struct {
	driver.Conn
	answer func(query string) error
}

func (c gateConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if err := c.answer(query); err != nil {
		return nil, err
	}
	return c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
}

func (c gateConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, opts)
}

func gatedMySQL(t *testing.T, answer func(query string) error) *gorm.DB {
	t.Helper()
	config, err := mysqldriver.ParseDSN(testdb.MySQLDSN(t))
	require.NoError(t, err)
	connector, err := mysqldriver.NewConnector(config)
	require.NoError(t, err)
	pool := sql.OpenDB(gate{connector, answer})
	t.Cleanup(func() { require.NoError(t, pool.Close()) })
	db, err := gorm.Open(mysql.New(mysql.Config{Conn: pool}), &gorm.Config{Logger: logger.Discard})
	require.NoError(t, err)
	return db
}

// Servers that have no locks by name, or forbid them: Migrate works without.
func TestMigrateWithoutNamedLocks(t *testing.T) {
	t.Parallel()
	const prohibits = "Percona-XtraDB-Cluster prohibits use of GET_LOCK with pxc_strict_mode = "
	for name, refusal := range map[string]error{
		"PXC enforcing":      mysqlError(1105, "HY000", prohibits+"ENFORCING"),
		"PXC master":         mysqlError(1105, "HY000", prohibits+"MASTER"),
		"not supported":      mysqlError(1235, "42000", "This version doesn't yet support 'GET_LOCK'"),
		"no such function":   mysqlError(1305, "42000", "FUNCTION app.GET_LOCK does not exist"),
		"nothing is refused": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := gatedMySQL(t, func(query string) error {
				if refusal != nil && strings.Contains(query, "GET_LOCK") {
					return refusal
				}
				require.False(t, strings.HasPrefix(query, "DO "), "on TiDB a prepared DO releases nothing")
				return nil
			})
			store := emptyStore(t, db)
			require.NoError(t, store.Migrate(t.Context()))
			require.NoError(t, store.Migrate(t.Context()))
			exercise(t, store)
		})
	}
}

// Whether or not the server says that the lock was released, the tables are made: seen on
// TiDB, under load.
func TestMigrateWhoseLockIsLost(t *testing.T) {
	t.Parallel()
	db := gatedMySQL(t, func(query string) error {
		if strings.Contains(query, "RELEASE_LOCK") {
			return mysqlError(1105, "HY000", "no such lock")
		}
		return nil
	})
	store := emptyStore(t, db)
	require.NoError(t, store.Migrate(t.Context()))
	exercise(t, store)
}

// A migration that the server refuses says at which statement, in the server's own
// words, and what to do. It holds no account and no password.
func TestMigrateSaysWhatWasRefused(t *testing.T) {
	t.Parallel()
	for statement, refusal := range map[string]error{
		"CREATE TABLE IF NOT EXISTS `auth_sessions`": mysqlError(1142, "42000", "CREATE command denied"),
		"CREATE TABLE IF NOT EXISTS `auth_meta`":     mysqlError(1050, "42S01", "Table exists"),
		"ALTER TABLE `auth_sessions`":                mysqlError(3098, "HY000", "The table does not comply"),
		"SELECT GET_LOCK":                            mysqlError(1105, "HY000", "unknown to everybody"),
	} {
		t.Run(statement, func(t *testing.T) {
			t.Parallel()
			store, err := gormstore.New(gatedMySQL(t, func(query string) error {
				if strings.Contains(query, statement) {
					return refusal
				}
				return nil
			}), gormstore.Config{})
			require.NoError(t, err)
			err = store.Migrate(t.Context())
			require.ErrorIs(t, err, errors.ErrGeneral)
			own, _ := errors.AsType[*mysqldriver.MySQLError](refusal)
			for _, part := range []string{statement, own.Message, fmt.Sprint(own.Number), "gormstore.Schema"} {
				require.ErrorContains(t, err, part)
			}
		})
	}
}
