package gormstore_test

import (
	"database/sql"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gin-sessionkit/sessionkit/internal/testdb"
)

// reopenedPostgres opens a fresh database, with a default for its connections
// (if not empty), which change makes to the driver's liking.
func reopenedPostgres(t *testing.T, setting string, change func(*pgx.ConnConfig)) *gorm.DB {
	t.Helper()
	first := testdb.Postgres(t)
	name := postgresName(t, first)
	if setting != "" {
		rawExec(t, first, `ALTER DATABASE "`+name+`" SET `+setting)
	}
	config := postgresConfig(t, name)
	change(config)
	pool := stdlib.OpenDB(*config)
	t.Cleanup(func() { require.NoError(t, pool.Close()) })
	return openPostgresPool(t, pool)
}

func openPostgresPool(t *testing.T, pool *sql.DB) *gorm.DB {
	t.Helper()
	db, err := gorm.Open(postgres.New(postgres.Config{Conn: pool}), &gorm.Config{Logger: logger.Discard})
	require.NoError(t, err)
	return db
}

// postgresName returns the name of the database that db is connected to.
func postgresName(t *testing.T, db *gorm.DB) string {
	t.Helper()
	var name string
	require.NoError(t, db.Raw("SELECT current_database()").Scan(&name).Error)
	return name
}

// postgresConfig is the test server's for another database.
func postgresConfig(t *testing.T, database string) *pgx.ConnConfig {
	t.Helper()
	config, err := pgx.ParseConfig(os.Getenv(testdb.EnvPostgres))
	require.NoError(t, err)
	config.Database = database
	return config
}
