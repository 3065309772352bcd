package memstore

import (
	"context"
	"maps"
	"slices"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// memTx is a session.TxStore on a copy of a store, which a commit puts in its place.
// The suite calls nothing else meanwhile.
type memTx struct {
	work    *Store
	problem error

	revoke    func(context.Context, models.Revocation) (bool, error)
	revokeAll func(context.Context, models.RevocationOfUser) (int, error)
	list      func(context.Context, models.SessionsOfUser) (models.SessionPage, error)
}

func newMemTx(work *Store, problem error) *memTx {
	tx := &memTx{work: work, problem: problem, revoke: work.Revoke, list: work.List}
	tx.revokeAll = func(ctx context.Context, r models.RevocationOfUser) (int, error) {
		r.From, r.Limit = models.Position{}, 1<<30
		done, err := work.RevokeAll(ctx, r)
		return done.Count, err
	}
	return tx
}

func (tx *memTx) Revoke(ctx context.Context, r models.Revocation) (bool, error) {
	if tx.problem != nil {
		return false, tx.problem
	}
	return tx.revoke(ctx, r)
}

func (tx *memTx) RevokeAll(ctx context.Context, r models.RevocationOfUser) (int, error) {
	if tx.problem != nil {
		return 0, tx.problem
	}
	return tx.revokeAll(ctx, r)
}

func (tx *memTx) List(ctx context.Context, q models.SessionsOfUser) (models.SessionPage, error) {
	if tx.problem != nil {
		return models.SessionPage{}, tx.problem
	}
	return tx.list(ctx, q)
}

func (tx *memTx) WriteHint(ctx context.Context, h models.Hint) error {
	if tx.problem != nil {
		return tx.problem
	}
	return tx.work.WriteHint(ctx, h)
}

// clone is a copy of all that a transaction writes.
func (s *Store) clone() *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	work := &Store{sessions: maps.Clone(s.sessions)}
	for handle, row := range work.sessions {
		copied := *row
		work.sessions[handle] = &copied
	}
	work.feed.hints = slices.Clone(s.feed.hints)
	return work
}

// put replaces what is in s by what is in work.
func (s *Store) put(work *Store) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions, s.feed.hints = work.sessions, work.feed.hints
}

// inMemory gives the suite transactions, which change may break.
func inMemory(change func(tx *memTx, s *Store)) storetest.Transactions {
	return storetest.Transactions{
		Begin: func(_ context.Context, store session.Store) (session.TxStore, func(bool) error, error) {
			s := store.(*broken).Store
			work := s.clone()
			tx := newMemTx(work, nil)
			change(tx, s)
			return tx, func(commit bool) error {
				if commit && tx.work == work {
					s.put(work)
				}
				return nil
			}, nil
		},
		Outside: func(session.Store) session.TxStore {
			return newMemTx(New(), errors.WithReason(errors.ErrConfig, errors.New("no transaction")))
		},
	}
}

// txMutant is a wrong TxStore, and the check that must see it.
type txMutant struct {
	name, caughtBy string
	transactions   storetest.Transactions
}

func txMutants() []txMutant {
	sound := func(*memTx, *Store) {}
	direct := func(tx *memTx, s *Store) { *tx = *newMemTx(s, nil) }
	unfinished := inMemory(func(tx *memTx, _ *Store) { tx.work = New() })
	outside := inMemory(sound)
	outside.Outside = func(store session.Store) session.TxStore { return newMemTx(store.(*broken).Store, nil) }
	return []txMutant{
		{"transaction survives a rollback", "a TxStore's work is gone after a rollback", inMemory(direct)},
		{"transaction loses its hint and commits nothing", "a TxStore's work is there after the commit", unfinished},
		{"transaction outside of one", "a TxStore outside of a transaction refuses everything", outside},
		{"transaction heeds the limit", "a TxStore ends all live sessions of the user, whatever the limit", inMemory(func(tx *memTx, _ *Store) {
			work := tx.work
			tx.revokeAll = func(ctx context.Context, r models.RevocationOfUser) (int, error) {
				done, err := work.RevokeAll(ctx, r)
				return done.Count, err
			}
		})},
		{"transaction spares nobody", "a TxStore ends all live sessions of the user, whatever the limit", inMemory(func(tx *memTx, _ *Store) {
			all := tx.revokeAll
			tx.revokeAll = func(ctx context.Context, r models.RevocationOfUser) (int, error) {
				r.Except = ""
				return all(ctx, r)
			}
		})},
		{"transaction ends whoever's it is", "a TxStore ends a session as the store does", inMemory(func(tx *memTx, _ *Store) {
			work := tx.work
			tx.revoke = func(ctx context.Context, r models.Revocation) (bool, error) {
				r.UserID = ""
				return work.Revoke(ctx, r)
			}
		})},
		{"transaction lists what was there before", "a TxStore lists what is live in its transaction", inMemory(func(tx *memTx, s *Store) {
			tx.list = s.List
		})},
		{"transaction commits each call by itself", "a TxStore's work is gone after a rollback", inMemory(func(tx *memTx, s *Store) {
			revoke := tx.revoke
			tx.revoke = func(ctx context.Context, r models.Revocation) (bool, error) {
				ok, err := revoke(ctx, r)
				s.put(tx.work.clone())
				return ok, err
			}
		})},
	}
}
