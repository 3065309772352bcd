package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/gin-sessionkit/sessionkit/bench/peers/servers"
)

// mariadb is what the report and the meter must know about the database.
type mariadb struct {
	version    string
	durability string
	pid        int
}

// prepare makes one empty database for every server, so that none gets in
// another's way.
func prepare(ctx context.Context, dsn *mysql.Config) (mariadb, error) {
	pool, err := sql.Open("mysql", dsn.FormatDSN())
	if err != nil {
		return mariadb{}, err
	}
	defer pool.Close() //nolint:errcheck // everything has been read
	for _, s := range servers.All() {
		for _, statement := range []string{"DROP DATABASE IF EXISTS ", "CREATE DATABASE "} {
			if _, err = pool.ExecContext(ctx, statement+databaseOf(s.Name)); err != nil {
				return mariadb{}, err
			}
		}
	}
	return ask(ctx, pool)
}

func ask(ctx context.Context, pool *sql.DB) (mariadb, error) {
	var m mariadb
	var pidFile string
	err := pool.QueryRowContext(ctx, `SELECT VERSION(), CONCAT(
		'innodb_flush_log_at_trx_commit=', @@innodb_flush_log_at_trx_commit,
		', innodb_flush_method=', @@innodb_flush_method, ', log_bin=', @@log_bin,
		', innodb_buffer_pool_size=', @@innodb_buffer_pool_size DIV 1048576, 'M'), @@pid_file`,
	).Scan(&m.version, &m.durability, &pidFile)
	if err != nil {
		return m, err
	}
	text, err := os.ReadFile(pidFile)
	if err != nil {
		return m, fmt.Errorf("the database must run on this machine: %w", err)
	}
	m.pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
	return m, err
}

// databaseOf is a name that the account of scripts/mariadb.sh may create.
func databaseOf(server string) string { return "app_peers_" + server }

// dsnFor is the same DSN for every server, but for the database.
func dsnFor(base *mysql.Config, server string) *mysql.Config {
	dsn := base.Clone()
	dsn.DBName = databaseOf(server)
	dsn.ParseTime = true // which two of them ask for
	return dsn
}
