package storetest

import (
	"fmt"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models"
)

func downgradeChecks() []check {
	return []check{
		{"Downgrade lowers the live ones of the user, and nothing else of them", downgradeLive},
		{"Downgrade raises nothing", downgradeLevels},
		{"Downgrade looks at no more than the limit", downgradeLimit},
		{"Downgrade reaches every session, however few at a time", downgradePages},
		{"Downgrade counts each session once among the racers", downgradeRace},
		{"Downgrade and Advance leave each other's work alone", downgradeBesideAdvance},
	}
}

// downgrade goes on until no session is left to look at.
func (tr *trial) downgrade(user string, level, limit int) (count int) {
	tr.Helper()
	d := models.Downgrade{UserID: user, Level: level, Now: during, Limit: limit}
	for {
		done, err := tr.store.Downgrade(tr.Context(), d)
		require.NoError(tr, err)
		count += done.Count
		if done.Next == nil {
			return count
		}
		d.From = *done.Next
	}
}

func downgradeLive(tr *trial) {
	var rows []models.Session
	live := 0
	for _, end := range endings() {
		row := tr.insert(end.change, func(r *models.Session) { r.UserID, r.Level = "bob", 3 })
		if end.live {
			live++
			row.Level = 1
		}
		rows = append(rows, row)
	}
	bystander := tr.insert(func(r *models.Session) { r.UserID, r.Level = "Bob", 3 })
	require.Equal(tr, live, tr.downgrade("bob", 1, pageLimit))
	require.Zero(tr, tr.downgrade("bob", 1, pageLimit), "again")
	for i, end := range endings() {
		tr.requireStored(rows[i], end.name)
	}
	tr.requireStored(bystander)
}

func downgradeLevels(tr *trial) {
	var rows []models.Session
	for level := range models.MaxLevel + 1 {
		rows = append(rows, tr.insert(func(r *models.Session) { r.UserID, r.Level = "bob", level }))
	}
	require.Equal(tr, models.MaxLevel-4, tr.downgrade("bob", 4, pageLimit))
	for i := range rows {
		rows[i].Level = min(rows[i].Level, 4)
		tr.requireStored(rows[i])
	}
	require.Equal(tr, models.MaxLevel, tr.downgrade("bob", 0, 0), "all but the one that has none")
}

func downgradeLimit(tr *trial) {
	rows, live := tr.crowd("bob")
	level := rows[0].Level
	d := models.Downgrade{UserID: "bob", Level: level - 1, Now: during, Limit: 2}
	left := len(live)
	for calls := 0; ; calls++ {
		require.LessOrEqual(tr, calls, len(rows), "calls")
		done, err := tr.store.Downgrade(tr.Context(), d)
		require.NoError(tr, err)
		require.LessOrEqual(tr, done.Count, d.Limit)
		now := 0
		for _, row := range live {
			if tr.find(row.Handle).Level == level {
				now++
			}
		}
		require.Equal(tr, left-done.Count, now, "as many fell as it says")
		if left = now; done.Next == nil {
			break
		}
		d.From = *done.Next
	}
	require.Zero(tr, left)
}

func downgradePages(tr *trial) {
	for _, limit := range []int{1, 2, 3, 5, 23, 24, 25, 0} {
		user := fmt.Sprintf("bob-%d", limit)
		rows, live := tr.crowd(user)
		require.Equal(tr, len(live), tr.downgrade(user, 1, limit), "limit %d", limit)
		for _, row := range rows {
			if row.LiveAt(during) {
				row.Level = 1
			}
			tr.requireStored(row, "limit %d", limit)
		}
	}
}

func downgradeRace(tr *trial) {
	for round := range tr.fewRounds() {
		user := fmt.Sprintf("bob-%d", round)
		for range 20 {
			tr.insert(func(r *models.Session) { r.UserID = user })
		}
		counts := make([]int, 4)
		tr.race(len(counts), func(i int) (ok bool, err error) {
			done, err := tr.store.Downgrade(tr.Context(), models.Downgrade{UserID: user, Now: during, Limit: pageLimit})
			counts[i] = done.Count
			return ok, err
		})
		require.Equal(tr, 20, counts[0]+counts[1]+counts[2]+counts[3])
	}
}

func downgradeBesideAdvance(tr *trial) {
	for range tr.fewRounds() {
		row := tr.insert()
		step := tr.step(row)
		tr.race(2, func(i int) (bool, error) {
			if i == 0 {
				return tr.store.Advance(tr.Context(), step)
			}
			done, err := tr.store.Downgrade(tr.Context(), models.Downgrade{UserID: row.UserID, Now: during, Limit: pageLimit})
			return done.Count == 1, err
		})
		row = advanced(row, step)
		row.Level = 0
		tr.requireStored(row)
	}
}
