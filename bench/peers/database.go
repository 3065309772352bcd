package main

import (
	"context"
	"database/sql"

	"github.com/go-sql-driver/mysql"
)

// databases makes one empty database for every server, so that none gets in
// another's way, and returns the server's version.
func databases(ctx context.Context, dsn *mysql.Config, names []string) (version string, err error) {
	pool, err := sql.Open("mysql", dsn.FormatDSN())
	if err != nil {
		return "", err
	}
	defer pool.Close() //nolint:errcheck // everything has been read
	for _, name := range names {
		for _, statement := range []string{"DROP DATABASE IF EXISTS ", "CREATE DATABASE "} {
			if _, err = pool.ExecContext(ctx, statement+databaseOf(name)); err != nil {
				return "", err
			}
		}
	}
	return version, pool.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version)
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
