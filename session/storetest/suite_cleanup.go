package storetest

import (
	"context"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

func cleanupChecks() []check {
	return []check{
		{"DeleteEnded removes ended rows and never a live one", deleteEnded},
		{"DeleteEnded removes no more than the limit", deleteLimit},
		{"DeleteEnded counts each row once among the racers", deleteRace},
		{"ClaimCleanup has one winner among the racers", func(tr *trial) {
			claimRace(tr, tr.claimCleanup)
		}},
		{"ClaimCleanup has no winner until the time given", func(tr *trial) {
			claimUntil(tr, tr.claimCleanup)
		}},
		{"DeleteEnded and ClaimCleanup refuse slices that are not there", slicesBeyond},
	}
}

// claimCleanup claims the first slice.
func (tr *trial) claimCleanup(ctx context.Context, now, until int64) (bool, error) {
	return tr.store.ClaimCleanup(ctx, models.CleanupClaim{Now: now, Until: until})
}

// slices is how many the store has.
func (tr *trial) slices() int {
	if tr.store.Sharded() {
		return models.HomeSlices
	}
	return 1
}

// clean removes up to limit ended rows of each slice.
func (tr *trial) clean(limit int) (count int, err error) {
	for slice := range tr.slices() {
		n, err := tr.store.DeleteEnded(tr.Context(), models.EndedSessions{Slice: slice, Before: during, Limit: limit})
		count += n
		if err != nil {
			return count, err
		}
	}
	return count, nil
}

func slicesBeyond(tr *trial) {
	row := tr.insert(func(r *models.Session) { r.ExpiresAt = during - 1 })
	for _, slice := range []int{-1, tr.slices(), 1 << 20} {
		_, err := tr.store.DeleteEnded(tr.Context(), models.EndedSessions{Slice: slice, Before: during, Limit: 1})
		require.ErrorIs(tr, err, errors.ErrInvalidInput, "slice %d", slice)
		_, err = tr.store.ClaimCleanup(tr.Context(), models.CleanupClaim{Slice: slice, Now: during, Until: during + hour})
		require.ErrorIs(tr, err, errors.ErrInvalidInput, "slice %d", slice)
	}
	tr.requireStored(row)
	tr.requireMatch(true, "claim")(tr.claimCleanup(tr.Context(), during, during+hour))
}

// deleteEnded: a revoked row stays until its ends have passed, since the
// tokens it refuses are around until then.
func deleteEnded(tr *trial) {
	rows := make(map[string]models.Session)
	over := 0
	for _, end := range endings() {
		rows[end.name] = tr.insert(end.change)
		if end.over {
			over++
		}
	}
	count, err := tr.clean(1000)
	require.NoError(tr, err)
	require.Equal(tr, over, count)

	for _, end := range endings() {
		if !end.over {
			tr.requireStored(rows[end.name], end.name)
			continue
		}
		found, err := tr.store.Find(tr.Context(), rows[end.name].Handle)
		require.NoError(tr, err)
		require.Nil(tr, found, end.name)
	}
	count, err = tr.clean(1000)
	require.NoError(tr, err)
	require.Zero(tr, count, "nothing is left")
}

func deleteLimit(tr *trial) {
	live := tr.insert()
	for range 7 {
		tr.insert(func(r *models.Session) { r.UserID, r.ExpiresAt = "bob", during-1 }) // one slice
	}
	for _, batch := range []struct{ limit, want int }{{0, 0}, {3, 3}, {1, 1}, {3, 3}, {3, 0}} {
		count, err := tr.clean(batch.limit)
		require.NoError(tr, err)
		require.Equal(tr, batch.want, count, "limit %d", batch.limit)
	}
	tr.requireStored(live)
}

func deleteRace(tr *trial) {
	for range tr.fewRounds() {
		const rows = 20
		for range rows {
			tr.insert(func(r *models.Session) { r.ExpiresAt = during - 1 })
		}
		counts := make([]int, 4)
		tr.race(len(counts), func(i int) (ok bool, err error) {
			counts[i], err = tr.clean(rows)
			return ok, err
		})
		sum, err := tr.clean(rows) // what racers left to each other
		require.NoError(tr, err)
		for _, count := range counts {
			sum += count
		}
		require.Equal(tr, rows, sum)
	}
}

// claim is ClaimCleanup or ClaimFeedCleanup.
type claim = func(ctx context.Context, now, until int64) (bool, error)

func claimRace(tr *trial, claim claim) {
	now := during
	for range tr.fewRounds() {
		winners := tr.race(racers, func(int) (bool, error) {
			return claim(tr.Context(), now, now+hour)
		})
		require.Len(tr, winners, 1, "winners")
		now += hour
	}
}

func claimUntil(tr *trial, claim claim) {
	for _, c := range []struct {
		now, until int64
		want       bool
	}{
		{during, during + hour, true},
		{during, during + hour, false},
		{during, during + day, false}, // an attempt that failed moves nothing
		{during - day, during + hour, false},
		{during + hour - 1, during + 2*hour, false},
		{during + hour, during + 2*hour, true},
		{during + hour + 1, during + 3*hour, false},
		{during + day, during + 2*day, true},
	} {
		tr.requireMatch(c.want, "claim")(claim(tr.Context(), c.now, c.until))
	}
}
