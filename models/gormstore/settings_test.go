package gormstore_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// mysqlSettings are DSN parameters and session variables that an application may have
// for reasons of its own. The contract holds under each of them.
func mysqlSettings(mariaDB bool) map[string]string {
	list := map[string]string{
		// The driver's own.
		"names with table":       "columnsWithAlias=true&multiStatements=true",
		"names with table, text": "columnsWithAlias=true&interpolateParams=true&compress=true",
		// Character sets.
		"utf8":         "charset=utf8&rejectReadOnly=true",
		"latin1, text": "charset=latin1&interpolateParams=true",
		"ascii":        "charset=ascii",
		"japanese":     "charset=sjis",
		"a collation":  "charset=latin1&collation=latin1_general_cs",
		// What the server lets a session do.
		"safe updates":       "sql_safe_updates=1",
		"safe updates, text": "sql_safe_updates=1&interpolateParams=true&clientFoundRows=true",
		"select limit":       "sql_select_limit=1&big_tables=1",
		"as mysql -U":        "sql_safe_updates=1&sql_select_limit=1000&max_join_size=1000000",
		"another engine":     "default_storage_engine=MyISAM&autocommit=1&parseTime=true&loc=Pacific%2FApia",
	}
	for i, mode := range []string{
		"ANSI_QUOTES,PAD_CHAR_TO_FULL_LENGTH", "NO_BACKSLASH_ESCAPES", "ANSI,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES",
		"TRADITIONAL", "HIGH_NOT_PRECEDENCE,IGNORE_SPACE,ONLY_FULL_GROUP_BY",
	} {
		list["sql_mode "+mode] = fmt.Sprintf("interpolateParams=%t&sql_mode=%s", i%2 == 1, url.QueryEscape("'"+mode+"'"))
	}
	if mariaDB {
		list["max_statement_time"] = "max_statement_time=30"
		for _, mode := range []string{"ORACLE", "EMPTY_STRING_IS_NULL", "SIMULTANEOUS_ASSIGNMENT"} {
			list["sql_mode "+mode] = "sql_mode='" + mode + "'"
			list["sql_mode "+mode+", text"] = "interpolateParams=true&sql_mode='" + mode + "'"
		}
	} else {
		list["limits"] = "max_execution_time=30000"
	}
	return list
}

func TestContractUnderMySQLSettings(t *testing.T) {
	t.Parallel()
	for name, params := range mysqlSettings(isMariaDB(t, testdb.MySQL(t))) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conform(t, testdb.MySQL(t, params), 1)
		})
	}
}

func TestContractUnderPostgresSettings(t *testing.T) {
	t.Parallel()
	for setting, mode := range map[string]pgx.QueryExecMode{
		"bytea_output = 'escape'":                pgx.QueryExecModeCacheStatement,
		"standard_conforming_strings = off":      pgx.QueryExecModeCacheStatement,
		"client_encoding = 'LATIN1'":             pgx.QueryExecModeCacheStatement,
		"plan_cache_mode = 'force_generic_plan'": pgx.QueryExecModeCacheStatement,
		"datestyle = 'German'":                   pgx.QueryExecModeSimpleProtocol,
		"enable_indexscan = off":                 pgx.QueryExecModeSimpleProtocol,
	} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			conform(t, reopenedPostgres(t, setting, func(c *pgx.ConnConfig) { c.DefaultQueryExecMode = mode }), 1)
		})
	}
}

// A user agent decorates a list: no setting makes it fail a sign-in. On MySQL it comes
// back as it was.
func TestUserAgentFailsNoSignIn(t *testing.T) {
	t.Parallel()
	agents := []string{
		"App (\U0001f600)", "\u00e9t\u00e9", "\u6f22\u5b57", "\u20ac\u0394", strings.Repeat("\U0001f600", 63),
		"\\'\"; --", "\u00a0\ufeff", "",
	}
	for _, charset := range []string{"utf8", "utf8mb4", "utf8mb3", "latin1", "ascii", "cp1251", "gbk", "sjis"} {
		for _, text := range []string{"", "&interpolateParams=true"} {
			if text != "" && (charset == "gbk" || charset == "sjis") {
				continue // the driver refuses it: not safe
			}
			t.Run(charset+text, func(t *testing.T) {
				t.Parallel()
				store := newStore(t, testdb.MySQL(t, "charset="+charset+text))
				for i, agent := range agents {
					row := newRow(fmt.Sprint(i))
					row.UserAgent = agent
					require.NoError(t, store.Insert(t.Context(), &row), "%q", agent)
					require.NoError(t, store.Insert(t.Context(), &row), "%q, sent again", agent)
					found, err := store.Find(t.Context(), row.Handle)
					require.NoError(t, err)
					require.Equal(t, agent, found.UserAgent)
				}
			})
		}
	}
}

