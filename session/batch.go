package session

import (
	"cmp"
	"context"
	"sync"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/feed"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

// Batch ends sessions in a transaction of the application: a change of password and the
// end of the user's other sessions are committed together, or neither is.
//
//	batch := svc.Batch()
//	err := db.Transaction(func(tx *gorm.DB) error {
//		if err := tx.Model(&user).Update("password", hash).Error; err != nil {
//			return err
//		}
//		_, err := batch.RevokeOthers(ctx, store.In(tx), user.ID, sess.Handle())
//		return err
//	})
//	err = batch.Done(ctx, err)
//
// Call it last in the transaction: it locks rows of sessions until the commit, and who
// uses one of them waits for that. What it returns counts only once the transaction is
// committed. A transaction that is begun again, such as after a deadlock, takes a new
// Batch. A Batch is for one goroutine at a time. It knows nothing of savepoints: what a
// nested transaction has rolled back is reported as if it had happened.
type Batch struct {
	svc *Service

	mu     sync.Mutex
	hints  []models.Hint
	events []Event
	// users are those of RevokeOthers: what an earlier system has of them ends too.
	users []models.RevocationOfUser
	done  bool
}

// Batch returns an empty Batch.
func (s *Service) Batch() *Batch { return &Batch{svc: s} }

// Revoke is [Service.Revoke] in the transaction.
func (b *Batch) Revoke(ctx context.Context, tx TxStore, handle string) (bool, error) {
	return b.end(ctx, tx, models.Revocation{Handle: handle, Reason: models.RevokedByApplication})
}

// RevokeOf is [Service.RevokeOf] in the transaction.
func (b *Batch) RevokeOf(ctx context.Context, tx TxStore, userID, handle string) (bool, error) {
	if err := checkUserID(userID); err != nil {
		return false, err
	}
	return b.end(ctx, tx, models.Revocation{Handle: handle, UserID: userID, Reason: models.RevokedByApplication})
}

func (b *Batch) end(ctx context.Context, tx TxStore, r models.Revocation) (bool, error) {
	if err := b.begin(); err != nil {
		return false, err
	}
	if !token.ValidHandle(r.Handle) {
		return false, nil
	}
	r.Now = b.svc.now()
	ended, err := b.in(tx).Revoke(ctx, r)
	if err != nil || !ended {
		return false, err
	}
	return true, b.note(ctx, tx,
		models.Hint{Kind: models.HintSession, Subject: r.Handle, Owner: r.UserID},
		Event{Kind: EventRevoked, Handle: r.Handle, UserID: r.UserID, Reason: r.Reason, Count: 1})
}

// RevokeAll is [Service.RevokeAll] in the transaction, by one statement, however many
// sessions there are.
func (b *Batch) RevokeAll(ctx context.Context, tx TxStore, userID string) (int, error) {
	return b.RevokeOthers(ctx, tx, userID, "")
}

// RevokeOthers is [Service.RevokeOthers] in the transaction, by one statement. The one
// to keep must be a session that was used: call [Session.Replace] after the commit.
func (b *Batch) RevokeOthers(ctx context.Context, tx TxStore, userID, keepHandle string) (int, error) {
	if err := cmp.Or(b.begin(), checkUserID(userID)); err != nil {
		return 0, err
	}
	r := models.RevocationOfUser{UserID: userID, Except: keepHandle, Reason: models.RevokedByRevokeAll, Now: b.svc.now()}
	count, err := b.in(tx).RevokeAll(ctx, r)
	if err == nil {
		b.mu.Lock()
		b.users = append(b.users, r)
		b.mu.Unlock()
	}
	if err != nil || count == 0 {
		return 0, err
	}
	return count, b.note(ctx, tx,
		models.Hint{Kind: models.HintUser, Subject: userID},
		Event{Kind: EventRevoked, UserID: userID, Kept: keepHandle, Reason: r.Reason, Count: count})
}

// RefetchClaims is [Service.RefetchClaims] in the transaction.
func (b *Batch) RefetchClaims(ctx context.Context, tx TxStore, userID string) error {
	if err := cmp.Or(b.begin(), checkUserID(userID)); err != nil {
		return err
	}
	if b.svc.hints.store == nil {
		return errFeedOff
	}
	return b.note(ctx, tx, models.Hint{Kind: models.HintClaims, Subject: userID}, Event{})
}

// begin refuses a Batch that is Done.
func (b *Batch) begin() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done {
		return errors.WithReason(errors.ErrConfig, errors.New("the Batch is done: take a new one for each transaction"))
	}
	return b.svc.checkOpen()
}

// note writes a hint in the transaction, by which the other processes learn of the
// commit even if this one is gone by then, and keeps what Done does.
func (b *Batch) note(ctx context.Context, tx TxStore, h models.Hint, e Event) error {
	b.mu.Lock()
	if e.Kind != "" {
		b.events = append(b.events, e)
	}
	listens := b.svc.hints.store != nil
	if listens {
		b.hints = append(b.hints, h)
	}
	b.mu.Unlock()
	if !listens {
		return nil
	}
	return b.in(tx).WriteHint(ctx, feed.Named(h))
}

// in is tx with its calls counted among those of the store.
func (b *Batch) in(tx TxStore) TxStore { return countedTx{tx, b.svc.counts} }

// Done says how the transaction went: err is what it returned, and so is the result,
// unless that is nil and the other processes could not be told, an
// [errors.ErrUnavailable]. Call it once the transaction has given its connection back,
// whatever err is: the answer to a commit may have been lost, so hints are written
// again, with a new time, and cost nothing if there was none. Events are emitted for a
// commit only.
//
// When the process ends between the commit and Done, the sessions have ended, and the
// others know by the hint of the transaction; the events are lost.
func (b *Batch) Done(ctx context.Context, err error) error {
	b.mu.Lock()
	hints, events, users := b.hints, b.events, b.users
	b.hints, b.events, b.users, b.done = nil, nil, nil, true
	b.mu.Unlock()
	ctx, cancel := b.svc.detached(ctx)
	defer cancel()
	untold := b.svc.hint(ctx, hints...)
	if err != nil {
		return err
	}
	for _, e := range events {
		b.svc.emit(ctx, e)
	}
	if b.svc.importing() == nil {
		return untold
	}
	for _, r := range users {
		// Here once more, as one may have been taken over meanwhile.
		_, there := b.svc.revokeAll(ctx, r.UserID, r.Except)
		untold = cmp.Or(untold, there)
	}
	return untold
}
