package gormstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// abouts are what the findings are about, with their severity.
func abouts(d models.Diagnosis) []string {
	list := []string{}
	for _, f := range d.Findings {
		list = append(list, fmt.Sprintf("%s %s", f.Severity, f.About))
	}
	return list
}

// Of tables in order nothing is found, and nothing in them changes.
func TestDiagnose_nothingIsWrong(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *gorm.DB, store *gormstore.Store) {
		row := placedRow(store, "h-1")
		require.NoError(t, store.Insert(t.Context(), &row))
		require.NoError(t, store.TurnFeedOn(t.Context()))
		require.NoError(t, store.Check(t.Context())) // it knows now that the feed is on
		before := time.Now()
		d := store.Diagnose(t.Context())
		require.Empty(t, d.Findings)
		if db.Name() == "sqlite" {
			require.Zero(t, d.Clock)
		} else {
			require.False(t, d.Asked.Before(before))
			require.False(t, d.Answered.Before(d.Asked))
			require.InDelta(t, time.Now().UnixMilli(), d.Clock, 30_000)
		}
		found, err := store.Find(t.Context(), row.Handle)
		require.NoError(t, err)
		require.Equal(t, &row, found)
	})
}

// A session that refuses statements without a key, as mysql -U does, lacks no right.
func TestDiagnose_safeUpdates(t *testing.T) {
	t.Parallel()
	db := testdb.MySQL(t, "sql_safe_updates=1")
	store := newStore(t, db)
	require.ErrorContains(t, db.Exec("DELETE FROM auth_feed WHERE 1 = 0").Error, "1175")
	require.NoError(t, store.TurnFeedOn(t.Context()))
	require.NoError(t, store.Check(t.Context()))
	require.Empty(t, store.Diagnose(t.Context()).Findings)
}

func TestDiagnose_schema(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *gorm.DB, store *gormstore.Store) {
		rawExec(t, db, "ALTER TABLE auth_sessions DROP COLUMN ip")
		d := store.Diagnose(t.Context())
		require.Equal(t, []string{"error schema"}, abouts(d))
		require.Contains(t, d.Findings[0].Problem, "auth_sessions lacks ip")
		require.Contains(t, d.Findings[0].Remedy, "Migrate")
	})
}

func TestDiagnose_away(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *gorm.DB, store *gormstore.Store) {
		pool, err := db.DB()
		require.NoError(t, err)
		require.NoError(t, pool.Close())
		require.Equal(t, []string{"error database"}, abouts(store.Diagnose(t.Context())))
	})
}

func TestDiagnose_autocommit(t *testing.T) {
	t.Parallel()
	store := emptyStore(t, testdb.MySQL(t, "autocommit=0"))
	require.Equal(t, []string{"error database"}, abouts(store.Diagnose(t.Context())))
}

// The clock of the connection stands at a time of its own.
func TestDiagnose_clock(t *testing.T) {
	t.Parallel()
	store := newStore(t, testdb.MySQL(t, "timestamp=1700000000"))
	require.EqualValues(t, 1_700_000_000_000, store.Diagnose(t.Context()).Clock)
}

// A replica of PostgreSQL is read-only and says so.
func TestDiagnose_postgresReplica(t *testing.T) {
	t.Parallel()
	db := testdb.Postgres(t)
	store := newStore(t, db)
	pool, err := db.DB()
	require.NoError(t, err)
	pool.SetMaxOpenConns(1)
	rawExec(t, db, "CREATE FUNCTION public.pg_is_in_recovery() RETURNS boolean LANGUAGE sql AS 'SELECT true'")
	rawExec(t, db, "SET search_path = public, pg_catalog")
	rawExec(t, db, "SET default_transaction_read_only = on")
	d := store.Diagnose(t.Context())
	require.Contains(t, abouts(d), "error replica")
	require.Contains(t, abouts(d), "error rights")
}
