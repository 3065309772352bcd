package storetest

import (
	"fmt"
	"sync"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

func revokeRaces() []check {
	return []check{
		{"Revoke reports true to exactly one of the racers", revokeExclusive},
		{"RevokeAll counts each session once among the racers", revokeAllShared},
		{"RevokeAll racing inserts ends all that were there before", revokeAllAgainstInserts},
	}
}

// revokeExclusive is what makes one event out of one theft.
func revokeExclusive(tr *trial) {
	for range tr.fewRounds() {
		row := tr.insert()
		winners := tr.race(racers, func(i int) (bool, error) {
			return tr.store.Revoke(tr.Context(), models.Revocation{Handle: row.Handle, Reason: reasonOf(i), Now: during + int64(i)})
		})
		require.Len(tr, winners, 1, "winners")

		row.RevokedAt, row.RevokeReason = during+int64(winners[0]), reasonOf(winners[0])
		tr.requireStored(row, "the row is the winner's")
	}
}

func reasonOf(i int) models.RevokeReason { return models.RevokeReason(fmt.Sprintf("racer-%d", i)) }

func revokeAllShared(tr *trial) {
	const sessions = 10
	for round := range tr.fewRounds() {
		user := fmt.Sprintf("bob-%d", round)
		for range sessions {
			tr.insert(func(r *models.Session) { r.UserID = user })
		}
		counts := make([]int, 4)
		tr.race(len(counts), func(i int) (ok bool, err error) {
			counts[i], err = tr.revokeAll(user, "", models.RevokedByRevokeAll)
			return ok, err
		})
		sum := 0
		for _, count := range counts {
			sum += count
		}
		require.Equal(tr, sessions, sum)
	}
}

// revokeAllAgainstInserts: a login that finished before the password was
// changed does not survive the change; one that comes later does as it likes.
func revokeAllAgainstInserts(tr *trial) {
	const logins, inserters = 10, 3
	for round := range tr.fewRounds() {
		rows := make([][]models.Session, inserters)
		for i := range rows {
			for range logins {
				rows[i] = append(rows[i], tr.row(func(r *models.Session) { r.UserID = fmt.Sprintf("bob-%d", round) }))
			}
		}
		var (
			mu           sync.Mutex
			done, before []string
			some         = make(chan struct{}, inserters*logins)
			count        int
		)
		tr.race(inserters+1, func(i int) (ok bool, err error) {
			if i == inserters {
				<-some // at least one login has finished
				mu.Lock()
				before = append(before, done...)
				mu.Unlock()
				count, err = tr.revokeAll(rows[0][0].UserID, "", models.RevokedByRevokeAll)
				return ok, err
			}
			for _, row := range rows[i] {
				// Told even after a failure: the other racer must not wait forever.
				err = errors.Join(err, tr.store.Insert(tr.Context(), &row))
				mu.Lock()
				done = append(done, row.Handle)
				mu.Unlock()
				some <- struct{}{}
			}
			return ok, err
		})
		revoked := 0
		for _, handle := range done {
			if tr.find(handle).RevokedAt != 0 {
				revoked++
			}
		}
		for _, handle := range before {
			require.NotZero(tr, tr.find(handle).RevokedAt, "logged in before the call")
		}
		require.Equal(tr, revoked, count)
	}
}
