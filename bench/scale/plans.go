package main

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// call is one method of the store, with one kind of arguments.
type call struct {
	method string
	do     func(context.Context, *gormstore.Store) error
}

// calls use every method, on rows of their own and in an order in which each one
// finds what it looks for.
func (b *bed) calls(now int64) []call {
	ended := b.endedRows(now)
	row := models.Session{
		Handle: b.planHandle(now, -1, "plans"), UserID: "plans", CreatedAt: now, LastUsedAt: now, ExpiresAt: now + 1000, Level: 2,
		Lineage: models.Lineage{Current: models.Hash{1}, IssuedAt: now},
	}
	step := models.Advance{
		Handle: row.Handle, From: models.Hash{1}, To: models.Hash{2}, Previous: models.Hash{1},
		IssuedAt: now, Generation: 1, ExpiresAt: now + 2000, Now: now,
	}
	swap := step
	swap.From, swap.To, swap.ExpectPrevious = models.Hash{2}, models.Hash{3}, models.Hash{1}
	key := models.SigningKey{ID: "plans", Purpose: "plans", Secret: []byte("s"), RetireAt: 9}
	version := int64(1)

	calls := sessionCalls(&row, ended, step, swap, &version, now)
	return append(calls, []call{
		{"ClaimCleanup", func(ctx context.Context, s *gormstore.Store) error {
			return second(s.ClaimCleanup(ctx, models.CleanupClaim{Now: 0, Until: 1}))
		}},
		{"DeleteEnded", deleteEnded},
		{"DeleteEnded", deleteEnded},
		{"DeleteEnded", deleteEnded},
		{"Keys", func(ctx context.Context, s *gormstore.Store) error { return second(s.Keys(ctx, now)) }},
		{"InsertKey", func(ctx context.Context, s *gormstore.Store) error { return s.InsertKey(ctx, key) }},
		{"InsertKey", func(ctx context.Context, s *gormstore.Store) error { return s.InsertKey(ctx, key) }}, // there already
		{"RetireKey", func(ctx context.Context, s *gormstore.Store) error { return second(s.RetireKey(ctx, key.ID, 8)) }},
		{"SealKey", func(ctx context.Context, s *gormstore.Store) error {
			return second(s.SealKey(ctx, key.ID, key.Secret, key.Secret))
		}},
		{"DeleteKeys", func(ctx context.Context, s *gormstore.Store) error { return second(s.DeleteKeys(ctx, 10)) }},
		{"Check", func(ctx context.Context, s *gormstore.Store) error { return s.Check(ctx) }},
	}...)
}

// planHandle is that of the row with a number.
func (b *bed) planHandle(now int64, number int, user string) string {
	return b.layout.handle(newRand(uint64(now), uint64(number)), now, user)
}

