package session

import (
	"context"
	"time"

	"github.com/gin-sessionkit/sessionkit/internal/counts"
	"github.com/gin-sessionkit/sessionkit/models"
)

// countedTx is a TxStore whose calls are counted. The application makes one for each of
// its transactions, so that New has not seen it.
type countedTx struct {
	TxStore
	counts *counts.Set
}

func (t countedTx) end(ctx context.Context, began time.Time, err *error) {
	endCall(ctx, t.counts, began, *err)
}

// Revoke implements [TxStore].
func (t countedTx) Revoke(ctx context.Context, r models.Revocation) (_ bool, err error) {
	defer t.end(ctx, time.Now(), &err)
	return t.TxStore.Revoke(ctx, r)
}

// RevokeAll implements [TxStore].
func (t countedTx) RevokeAll(ctx context.Context, r models.RevocationOfUser) (_ int, err error) {
	defer t.end(ctx, time.Now(), &err)
	return t.TxStore.RevokeAll(ctx, r)
}

// List implements [TxStore].
func (t countedTx) List(ctx context.Context, q models.SessionsOfUser) (_ models.SessionPage, err error) {
	defer t.end(ctx, time.Now(), &err)
	return t.TxStore.List(ctx, q)
}

// WriteHint implements [TxStore].
func (t countedTx) WriteHint(ctx context.Context, h models.Hint) (err error) {
	defer t.end(ctx, time.Now(), &err)
	return t.TxStore.WriteHint(ctx, h)
}
