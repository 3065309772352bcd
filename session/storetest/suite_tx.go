package storetest

import (
	"context"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Transactions is how the suite gets at what works in an application's transaction.
type Transactions struct {
	// Begin begins a transaction in the database of store, and returns what works in
	// it, and what ends it: commit, or roll back. Until then the suite makes no other
	// call to the store, so that a pool of one connection is enough.
	Begin func(ctx context.Context, store session.Store) (tx session.TxStore, end func(commit bool) error, err error)
	// Outside returns a TxStore that was made of something else than a transaction.
	Outside func(store session.Store) session.TxStore
}

// WithTransactions has the suite test a [session.TxStore] too.
func WithTransactions(transactions Transactions) Option {
	return func(o *options) { o.transactions = &transactions }
}

func transactionChecks() []check {
	return []check{
		{"a TxStore's work is there after the commit", txCommit},
		{"a TxStore's work is gone after a rollback", txRollback},
		{"a TxStore ends all live sessions of the user, whatever the limit", txRevokeAll},
		{"a TxStore ends a session as the store does", txRevoke},
		{"a TxStore lists what is live in its transaction", txList},
		{"a TxStore outside of a transaction refuses everything", txOutside},
	}
}

// inside runs work in a transaction, and ends it.
func (tr *trial) inside(commit bool, work func(tx session.TxStore)) {
	tr.Helper()
	tx, end, err := tr.transactions.Begin(tr.Context(), tr.store)
	require.NoError(tr, err)
	ended := false
	defer func() {
		if !ended { // work has failed
			_ = end(false)
		}
	}()
	work(tx)
	ended = true
	require.NoError(tr, end(commit))
}

// someWork does one of each.
func someWork(tr *trial, tx session.TxStore, one, other models.Session, h models.Hint) {
	tr.Helper()
	tr.requireMatch(true, "revoke")(tx.Revoke(tr.Context(), models.Revocation{
		Handle: one.Handle, Reason: models.RevokedBySignOut, Now: during,
	}))
	count, err := tx.RevokeAll(tr.Context(), models.RevocationOfUser{
		UserID: other.UserID, Reason: models.RevokedByRevokeAll, Now: during,
	})
	require.NoError(tr, err)
	require.Equal(tr, 1, count)
	require.NoError(tr, tx.WriteHint(tr.Context(), h))
}

// hints are those of the feed, if the store has one.
func (tr *trial) hints() (ids []models.HintID) {
	if _, ok := tr.store.(session.FeedStore); ok {
		ids = idsOf(tr.readAll(pageLimit))
	}
	return ids
}

func txCommit(tr *trial) {
	one, other, h := tr.insert(), tr.insert(), tr.hint()
	tr.inside(true, func(tx session.TxStore) { someWork(tr, tx, one, other, h) })
	one.RevokedAt, one.RevokeReason = during, models.RevokedBySignOut
	other.RevokedAt, other.RevokeReason = during, models.RevokedByRevokeAll
	tr.requireStored(one)
	tr.requireStored(other)
	if _, ok := tr.store.(session.FeedStore); ok {
		require.Equal(tr, []models.HintID{h.ID}, tr.hints())
	}
}

func txRollback(tr *trial) {
	one, other := tr.insert(), tr.insert()
	tr.inside(false, func(tx session.TxStore) { someWork(tr, tx, one, other, tr.hint()) })
	tr.requireStored(one)
	tr.requireStored(other)
	require.Empty(tr, tr.hints())
}

func txRevokeAll(tr *trial) {
	var rows []models.Session
	live := 0
	for i, end := range endings() {
		rows = append(rows, tr.insert(end.change, func(r *models.Session) { r.UserID, r.CreatedAt = "bob", created+int64(i) }))
		if end.live {
			live++
		}
	}
	bystander, kept := tr.insert(), tr.insert(func(r *models.Session) { r.UserID, r.CreatedAt = "bob", created+hour })
	r := models.RevocationOfUser{
		UserID: "bob", Except: kept.Handle, Reason: models.RevokedByRevokeAll, Now: during,
		Limit: 1, From: models.Position{CreatedAt: created + 1, Handle: "h"},
	}
	tr.inside(true, func(tx session.TxStore) {
		for _, want := range []int{live, 0} {
			count, err := tx.RevokeAll(tr.Context(), r)
			require.NoError(tr, err)
			require.Equal(tr, want, count)
		}
	})
	for i, end := range endings() {
		if end.live {
			rows[i].RevokedAt, rows[i].RevokeReason = during, models.RevokedByRevokeAll
		}
		tr.requireStored(rows[i], end.name)
	}
	tr.requireStored(bystander)
	tr.requireStored(kept)
}

func txRevoke(tr *trial) {
	row := tr.insert(func(r *models.Session) { r.UserID = "bob" })
	r := models.Revocation{Handle: row.Handle, UserID: "Bob", Reason: models.RevokedBySignOut, Now: during}
	tr.inside(true, func(tx session.TxStore) { tr.requireMatch(false, "another user")(tx.Revoke(tr.Context(), r)) })
	tr.requireStored(row)
	r.UserID, r.Current = "bob", row.Lineage.Previous
	tr.inside(true, func(tx session.TxStore) { tr.requireMatch(false, "another token")(tx.Revoke(tr.Context(), r)) })
	tr.requireStored(row)
	r.Current = row.Lineage.Current
	tr.inside(true, func(tx session.TxStore) {
		tr.requireMatch(true, "it fits")(tx.Revoke(tr.Context(), r))
		tr.requireMatch(false, "again")(tx.Revoke(tr.Context(), r))
	})
	row.RevokedAt, row.RevokeReason = during, models.RevokedBySignOut
	tr.requireStored(row)
}

func txList(tr *trial) {
	_, live := tr.crowd("bob")
	q := models.SessionsOfUser{UserID: "bob", Now: during, Limit: 5}
	list := func(tx session.TxStore) (handles []string) {
		for q := q; ; {
			page, err := tx.List(tr.Context(), q)
			require.NoError(tr, err)
			handles = append(handles, handlesOf(page.Sessions)...)
			if page.Next == nil {
				return handles
			}
			q.From = *page.Next
		}
	}
	tr.inside(true, func(tx session.TxStore) {
		require.ElementsMatch(tr, handlesOf(live), list(tx))
		tr.requireMatch(true, "revoke")(tx.Revoke(tr.Context(), models.Revocation{
			Handle: live[0].Handle, Reason: models.RevokedBySignOut, Now: during,
		}))
		require.ElementsMatch(tr, handlesOf(live[1:]), list(tx), "it sees what it did")
	})
}

func txOutside(tr *trial) {
	row := tr.insert()
	tx := tr.transactions.Outside(tr.store)
	for name, err := range map[string]error{
		"Revoke": last(tx.Revoke(tr.Context(), models.Revocation{Handle: row.Handle, Reason: models.RevokedBySignOut, Now: during})),
		"RevokeAll": last(tx.RevokeAll(tr.Context(), models.RevocationOfUser{
			UserID: row.UserID, Reason: models.RevokedByRevokeAll, Now: during,
		})),
		"List":      last(tx.List(tr.Context(), models.SessionsOfUser{UserID: row.UserID, Now: during})),
		"WriteHint": tx.WriteHint(tr.Context(), tr.hint()),
	} {
		require.ErrorIs(tr, err, errors.ErrConfig, name)
	}
	tr.requireStored(row)
	require.Empty(tr, tr.hints())
}
