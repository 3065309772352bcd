package main

import (
	"context"
	"database/sql"
	"strings"
	"sync/atomic"

	"github.com/gin-sessionkit/sessionkit/models"
)

// columns is in the order of values. A sharded table has one more before them.
const columns = "handle, user_id, refresh_cur_hash, refresh_prev_hash, refresh_cur_iat, refresh_gen, " +
	"payload, data, data_version, created_at, last_used_at, expires_at, absolute_expires_at, " +
	"auth_at, aal, idle_ms, flags, revoked_at, revoke_reason, user_agent, ip, label, amr, origin"

const (
	// perInsert is how many rows one statement brings: few enough for the 65,535
	// marks that a prepared statement may have.
	perInsert = 500
	// perCommit is how many rows one transaction brings.
	perCommit = 20_000
	// loaders is how many connections load at once.
	loaders = 2
)

// values appends the columns of row to args. The hashes are bytes of their own, as
// a row may be overwritten before the driver sends them.
func values(args []any, row *models.Session) []any {
	token := &row.Lineage
	return append(
		args, row.Handle, row.UserID, append([]byte{}, token.Current[:]...), append([]byte{}, token.Previous[:]...),
		token.IssuedAt, token.Generation, row.Payload, row.Data, row.DataVersion, row.CreatedAt, row.LastUsedAt,
		row.ExpiresAt, row.AbsoluteExpiresAt, row.AuthAt, row.Level, row.IdleMillis, int64(row.Flags),
		row.RevokedAt, string(row.RevokeReason), row.UserAgent, row.IP, row.Label, row.AMR, row.Origin,
	)
}

// load inserts the rows of stage k of the plan in their order, with the indexes in place: built
// afterwards, these would be denser than any that grew.
func load(ctx context.Context, db *sql.DB, table string, p *plan, k int) error {
	s := p.stage(k)
	var next atomic.Int64
	return parallel(ctx, loaders, func(ctx context.Context, _ int) error {
		for {
			from := int(next.Add(perCommit)) - perCommit
			if from >= s.n {
				return nil
			}
			if err := loadPart(ctx, db, table, p, k, s.start+from, s.start+min(from+perCommit, s.n)); err != nil {
				return err
			}
		}
	})
}

// loadPart inserts the rows [from, to) of stage k in one transaction.
func loadPart(ctx context.Context, db *sql.DB, table string, p *plan, k, from, to int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	full, err := tx.PrepareContext(ctx, p.layout.insert(table, perInsert))
	if err != nil {
		return err
	}
	defer full.Close() //nolint:errcheck // ends with the transaction
	s := p.stage(k)
	var args []any
	for i := from; i < to; {
		n := min(perInsert, to-i)
		args = args[:0]
		for j := i; j < i+n; j++ {
			row := p.rowOf(j, p.user(k, s.owner(j-s.start)))
			args = p.layout.values(args, &row)
		}
		if n == perInsert {
			_, err = full.ExecContext(ctx, args...)
		} else {
			_, err = tx.ExecContext(ctx, p.layout.insert(table, n), args...)
		}
		if err != nil {
			return err
		}
		i += n
	}
	return tx.Commit()
}

// insert is the statement that adds so many rows.
func (l layout) insert(table string, rows int) string {
	names := l.columns()
	one := "(?" + strings.Repeat(", ?", strings.Count(names, ",")) + ")"
	return "INSERT INTO " + table + " (" + names + ") VALUES " + one + strings.Repeat(", "+one, rows-1)
}