// A PostgreSQL database of another encoding cannot hold all of them: what it can is kept.
func TestUserAgentInAnotherEncoding(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"LATIN1", "SQL_ASCII", "KOI8R"} {
		t.Run(encoding, func(t *testing.T) {
			t.Parallel()
			store := newStore(t, postgresEncoded(t, encoding))
			for agent, least := range map[string]string{"App (\U0001f600) 1": "App () 1", "plain": "plain", "\u6f22": ""} {
				row := newRow("of " + agent)
				row.UserID, row.UserAgent = "\u6f22\U0001f600", agent
				require.NoError(t, store.Insert(t.Context(), &row), "%q", agent)
				require.NoError(t, store.Insert(t.Context(), &row), "%q, sent again", agent)
				found, err := store.Find(t.Context(), row.Handle)
				require.NoError(t, err)
				require.Contains(t, []string{agent, least}, found.UserAgent)
				found.UserAgent = agent
				require.Equal(t, &row, found, "and nothing else is lost")
			}
		})
	}
}

func postgresEncoded(t *testing.T, encoding string) *gorm.DB {
	t.Helper()
	outer := testdb.Postgres(t)
	name := postgresName(t, outer) + "_e"
	rawExec(t, outer, fmt.Sprintf(`CREATE DATABASE "%s" ENCODING '%s' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`, name, encoding))
	config := postgresConfig(t, name)
	config.RuntimeParams["client_encoding"] = "UTF8" // else pgx leaves it to the database, and nothing is converted
	pool := stdlib.OpenDB(*config)
	t.Cleanup(func() {
		require.NoError(t, pool.Close())
		require.NoError(t, outer.Exec(fmt.Sprintf(`DROP DATABASE "%s"`, name)).Error)
	})
	db, err := gorm.Open(postgres.New(postgres.Config{Conn: pool}), &gorm.Config{Logger: logger.Discard})
	require.NoError(t, err)
	return db
}

// withParams adds parameters to a DSN that may have some.
func withParams(dsn, params string) string {
	if strings.Contains(dsn, "?") {
		return dsn + "&" + params
	}
	return dsn + "?" + params
}

// With autocommit=0 nothing lasts, and the locks that a SELECT leaves behind would stop
// whoever migrates next. Both ways in refuse it before they touch a table.
func TestAutocommitOff(t *testing.T) {
	t.Parallel()
	for _, params := range []string{"autocommit=0", "autocommit=0&interpolateParams=true", "autocommit=false", "autocommit=OFF"} {
		t.Run(params, func(t *testing.T) {
			t.Parallel()
			dsn := testdb.MySQLDSN(t)
			off, err := gorm.Open(mysql.Open(withParams(dsn, params)), &gorm.Config{Logger: logger.Discard})
			require.NoError(t, err)
			pool, err := off.DB()
			require.NoError(t, err)
			defer pool.Close()
			good, err := gorm.Open(mysql.Open(dsn), &gorm.Config{Logger: logger.Discard})
			require.NoError(t, err)
			goodPool, err := good.DB()
			require.NoError(t, err)
			defer goodPool.Close()

			store, err := gormstore.New(off, gormstore.Config{})
			require.NoError(t, err)
			for range 3 { // before there are tables, and after
				for _, err := range []error{store.Check(t.Context()), store.Migrate(t.Context())} {
					require.ErrorIs(t, err, errors.ErrConfig)
					require.NotErrorIs(t, err, errors.ErrUnavailable)
					require.ErrorContains(t, err, "autocommit=0")
				}
				newStore(t, good) // no lock of the other stops it
			}
		})
	}
}
