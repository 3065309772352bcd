package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models"
)

func feedUpkeepChecks() []check {
	return []check{
		{"DeleteHints removes hints from before the time given only", deleteHints},
		{"DeleteHints removes no more than the limit", deleteHintsLimit},
		{"ClaimFeedCleanup has one winner among the racers", func(tr *trial) {
			claimRace(tr, tr.feed().ClaimFeedCleanup)
		}},
		{"ClaimFeedCleanup has no winner until the time given", func(tr *trial) {
			claimUntil(tr, tr.feed().ClaimFeedCleanup)
		}},
		{"ClaimFeedCleanup and ClaimCleanup do not meet", claimsApart},
	}
}

// deleteHints cuts at the time of each hint, to the millisecond.
func deleteHints(tr *trial) {
	for range 6 {
		tr.write(tr.hint())
		time.Sleep(2 * time.Millisecond) // so that the next one is later
	}
	left := tr.readAll(pageLimit)
	require.NotEqual(tr, left[0].At, left[5].At)
	for len(left) > 0 {
		at := left[0].At
		for _, before := range []int64{at, at + 1} {
			over := 0
			for over < len(left) && left[over].At < before {
				over++
			}
			count, err := tr.feed().DeleteHints(tr.Context(), before, pageLimit)
			require.NoError(tr, err)
			require.Equal(tr, over, count)
			left = left[over:]
			require.Equal(tr, idsOf(left), idsOf(tr.readAll(pageLimit)))
		}
	}
}

func deleteHintsLimit(tr *trial) {
	for range 7 {
		tr.write(tr.hint())
	}
	before := tr.read(models.FeedPosition{}, 10).Clock + 1
	left := 7
	for _, batch := range []struct{ limit, want int }{{0, 0}, {3, 3}, {1, 1}, {3, 3}, {3, 0}} {
		count, err := tr.feed().DeleteHints(tr.Context(), before, batch.limit)
		require.NoError(tr, err)
		require.Equal(tr, batch.want, count, "limit %d", batch.limit)
		left -= count
		require.Len(tr, tr.readAll(pageLimit), left)
	}
}

func claimsApart(tr *trial) {
	tr.requireMatch(true, "of rows")(tr.claimCleanup(tr.Context(), during, during+hour))
	tr.requireMatch(true, "of hints")(tr.feed().ClaimFeedCleanup(tr.Context(), during, during+hour))
	tr.requireMatch(true, "of hints, later")(tr.feed().ClaimFeedCleanup(tr.Context(), during+hour, during+day))
	tr.requireMatch(true, "of rows, later")(tr.claimCleanup(tr.Context(), during+hour, during+2*hour))
}
