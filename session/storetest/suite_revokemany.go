package storetest

import (
	"fmt"
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models"
)

func revokeManyChecks() []check {
	return []check{
		{"RevokeMany ends and counts the live ones among the sessions", revokeManyLive},
		{"RevokeMany takes none, and a thousand", revokeManyBatch},
		{"RevokeMany counts each session once among the racers", revokeManyRace},
	}
}

func (tr *trial) revokeMany(handles ...string) int {
	tr.Helper()
	count, err := tr.store.RevokeMany(tr.Context(), models.RevocationOfMany{
		Handles: handles, Reason: models.RevokedByRevokeAll, Now: during,
	})
	require.NoError(tr, err)
	return count
}

func revokeManyLive(tr *trial) {
	var rows []models.Session
	handles := []string{tr.handle(), "", "a"}
	live := 0
	for _, end := range endings() {
		row := tr.insert(end.change)
		handles = append(handles, row.Handle)
		if end.live {
			live++
			row.RevokedAt, row.RevokeReason = during, models.RevokedByRevokeAll
		}
		rows = append(rows, row)
	}
	bystander := tr.insert(func(r *models.Session) { r.UserID = rows[0].UserID })
	given := slices.Clone(handles)
	require.Equal(tr, live, tr.revokeMany(given...))
	require.Equal(tr, handles, given, "the caller's list stays as it is")
	require.Zero(tr, tr.revokeMany(handles...), "again")
	for i, end := range endings() {
		tr.requireStored(rows[i], end.name)
	}
	tr.requireStored(bystander)
}

func revokeManyBatch(tr *trial) {
	row := tr.insert()
	require.Zero(tr, tr.revokeMany())
	handles := []string{row.Handle}
	for i := range 999 {
		handles = append(handles, fmt.Sprintf("absent-%d", i))
	}
	require.Equal(tr, 1, tr.revokeMany(handles...))
}

func revokeManyRace(tr *trial) {
	for range tr.fewRounds() {
		var handles []string
		for range 20 {
			handles = append(handles, tr.insert().Handle)
		}
		counts := make([]int, 4)
		tr.race(len(counts), func(i int) (ok bool, err error) {
			mine := slices.Clone(handles)
			if i%2 == 1 {
				slices.Reverse(mine)
			}
			counts[i], err = tr.store.RevokeMany(tr.Context(), models.RevocationOfMany{
				Handles: mine, Reason: models.RevokedByRevokeAll, Now: during,
			})
			return ok, err
		})
		require.Equal(tr, len(handles), counts[0]+counts[1]+counts[2]+counts[3])
	}
}
