package gormstore_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// sent is a statement as it went to the driver.
type sent struct {
	sql  string
	args []any
}

// capture records the statements of all sessions of db.
func capture(t *testing.T, db *gorm.DB) *[]sent {
	t.Helper()
	var all []sent
	note := func(db *gorm.DB) {
		if db.DryRun {
			return // how Migrate asks for the primary
		}
		all = append(all, sent{db.Statement.SQL.String(), append([]any{}, db.Statement.Vars...)})
	}
	require.NoError(t, db.Callback().Raw().After("gorm:raw").Register("capture", note))
	require.NoError(t, db.Callback().Row().After("gorm:row").Register("capture", note))
	return &all
}

// DB-08: each statement finds its rows by a key, among thousands.
func TestEveryStatementUsesAKey(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *gorm.DB, store *gormstore.Store) {
		fill(t, db)
		all := capture(t, db)
		row := newRow("counted")
		for _, m := range methods(t, store, &row) {
			require.NoError(t, m.call())
		}
		require.NoError(t, db.Transaction(func(tx *gorm.DB) error {
			return last(store.In(tx).RevokeAll(t.Context(), models.RevocationOfUser{UserID: row.UserID, Except: "x", Now: now}))
		}))
		statements := *all
		require.Greater(t, len(statements), 15)

		pool, err := db.DB()
		require.NoError(t, err)
		for _, s := range statements {
			if strings.HasPrefix(s.sql, "INSERT") || strings.HasPrefix(s.sql, "SELECT * FROM") {
				continue
			}
			plan := explain(t, pool, db.Name(), s)
			requireKey(t, db.Name(), s.sql, plan)
		}
	})
}

// fill makes 10,000 sessions, ten for each user, a few of them ended, and as
// many keys; fewer on SQLite, whose planner goes by the indexes before the
// numbers. GORM writes them by the tags of the models, which shows that these
// name the columns.
func fill(t *testing.T, db *gorm.DB) {
	t.Helper()
	n := 10_000
	if db.Name() == "sqlite" {
		n = 1000
	}
	rows := make([]models.Session, n)
	keys := make([]models.SigningKey, n)
	hints := make([]map[string]any, n)
	for i := range n {
		rows[i] = newRow(fmt.Sprintf("h%05d", i))
		rows[i].UserID = fmt.Sprintf("user %d", i%(n/10))
		rows[i].ExpiresAt = now + int64(i-20)*hour
		rows[i].AbsoluteExpiresAt = int64(i%2) * (now + int64(i-20)*hour)
		rows[i].RevokedAt = int64(i%2) * now
		keys[i] = models.SigningKey{
			ID: fmt.Sprintf("k%05d", i), Purpose: models.KeyForRefresh, Slot: int64(i),
			Algorithm: "HS256", Secret: []byte("s"), RetireAt: now - int64(i)*hour,
		}
		hints[i] = map[string]any{
			"at": now - hour + int64(i/3), "id": fmt.Appendf(nil, "%08d", i), "kind": "all", "subject": "",
		}
	}
	if db.Name() == "postgres" {
		// A worker that the server starts by itself would still be there when
		// the test drops the database.
		rawExec(t, db, "ALTER TABLE auth_sessions SET (autovacuum_enabled = off)")
		rawExec(t, db, "ALTER TABLE auth_signing_keys SET (autovacuum_enabled = off)")
		rawExec(t, db, "ALTER TABLE auth_feed SET (autovacuum_enabled = off)")
	}
	plain := db.Session(&gorm.Session{SkipDefaultTransaction: true})
	require.NoError(t, plain.Transaction(func(tx *gorm.DB) error {
		if err := tx.Table("auth_sessions").CreateInBatches(rows, 500).Error; err != nil {
			return err
		}
		if err := tx.Table("auth_feed").CreateInBatches(hints, 500).Error; err != nil {
			return err
		}
		return tx.Table("auth_signing_keys").CreateInBatches(keys, 500).Error
	}))
	for _, table := range []string{"auth_sessions", "auth_signing_keys", "auth_feed"} {
		analyse := map[string]string{"mysql": "ANALYZE TABLE " + table, "sqlite": "ANALYZE", "postgres": "ANALYZE " + table}
		rawExec(t, db, analyse[db.Name()])
	}
}

