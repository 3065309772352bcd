package gormstore_test

import (
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

func shardedStore(t *testing.T, db *gorm.DB) *gormstore.Store {
	t.Helper()
	store, err := gormstore.New(db, gormstore.Config{Sharded: true})
	require.NoError(t, err)
	require.NoError(t, store.Migrate(t.Context()))
	require.NoError(t, store.Check(t.Context()))
	return store
}

// homed is newRow with a handle of the user's home.
func homed(name string) models.Session {
	row := newRow(name)
	row.Handle = handleAt(models.HomeOf(row.UserID), name)
	return row
}

// placedRow is newRow or homed, as the store has it.
func placedRow(store *gormstore.Store, name string) models.Session {
	if store.Sharded() {
		return homed(name)
	}
	return newRow(name)
}

// handleAt is a handle of a home, with up to 18 bytes of a name.
func handleAt(home models.Home, name string) string {
	var b [20]byte
	binary.BigEndian.PutUint16(b[:], uint16(home))
	copy(b[2:], name)
	return strings.ToLower(base32.HexEncoding.EncodeToString(b[:]))
}

func TestShardedContract(t *testing.T) {
	t.Parallel()
	for _, params := range [][]string{nil, {"clientFoundRows=true", "interpolateParams=true", "sql_safe_updates=1"}} {
		t.Run(fmt.Sprint(params), func(t *testing.T) {
			t.Parallel()
			db := testdb.MySQL(t, params...)
			conformWith(t, db, shardedStore(t, db), 5)
		})
	}
}

// What was made for one layout is refused by the other, at start and by Migrate, and
// stays as it is.
func TestLayoutsDoNotMix(t *testing.T) {
	t.Parallel()
	for _, sharded := range []bool{false, true} {
		t.Run(fmt.Sprint(sharded), func(t *testing.T) {
			t.Parallel()
			db := testdb.MySQL(t)
			own, err := gormstore.New(db, gormstore.Config{Sharded: sharded})
			require.NoError(t, err)
			other, err := gormstore.New(db, gormstore.Config{Sharded: !sharded})
			require.NoError(t, err)
			require.Equal(t, sharded, own.Sharded())
			require.NoError(t, own.Migrate(t.Context()))
			for range 2 {
				for _, err := range []error{other.Check(t.Context()), other.Migrate(t.Context())} {
					require.ErrorIs(t, err, errors.ErrConfig)
					require.ErrorContains(t, err, "Sharded: is")
					require.ErrorContains(t, err, "auth_sessions")
				}
				require.NoError(t, own.Migrate(t.Context()))
				require.NoError(t, own.Check(t.Context()))
				// As after a step that broke off, and as from an older version.
				rawExec(t, db, "UPDATE auth_meta SET value = 0 WHERE name = 'schema_version'")
			}
			var rows int64
			require.NoError(t, db.Raw("SELECT COUNT(*) FROM auth_meta WHERE name LIKE 'cleanup%'").Scan(&rows).Error)
			require.EqualValues(t, len(gormstore.CleanupRows(own)), rows)
		})
	}
}

// The text of Schema makes the same tables, and may be run again.
func TestShardedSchemaText(t *testing.T) {
	t.Parallel()
	db := testdb.MySQL(t)
	text, err := gormstore.Schema("mysql", gormstore.Config{Sharded: true})
	require.NoError(t, err)
	for range 2 {
		runText(t, db, text, true)
	}
	store, err := gormstore.New(db, gormstore.Config{Sharded: true})
	require.NoError(t, err)
	require.NoError(t, store.Check(t.Context()))
	plain, err := gormstore.Schema("mysql", gormstore.Config{})
	require.NoError(t, err)
	require.NotContains(t, plain, "home")
}

func TestShardedIsForMySQL(t *testing.T) {
	t.Parallel()
	for _, dialect := range []string{"postgres", "sqlite"} {
		_, err := gormstore.Schema(dialect, gormstore.Config{Sharded: true})
		require.ErrorIs(t, err, errors.ErrConfig)
		require.ErrorContains(t, err, "Sharded: there is no such layout for "+dialect)
	}
	_, err := gormstore.New(openSQLite(t), gormstore.Config{Sharded: true})
	require.ErrorIs(t, err, errors.ErrConfig)
}

// A handle of another table says nothing here: it finds nothing, and is not stored.
func TestShardedKnowsNoShortHandle(t *testing.T) {
	t.Parallel()
	db := testdb.MySQL(t)
	store := shardedStore(t, db)
	row := newRow("06dndml8fcn9lkj8h1a1k5312s")
	require.ErrorIs(t, store.Insert(t.Context(), &row), errors.ErrInvalidInput)
	found, err := store.Find(t.Context(), row.Handle)
	require.NoError(t, err)
	require.Nil(t, found)
	_, err = store.Walk(t.Context(), models.Walk{After: row.Handle})
	require.ErrorIs(t, err, errors.ErrInvalidInput)
}

// fillSharded makes 5,000 sessions, five for each user.
func fillSharded(t *testing.T, db *gorm.DB) {
	t.Helper()
	type shardedRow struct {
		Home           []byte `gorm:"column:home"`
		models.Session `gorm:"embedded"`
	}
	rows := make([]shardedRow, 5000)
	for i := range rows {
		row := newRow(fmt.Sprintf("%05d", i))
		row.UserID = fmt.Sprintf("user %d", i%1000)
		home := models.HomeOf(row.UserID)
		row.Handle = handleAt(home, fmt.Sprintf("%018d", i))
		row.ExpiresAt = now + int64(i-20)*hour
		row.AbsoluteExpiresAt = int64(i%2) * (now + int64(i-20)*hour)
		row.RevokedAt = int64(i%2) * now
		rows[i] = shardedRow{binary.BigEndian.AppendUint16(nil, uint16(home)), row}
	}
	plain := db.Session(&gorm.Session{SkipDefaultTransaction: true})
	require.NoError(t, plain.Transaction(func(tx *gorm.DB) error {
		return tx.Table("auth_sessions").CreateInBatches(rows, 500).Error
	}))
	rawExec(t, db, "ANALYZE TABLE auth_sessions")
}

// byHome matches what a statement on sessions says of where its rows lie: one home, or
// those of a slice.
var byHome = regexp.MustCompile(`home = \?|home BETWEEN \? AND \?|home IN \( \?|\(home, `)

// Each statement names the home, and finds its rows by a key that begins with it, but
// for the two index ranges of the cleanup.
func TestShardedStatementsGoByHome(t *testing.T) {
	t.Parallel()
	db := testdb.MySQL(t)
	store := shardedStore(t, db)
	fillSharded(t, db)
	all := capture(t, db)
	row := homed("counted")
	for _, m := range methodsOf(t, store, &row, homed("counted too")) {
		require.NoError(t, m.call(), m.name)
	}
	require.NoError(t, db.Transaction(func(tx *gorm.DB) error {
		return last(store.In(tx).RevokeAll(t.Context(), models.RevocationOfUser{UserID: row.UserID, Except: "x", Now: now}))
	}))
	pool, err := db.DB()
	require.NoError(t, err)
	seen := 0
	for _, s := range *all {
		if !strings.Contains(s.sql, "auth_sessions") || strings.HasPrefix(s.sql, "SELECT * FROM") {
			continue
		}
		seen++
		require.Regexp(t, byHome, s.sql)
		require.Equal(t, len(s.args), strings.Count(s.sql, "?"), s.sql)
		require.NotContains(t, s.sql, "(?", "GORM would spread bytes over several marks there")
		if strings.HasPrefix(s.sql, "INSERT") {
			continue
		}
		plan := explain(t, pool, "mysql", s)
		requireKey(t, "mysql", s.sql, plan)
		key := "key=(PRIMARY|auth_sessions_user);"
		if strings.Contains(s.sql, "UNION") {
			key = "key=(auth_sessions_expiry|auth_sessions_end);"
		}
		for line := range strings.Lines(plan) {
			if strings.Contains(line, "table=auth_sessions") {
				require.Regexp(t, key, line, "%s\n%s", s.sql, plan)
			}
		}
		if regexp.MustCompile(`home = \? AND handle = \?`).MatchString(s.sql) {
			require.Regexp(t, `rows=1;`, plan, s.sql)
		}
	}
	require.Greater(t, seen, 20)
}

// A thousand sessions of many users are as many statements as there are slices, and each
// is about its rows alone.
func TestShardedBatches(t *testing.T) {
	t.Parallel()
	db := testdb.MySQL(t)
	store := shardedStore(t, db)
	fillSharded(t, db)
	var handles []string
	require.NoError(t, db.Raw("SELECT handle FROM auth_sessions WHERE revoked_at = 0 AND expires_at > ? ORDER BY CRC32(handle) LIMIT 1000", now).
		Scan(&handles).Error)
	require.Len(t, handles, 1000)
	all := capture(t, db)
	found, err := store.FindMany(t.Context(), handles)
	require.NoError(t, err)
	require.Len(t, found, 1000)
	n, err := store.RevokeMany(t.Context(), models.RevocationOfMany{Handles: handles, Now: now})
	require.NoError(t, err)
	require.Equal(t, 1000, n)
	require.Equal(t, 2*models.HomeSlices, len(*all)) //nolint:testifylint // not to print them
	pool, err := db.DB()
	require.NoError(t, err)
	for _, s := range *all {
		plan := explain(t, pool, "mysql", s)
		require.Contains(t, plan, "key=PRIMARY;")
		require.Contains(t, plan, "type=range;")
		rows := regexp.MustCompile(`; rows=(\d+);`).FindStringSubmatch(plan)
		require.NotEmpty(t, rows, plan)
		require.LessOrEqual(t, len(rows[1]), 2, "hundreds are read for some sixty: %s", plan)
	}
}
