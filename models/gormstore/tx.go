package gormstore

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

// Tx is the part of a [Store] that works in a transaction of the application. It
// fulfils session.TxStore, which documents the methods; [Store.In] makes one.
type Tx struct {
	store   *Store
	problem error
}

// In returns what the store can do in tx, a transaction of the application on the
// store's own database, as db.Transaction and db.Begin give it:
//
//	err := db.Transaction(func(tx *gorm.DB) error {
//		… // change the password
//		return batch.RevokeOthers(ctx, store.In(tx), userID, handle)
//	})
//
// Each method sends one statement once, whatever becomes of it. After a deadlock the
// database has rolled the whole transaction back: the error, an
// [errors.ErrUnavailable], must end it, and the application begins anew if it likes.
// The rows that were changed stay locked until the transaction ends, and requests of
// these sessions wait that long: let it be the last that the transaction does.
//
// A tx that is no transaction, or speaks another dialect, is [errors.ErrConfig] from
// every method.
func (s *Store) In(tx *gorm.DB) *Tx {
	dialect, problem := usableInside(tx)
	if problem == nil && dialect != s.dialect {
		problem = errors.WithReason(errors.ErrConfig, fmt.Errorf("tx: speaks %s, the store %s", dialect, s.dialect))
	}
	if problem != nil {
		return &Tx{problem: problem}
	}
	pool := tx.Statement.ConnPool
	// What GORM has prepared would be prepared on the connection of the transaction,
	// and repeated if that failed.
	if prepared, ok := pool.(*gorm.PreparedStmtTX); ok {
		pool = prepared.Tx
	}
	// NewDB and a Statement of its own: see New.
	own := tx.Session(&gorm.Session{
		NewDB: true, SkipDefaultTransaction: true, SkipHooks: true,
		Logger: quietLogger{inner: tx.Logger, dialect: dialect},
	})
	own.Statement = &gorm.Statement{DB: own, ConnPool: pool, Context: tx.Statement.Context, SkipHooks: true}
	return &Tx{store: &Store{db: own, dialect: dialect, tables: s.tables, sharded: s.sharded, sql: s.sql, once: true}}
}

// usableInside returns the dialect of tx, or why nothing can be done in it.
func usableInside(tx *gorm.DB) (dialect string, problem error) {
	refuse := func(why string) (string, error) {
		return "", errors.WithReason(errors.ErrConfig, errors.New("tx: "+why))
	}
	if tx == nil || tx.Config == nil || tx.Statement == nil || tx.Dialector == nil {
		return refuse("is nil or was never opened")
	}
	dialect = tx.Name()
	if tx.Error != nil { // Begin failed, for example
		return "", translate(tx.Statement.Context, dialect, tx.Error)
	}
	if tx.DryRun {
		return refuse("is in DryRun mode, nothing would be stored")
	}
	if _, ok := tx.Statement.ConnPool.(gorm.TxCommitter); !ok {
		return refuse("is no transaction: pass what db.Transaction or db.Begin gives")
	}
	return dialect, nil
}

// Revoke marks a row as revoked; see session.Store.
func (t *Tx) Revoke(ctx context.Context, r models.Revocation) (bool, error) {
	if t.problem != nil {
		return false, t.problem
	}
	return t.store.Revoke(ctx, r)
}

// revokeOfUser goes by the index on users. Here it is one statement: between two, the
// transaction would see what others have done or not, as its isolation level has it.
const revokeOfUser statement = "UPDATE {sessions} SET revoked_at = ?, revoke_reason = ? " +
	"WHERE {user} AND revoked_at = 0 AND expires_at > ? AND (absolute_expires_at = 0 OR absolute_expires_at > ?)"

// RevokeAll ends all live sessions of a user, but for the one to spare; see
// session.TxStore.
func (t *Tx) RevokeAll(ctx context.Context, r models.RevocationOfUser) (int, error) {
	if t.problem != nil {
		return 0, t.problem
	}
	if err := checkReason(r.Reason); err != nil {
		return 0, err
	}
	s := t.store
	query := s.sql.of(revokeOfUser)
	args := []any{r.Now, string(r.Reason), s.user(r.UserID), r.Now, r.Now}
	if r.Except != "" {
		query += " AND handle <> ?"
		args = append(args, s.exact(r.Except))
	}
	n, err := s.exec(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return n, nil
}

// List returns a page of a user's live sessions; see session.Store.
func (t *Tx) List(ctx context.Context, q models.SessionsOfUser) (models.SessionPage, error) {
	if t.problem != nil {
		return models.SessionPage{}, t.problem
	}
	return t.store.List(ctx, q)
}

// WriteHint appends a hint; see session.FeedStore.
func (t *Tx) WriteHint(ctx context.Context, h models.Hint) error {
	if t.problem != nil {
		return t.problem
	}
	return t.store.WriteHint(ctx, h)
}