// explain returns the plan, one line for each row of it.
func explain(t *testing.T, pool *sql.DB, engine string, s sent) string {
	t.Helper()
	how := map[string]string{"mysql": "EXPLAIN FORMAT=TRADITIONAL ", "sqlite": "EXPLAIN QUERY PLAN ", "postgres": "EXPLAIN "}[engine]
	rows, err := pool.QueryContext(t.Context(), how+s.sql, s.args...)
	require.NoError(t, err, s.sql)
	defer func() { require.NoError(t, rows.Close()) }()
	columns, err := rows.Columns()
	require.NoError(t, err)
	var plan strings.Builder
	for rows.Next() {
		values := make([]sql.NullString, len(columns))
		targets := make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		require.NoError(t, rows.Scan(targets...))
		for i, column := range columns {
			fmt.Fprintf(&plan, "%s=%s; ", column, values[i].String)
		}
		plan.WriteString("\n")
	}
	require.NoError(t, rows.Err())
	return plan.String()
}

// requireKey refuses a plan that reads one of the large tables, or sorts by
// reading it.
func requireKey(t *testing.T, engine, statement, plan string) {
	t.Helper()
	for line := range strings.Lines(plan) {
		switch engine {
		case "mysql":
			if strings.Contains(line, "table=auth_") {
				require.NotContains(t, line, "; key=; ", "%s\n%s", statement, plan)
				require.NotContains(t, line, "type=ALL", "%s\n%s", statement, plan)
				require.NotContains(t, line, "type=index;", "%s\n%s", statement, plan)
			}
		case "sqlite":
			require.NotContains(t, line, "SCAN auth_", "%s\n%s", statement, plan)
		case "postgres":
			for _, table := range []string{"auth_s", "auth_f"} { // auth_meta has four rows
				require.NotContains(t, line, "Seq Scan on "+table, "%s\n%s", statement, plan)
			}
		}
	}
}

// method is one call, and how many statements it takes.
type method struct {
	name       string
	statements int
	call       func() error
}

// methods calls each one, in an order in which all of them work.
func methods(t *testing.T, store *gormstore.Store, row *models.Session) []method {
	t.Helper()
	return methodsOf(t, store, row, newRow("counted too"))
}

