package storetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Times of the rows that a trial makes, in milliseconds.
const (
	minute = int64(time.Minute / time.Millisecond)
	hour   = 60 * minute
	day    = 24 * hour

	created     = 1_750_000_000_000 // 15 June 2025
	idleEnd     = created + hour
	absoluteEnd = created + 30*day
	// during is a time at which such a row is live.
	during = created + 10*minute
)

// trial is one check running against one empty store.
type trial struct {
	tester
	store  session.Store
	rounds int
	made   int

	transactions *Transactions
}

func newTrial(t tester, store session.Store, o options) *trial {
	t.Helper()
	return &trial{tester: t, store: store, rounds: max(o.rounds, 1), transactions: o.transactions}
}

// fewRounds is for races that cost more, or matter less, than those on the
// compare-and-swap.
func (tr *trial) fewRounds() int { return max(tr.rounds/10, 1) }

// hash returns a random hash.
func (tr *trial) hash() (h models.Hash) {
	_, _ = rand.Read(h[:]) // never fails
	return h
}

// handle returns a handle of the kit's length, unique in the trial.
func (tr *trial) handle() string {
	tr.made++
	return fmt.Sprintf("%010d%s", tr.made, rand.Text()[:16])
}

// row returns a live row that differs from every other one of the trial.
func (tr *trial) row(changes ...func(*models.Session)) models.Session {
	row := models.Session{
		Handle: tr.handle(),
		UserID: fmt.Sprintf("user-%d", tr.made),
		Lineage: models.Lineage{
			Current: tr.hash(), Previous: tr.hash(), IssuedAt: created + 1, Generation: 5,
		},
		Payload:           []byte(`{"role":"reader"}`),
		Data:              []byte(`{"basket":[1,2]}`),
		DataVersion:       3,
		CreatedAt:         created,
		LastUsedAt:        created + 2,
		ExpiresAt:         idleEnd,
		AbsoluteExpiresAt: absoluteEnd,
		UserAgent:         "Mozilla/5.0 (X11; Linux x86_64)",
		IP:                "2001:db8::1",
		Label:             "the kitchen's",
		AuthAt:            created + 1,
		AMR:               "pwd otp",
		Level:             2,
		IdleMillis:        hour,
		Flags:             models.FlagBrowserSession | models.FlagAnonymous,
		Origin:            tr.handle(),
	}
	for _, change := range changes {
		change(&row)
	}
	if tr.store.Sharded() {
		row.Handle = placed(row.Handle, row.UserID)
	}
	return row
}

// insert stores a new row.
func (tr *trial) insert(changes ...func(*models.Session)) models.Session {
	tr.Helper()
	row := tr.row(changes...)
	stored := row
	require.NoError(tr, tr.store.Insert(tr.Context(), &stored))

	return row
}

// find returns the stored row, which must be there.
func (tr *trial) find(handle string) models.Session {
	tr.Helper()
	row, err := tr.store.Find(tr.Context(), handle)
	require.NoError(tr, err)
	require.NotNil(tr, row, "the row is gone")

	return *row
}

// requireStored asks for a row that equals want in every field.
func (tr *trial) requireStored(want models.Session, why ...any) {
	tr.Helper()
	require.Equal(tr, want, tr.find(want.Handle), why...)
}

// step returns an Advance that fits row.
func (tr *trial) step(row models.Session) models.Advance {
	return models.Advance{
		Handle: row.Handle,
		From:   row.Lineage.Current, To: tr.hash(), Previous: row.Lineage.Current,
		IssuedAt: during - 1, Generation: row.Lineage.Generation + 1,
		ExpiresAt: row.ExpiresAt + hour, Now: during,
	}
}

// advanced returns row as it must be after step.
func advanced(row models.Session, step models.Advance) models.Session {
	row.Lineage = models.Lineage{
		Current: step.To, Previous: step.Previous, IssuedAt: step.IssuedAt, Generation: step.Generation,
	}
	row.ExpiresAt = max(row.ExpiresAt, step.ExpiresAt)
	row.LastUsedAt = step.Now

	return row
}

// pageLimit is what the suite asks for where it is not about pages.
const pageLimit = 1000

// revokeAll goes on until no session is left to look at.
func (tr *trial) revokeAll(user, except string, why models.RevokeReason) (int, error) {
	return revokeInPages(tr.Context(), tr.store, models.RevocationOfUser{
		UserID: user, Except: except, Reason: why, Now: during, Limit: pageLimit,
	})
}

func revokeInPages(ctx context.Context, store session.Store, r models.RevocationOfUser) (count int, err error) {
	for {
		done, err := store.RevokeAll(ctx, r)
		count += done.Count
		if err != nil || done.Next == nil {
			return count, err
		}
		r.From = *done.Next
	}
}

// list goes on until no session is left to look at.
func (tr *trial) list(user string) ([]models.Session, error) {
	return listInPages(tr.Context(), tr.store, models.SessionsOfUser{UserID: user, Now: during, Limit: pageLimit})
}

func listInPages(ctx context.Context, store session.Store, q models.SessionsOfUser) (list []models.Session, err error) {
	for {
		page, err := store.List(ctx, q)
		list = append(list, page.Sessions...)
		if err != nil || page.Next == nil {
			return list, err
		}
		q.From = *page.Next
	}
}

// requireMatch asks for the answer want of a write.
func (tr *trial) requireMatch(want bool, why string) func(got bool, err error) {
	return func(got bool, err error) {
		tr.Helper()
		require.NoError(tr, err, why)
		require.Equal(tr, want, got, why)
	}
}

// race lets n calls start together and returns which of them reported true.
// None may fail: a store repeats what the database rolled back.
func (tr *trial) race(n int, call func(i int) (bool, error)) (winners []int) {
	tr.Helper()
	var (
		group sync.WaitGroup
		start = make(chan struct{})
		won   = make([]bool, n)
		errs  = make([]error, n)
	)
	for i := range n {
		group.Go(func() {
			<-start
			won[i], errs[i] = call(i)
		})
	}
	close(start)
	group.Wait()

	for i := range n {
		require.NoError(tr, errs[i])
		if won[i] {
			winners = append(winners, i)
		}
	}
	return winners
}
