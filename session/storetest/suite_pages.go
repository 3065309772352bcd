package storetest

import (
	"fmt"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models"
)

// crowd makes sessions of one user in which live and ended ones take turns in runs,
// several in each millisecond, with handles that are in no order.
func (tr *trial) crowd(user string) (rows, live []models.Session) {
	tr.Helper()
	const size = 24
	for i := range int64(size) {
		row := tr.insert(func(r *models.Session) {
			r.UserID, r.CreatedAt = user, created+i/4
			r.Handle = fmt.Sprintf("%02d%s", i*7%size, r.Handle)
			switch i % 12 {
			case 4, 5, 6: // three in a row
				r.ExpiresAt = during - 1
			case 9:
				r.AbsoluteExpiresAt = during
			case 11:
				r.RevokedAt, r.RevokeReason = during-5, models.RevokedBySignOut
			}
		})
		rows = append(rows, row)
		if row.LiveAt(during) {
			live = append(live, row)
		}
	}
	return rows, live
}

func revokeAllLimit(tr *trial) {
	rows, live := tr.crowd("bob")
	left := len(live)
	r := models.RevocationOfUser{UserID: "bob", Reason: models.RevokedByRevokeAll, Now: during, Limit: 2}
	for calls := 0; ; calls++ {
		require.LessOrEqual(tr, calls, len(rows), "calls")
		done, err := tr.store.RevokeAll(tr.Context(), r)
		require.NoError(tr, err)
		require.LessOrEqual(tr, done.Count, r.Limit)

		now := 0
		for _, row := range rows {
			if found := tr.find(row.Handle); found.LiveAt(during) {
				now++
			}
		}
		require.Equal(tr, left-done.Count, now, "as many ended as it says")
		left = now
		if done.Next == nil {
			break
		}
		r.From = *done.Next
	}
	require.Zero(tr, left)
}

func revokeAllPages(tr *trial) {
	for _, limit := range []int{1, 2, 3, 5, 23, 24, 25, 0} {
		user := fmt.Sprintf("bob-%d", limit)
		rows, live := tr.crowd(user)
		bystander := tr.insert()
		kept := live[len(live)/2]
		count, err := revokeInPages(tr.Context(), tr.store, models.RevocationOfUser{
			UserID: user, Except: kept.Handle, Reason: models.RevokedByRevokeAll, Now: during, Limit: limit,
		})
		require.NoError(tr, err)
		require.Equal(tr, len(live)-1, count, "limit %d", limit)
		for _, row := range rows {
			if row.LiveAt(during) && row.Handle != kept.Handle {
				row.RevokedAt, row.RevokeReason = during, models.RevokedByRevokeAll
			}
			tr.requireStored(row, "limit %d", limit)
		}
		tr.requireStored(bystander)
	}
}

// revokeAllEnds: whoever signs in between two calls comes above the place where they
// are, however often. What was there before is ended all the same.
func revokeAllEnds(tr *trial) {
	var before []models.Session
	for i := range int64(5) {
		before = append(before, tr.insert(func(r *models.Session) { r.UserID, r.CreatedAt = "bob", created+i }))
	}
	r := models.RevocationOfUser{UserID: "bob", Reason: models.RevokedByRevokeAll, Now: during, Limit: 1}
	for calls := int64(0); ; calls++ {
		require.Less(tr, calls, int64(10), "five sessions, one at a time")
		done, err := tr.store.RevokeAll(tr.Context(), r)
		require.NoError(tr, err)
		tr.insert(func(r *models.Session) { r.UserID, r.CreatedAt = "bob", created+100+calls })
		if done.Next == nil {
			break
		}
		r.From = *done.Next
	}
	for _, row := range before {
		require.NotZero(tr, tr.find(row.Handle).RevokedAt)
	}
}

func listLimit(tr *trial) {
	rows, live := tr.crowd("bob")
	q := models.SessionsOfUser{UserID: "bob", Now: during, Limit: 2}
	seen := 0
	for calls := 0; ; calls++ {
		require.LessOrEqual(tr, calls, len(rows), "calls")
		page, err := tr.store.List(tr.Context(), q)
		require.NoError(tr, err)
		require.LessOrEqual(tr, len(page.Sessions), q.Limit)
		seen += len(page.Sessions)
		if page.Next == nil {
			break
		}
		q.From = *page.Next
	}
	require.Equal(tr, len(live), seen)
}

func listPages(tr *trial) {
	_, live := tr.crowd("bob")
	want, err := tr.list("bob")
	require.NoError(tr, err)
	require.ElementsMatch(tr, handlesOf(live), handlesOf(want))
	for i := range want[1:] {
		require.True(tr, want[i].Position().Before(want[i+1].Position()), "in order")
	}
	for _, limit := range []int{1, 2, 3, 5, 23, 24, 25} {
		got, err := listInPages(tr.Context(), tr.store, models.SessionsOfUser{UserID: "bob", Now: during, Limit: limit})
		require.NoError(tr, err)
		require.Equal(tr, handlesOf(want), handlesOf(got), "limit %d", limit)
	}
}