// methodsOf uses another session besides.
func methodsOf(t *testing.T, store *gormstore.Store, row *models.Session, other models.Session) []method {
	t.Helper()
	ctx, next := t.Context(), step(*row, "next")
	extend := models.Extend{Handle: row.Handle, Current: next.To, ExpiresAt: now + 9*hour, Now: now}
	key := models.SigningKey{ID: "counted", Purpose: "p", Secret: []byte("s"), RetireAt: now}
	return []method{
		{"Check", 3, func() error { return store.Check(ctx) }},
		{"Insert", 1, func() error { return store.Insert(ctx, row) }},
		{"Insert another", 1, func() error { return store.Insert(ctx, &other) }},
		{"Find", 1, func() error { return last(store.Find(ctx, row.Handle)) }},
		{"Advance", 1, func() error { return last(store.Advance(ctx, next)) }},
		{"Advance that loses", 1, func() error { return last(store.Advance(ctx, next)) }},
		{"Extend", 1, func() error { return last(store.Extend(ctx, extend)) }},
		{"Confirm", 1, func() error {
			return last(store.Confirm(ctx, models.Confirmation{Handle: row.Handle, ExpiresAt: extend.ExpiresAt, Now: now}))
		}},
		{"WriteData", 1, func() error { return last(store.WriteData(ctx, models.DataWrite{Handle: row.Handle, Now: now})) }},
		{"WritePayload", 1, func() error {
			return last(store.WritePayload(ctx, models.PayloadWrite{Handle: row.Handle, Old: row.Payload, Now: now}))
		}},
		{"List", 1, func() error { return last(store.List(ctx, models.SessionsOfUser{UserID: row.UserID, Now: now})) }},
		{"Downgrade", 2, func() error {
			return last(store.Downgrade(ctx, models.Downgrade{UserID: row.UserID, Level: row.Level - 1, Now: now}))
		}},
		{"Downgrade to where it is", 1, func() error {
			return last(store.Downgrade(ctx, models.Downgrade{UserID: row.UserID, Level: row.Level - 1, Now: now}))
		}},
		{"RevokeAll but one", 1, func() error {
			return last(store.RevokeAll(ctx, models.RevocationOfUser{UserID: row.UserID, Except: row.Handle, Now: now}))
		}},
		{"RevokeAll", 2, func() error { return last(store.RevokeAll(ctx, models.RevocationOfUser{UserID: row.UserID, Now: now})) }},
		{"Revoke", 1, func() error {
			return last(store.Revoke(ctx, models.Revocation{Handle: row.Handle, Now: now}))
		}},
		{"Revoke for a successor", 1, func() error {
			return last(store.Revoke(ctx, models.Revocation{Handle: row.Handle, Successor: other.Handle, Now: now}))
		}},
		{"SetLabel", 1, func() error {
			return last(store.SetLabel(ctx, models.LabelWrite{Handle: other.Handle, UserID: other.UserID, Label: "x", Now: now}))
		}},
		{"Walk", 1, func() error { return last(store.Walk(ctx, models.Walk{Now: now, Limit: 100})) }},
		{"Walk on", 1, func() error { return last(store.Walk(ctx, models.Walk{After: other.Handle, Now: now, Limit: 100})) }},
		{"RevokeMany", 1, func() error {
			return last(store.RevokeMany(ctx, models.RevocationOfMany{Handles: []string{row.Handle, other.Handle}, Now: now}))
		}},
		{"RevokeMany of nothing", 0, func() error { return last(store.RevokeMany(ctx, models.RevocationOfMany{Now: now})) }},
		{"TurnFeedOn", 3, func() error { return store.TurnFeedOn(ctx) }},
		{"TurnFeedOn again", 4, func() error { return store.TurnFeedOn(ctx) }},
		{"Check with the feed", 4, func() error { return store.Check(ctx) }},
		{"WriteHint", 1, func() error { return store.WriteHint(ctx, models.Hint{Kind: models.HintAll}) }},
		{"ReadFeed", 1, func() error { return last(store.ReadFeed(ctx, models.FeedQuery{Limit: 100})) }},
		{"ReadFeed on", 1, func() error {
			return last(store.ReadFeed(ctx, models.FeedQuery{After: models.FeedPosition{At: now}, Limit: 100}))
		}},
		{"FindMany", 1, func() error { return last(store.FindMany(ctx, []string{row.Handle, other.Handle})) }},
		{"FindMany of nothing", 0, func() error { return last(store.FindMany(ctx, nil)) }},
		{"DeleteHints", 2, func() error { return last(store.DeleteHints(ctx, now, 10)) }},
		{"DeleteHints, the last", 2, func() error { return last(store.DeleteHints(ctx, 1, 10)) }},
		{"DeleteHints, at most none", 0, func() error { return last(store.DeleteHints(ctx, now, 0)) }},
		{"ClaimFeedCleanup", 1, func() error { return last(store.ClaimFeedCleanup(ctx, now, now+1)) }},
		{"ClaimCleanup", 1, func() error { return last(store.ClaimCleanup(ctx, models.CleanupClaim{Now: now, Until: now + 1})) }},
		{"DeleteEnded of nothing", 1, func() error { return last(store.DeleteEnded(ctx, models.EndedSessions{Before: 1, Limit: 10})) }},
		{"DeleteEnded", 2, func() error {
			return last(store.DeleteEnded(ctx, models.EndedSessions{Before: now + 10*hour, Limit: 10}))
		}},
		{"DeleteEnded, at most none", 0, func() error { return last(store.DeleteEnded(ctx, models.EndedSessions{Before: now, Limit: 0})) }},
		{"InsertKey", 1, func() error { return store.InsertKey(ctx, key) }},
		{"InsertKey that loses", 2, func() error { return store.InsertKey(ctx, key) }},
		{"Keys", 1, func() error { return last(store.Keys(ctx, now-hour)) }},
		{"RetireKey", 1, func() error { return last(store.RetireKey(ctx, "counted", now-1)) }},
		{"SealKey", 1, func() error { return last(store.SealKey(ctx, "counted", key.Secret, []byte("sealed"))) }},
		{"DeleteKeys", 1, func() error { return last(store.DeleteKeys(ctx, now-9990*hour)) }},
		{"Migrate", 0, func() error { return store.Migrate(ctx) }}, // none through GORM
	}
}

// DB-11, DB-23: apart from Migrate the account needs to read and write rows, no
// more, and each method is the number of statements that it says.
func TestStatementsOfEachMethod(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *gorm.DB, store *gormstore.Store) {
		all := capture(t, db)
		row := newRow("counted")
		for _, m := range methods(t, store, &row) {
			*all = nil
			require.NoError(t, m.call(), m.name)
			if strings.HasPrefix(m.name, "Check") && db.Name() == "mysql" {
				m.statements++ // whether it commits by itself
			}
			require.Len(t, *all, m.statements, m.name)
			for _, s := range *all {
				verb, _, _ := strings.Cut(s.sql, " ")
				require.Contains(t, []string{"SELECT", "INSERT", "UPDATE", "DELETE"}, verb)
			}
		}
	})
}

// What is bound and what is written out, in the form in which GORM passes it
// on.
func TestStatementsBindEveryValue(t *testing.T) {
	t.Parallel()
	db := openSQLite(t)
	store := newStore(t, db)
	all := capture(t, db)
	exercise(t, store)
	for _, s := range *all {
		require.NotContains(t, s.sql, "exercised")
		require.Equal(t, len(s.args), strings.Count(s.sql, "?"), s.sql)
	}
}