func sessionCalls(row *models.Session, ended []models.Session, step, swap models.Advance, version *int64, now int64) []call {
	h, user := row.Handle, row.UserID
	extend := models.Extend{Handle: h, Current: models.Hash{3}, ExpiresAt: now + 3000, Now: now}
	return []call{
		{"Insert", func(ctx context.Context, s *gormstore.Store) error { return s.Insert(ctx, row) }},
		{"Insert", func(ctx context.Context, s *gormstore.Store) error { return insertAll(ctx, s, ended) }},
		{"Find", func(ctx context.Context, s *gormstore.Store) error { return second(s.Find(ctx, h)) }},
		{"Advance", func(ctx context.Context, s *gormstore.Store) error { return second(s.Advance(ctx, step)) }},
		{"Advance", func(ctx context.Context, s *gormstore.Store) error { return second(s.Advance(ctx, swap)) }},
		{"Extend", func(ctx context.Context, s *gormstore.Store) error { return second(s.Extend(ctx, extend)) }},
		{"Confirm", func(ctx context.Context, s *gormstore.Store) error {
			return second(s.Confirm(ctx, models.Confirmation{Handle: h, ExpiresAt: now + 3000, Now: now}))
		}},
		{"WriteData", func(ctx context.Context, s *gormstore.Store) error {
			return second(s.WriteData(ctx, models.DataWrite{Handle: h, Data: []byte(`1`), Now: now}))
		}},
		{"WriteData", func(ctx context.Context, s *gormstore.Store) error {
			return second(s.WriteData(ctx, models.DataWrite{Handle: h, IfVersion: version, Now: now}))
		}},
		{"WritePayload", func(ctx context.Context, s *gormstore.Store) error {
			return second(s.WritePayload(ctx, models.PayloadWrite{Handle: h, New: []byte(`{}`), Now: now}))
		}},
		{"WritePayload", func(ctx context.Context, s *gormstore.Store) error {
			return second(s.WritePayload(ctx, models.PayloadWrite{Handle: h, Old: []byte(`{}`), Now: now}))
		}},
		{"List", func(ctx context.Context, s *gormstore.Store) error {
			return second(s.List(ctx, models.SessionsOfUser{UserID: user, Now: now}))
		}},
		{"Walk", func(ctx context.Context, s *gormstore.Store) error {
			return second(s.Walk(ctx, models.Walk{After: h, Now: now}))
		}},
		{"SetLabel", func(ctx context.Context, s *gormstore.Store) error {
			return second(s.SetLabel(ctx, models.LabelWrite{Handle: h, UserID: user, Label: "x", Now: now}))
		}},
		{"Downgrade", func(ctx context.Context, s *gormstore.Store) error {
			return second(s.Downgrade(ctx, models.Downgrade{UserID: user, Now: now}))
		}},
		{"RevokeMany", func(ctx context.Context, s *gormstore.Store) error {
			return second(s.RevokeMany(ctx, models.RevocationOfMany{Handles: []string{ended[1].Handle, ended[2].Handle}, Now: 4}))
		}},
		{"RevokeAll", func(ctx context.Context, s *gormstore.Store) error {
			return second(s.RevokeAll(ctx, models.RevocationOfUser{UserID: user, Except: h, Now: now}))
		}},
		{"Revoke", func(ctx context.Context, s *gormstore.Store) error {
			return second(s.Revoke(ctx, models.Revocation{Handle: h, Current: models.Hash{9}, Now: now})) // lost
		}},
		{"Revoke", func(ctx context.Context, s *gormstore.Store) error {
			return second(s.Revoke(ctx, models.Revocation{Handle: h, Now: now}))
		}},
		{"Revoke", func(ctx context.Context, s *gormstore.Store) error {
			return second(s.Revoke(ctx, models.Revocation{Handle: h, Successor: ended[1].Handle, Now: now}))
		}},
		{"RevokeAll", func(ctx context.Context, s *gormstore.Store) error {
			return second(s.RevokeAll(ctx, models.RevocationOfUser{UserID: user, Now: now}))
		}},
	}
}

// endedRows are two and a half batches for the cleanup of the first slice: an IN of
// a thousand values may be planned unlike one of a few, and the last batch unlike
// the others.
func (b *bed) endedRows(now int64) (rows []models.Session) {
	for i := 0; len(rows) < 2500; i++ {
		user := fmt.Sprintf("plans %d", i)
		if b.layout != byHome || models.HomeOf(user).Slice() == 0 {
			rows = append(rows, models.Session{Handle: b.planHandle(now, i, user), UserID: user, ExpiresAt: 5})
		}
	}
	return rows
}

func insertAll(ctx context.Context, s *gormstore.Store, rows []models.Session) error {
	for i := range rows {
		if err := s.Insert(ctx, &rows[i]); err != nil {
			return err
		}
	}
	return nil
}

func deleteEnded(ctx context.Context, s *gormstore.Store) error {
	return second(s.DeleteEnded(ctx, models.EndedSessions{Before: 10, Limit: 1000}))
}

func second[T any](_ T, err error) error { return err }

// step is one line of a plan.
type step struct {
	method, statement      string
	table, kind, key, rows string // as EXPLAIN has them
	extra                  string
	verdict                string // "" when an index is used
	bad                    bool
}

// plans uses every method of the store, and explains each statement right before it
// runs, among the rows that it will find. INSERTs look for nothing and are left out.
func (b *bed) plans(ctx context.Context) ([]step, error) {
	if err := b.addKeys(ctx); err != nil {
		return nil, err
	}
	own, err := gorm.Open(b.gorm.Dialector, &gorm.Config{Logger: b.gorm.Logger})
	if err != nil {
		return nil, err
	}
	var all []step
	method := ""
	note := func(db *gorm.DB) {
		text := db.Statement.SQL.String()
		if strings.HasPrefix(text, "INSERT") {
			return
		}
		steps, err := b.explain(ctx, method, text, db.Statement.Vars)
		all = append(all, steps...)
		_ = db.AddError(err)
	}
	if err := errors.Join(
		own.Callback().Raw().Before("gorm:raw").Register("scale:explain", note),
		own.Callback().Row().Before("gorm:row").Register("scale:explain", note),
	); err != nil {
		return nil, err
	}
	store, err := gormstore.New(own, b.config())
	if err != nil {
		return nil, err
	}
	for _, c := range b.calls(time.Now().UnixMilli()) {
		method = c.method
		if err := c.do(ctx, store); err != nil {
			return nil, fmt.Errorf("%s: %w", c.method, err)
		}
	}
	_, keysErr := b.db.ExecContext(ctx, "DELETE FROM "+b.tables().SigningKeys+" WHERE purpose = 'filler'")
	which, args := b.layout.ofUsers("plans")
	_, rowErr := b.db.ExecContext(ctx, "DELETE FROM "+b.table+" WHERE "+which, args...)
	return all, errors.Join(keysErr, rowErr)
}

// addKeys makes the table of keys so large that an index pays. A real one has some
// dozens of rows, which a server may well rather read as a whole.
func (b *bed) addKeys(ctx context.Context) error {
	const n = 2000
	keys, now := b.tables().SigningKeys, time.Now().UnixMilli()
	args := make([]any, 0, 3*n)
	for i := range n {
		args = append(args, fmt.Sprintf("filler%d", i), i, now-int64(i)*1000)
	}
	_, err := b.db.ExecContext(ctx, "INSERT INTO "+keys+
		" (id, purpose, slot, algorithm, secret, created_at, active_from, retire_at) VALUES "+
		strings.TrimSuffix(strings.Repeat("(?, 'filler', ?, '', 's', 0, 0, ?), ", n), ", "), args...)
	if err != nil {
		return err
	}
	return b.analyse(ctx, keys, b.table)
}

// analyse brings the server's statistics up to date.
func (b *bed) analyse(ctx context.Context, tables ...string) error {
	rows, err := b.db.QueryContext(ctx, "ANALYZE TABLE "+strings.Join(tables, ", "))
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // Err tells what matters
	for rows.Next() {
		continue
	}
	return rows.Err()
}

func (b *bed) explain(ctx context.Context, method, text string, args []any) ([]step, error) {
	rows, err := b.db.QueryContext(ctx, "EXPLAIN "+text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err tells what matters
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var steps []step
	for rows.Next() {
		values := make([]sql.NullString, len(names))
		targets := make([]any, len(names))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		by := map[string]string{}
		for i, name := range names {
			by[strings.ToLower(name)] = values[i].String
		}
		line := step{
			method: method, statement: text, table: by["table"], kind: by["type"],
			key: by["key"], rows: by["rows"], extra: by["extra"],
		}
		line.judge(b.tables())
		steps = append(steps, line)
	}
	return steps, rows.Err()
}

// judge finds steps that read a whole table.
func (s *step) judge(t gormstore.Tables) {
	small := s.table == t.Meta && !strings.Contains(s.statement, "WHERE")
	switch {
	case s.table == "" || strings.HasPrefix(s.table, "<"):
		s.verdict = "no table" // the condition is never true, or what is read is a result of another step
	case small:
		s.verdict = "all of the table's few rows, on purpose"
	case s.key == "" || s.kind == "ALL" || s.kind == "index":
		s.verdict, s.bad = "NO INDEX", true
	case strings.HasPrefix(s.statement, "DELETE FROM `"+t.Sessions+"`") && s.key != "PRIMARY":
		// It works, but locks gaps where live sessions move their end to.
		s.verdict = "NOT BY PRIMARY KEY"
	}
}
