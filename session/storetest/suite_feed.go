package storetest

import (
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

func feedChecks() []check {
	return []check{
		{"the feed is off until it is turned on, which Check sees", feedOn},
		{"WriteHint takes the time from the database", hintTime},
		{"ReadFeed returns hints as they were written", hintKept},
		{"ReadFeed sees each hint that was written", hintSeen},
		{"WriteHint of a hint that is there does no harm", hintTwice},
		{"ReadFeed tells the time at the database without hints too", feedClock},
	}
}

// feed is the store, whose part the check is about.
func (tr *trial) feed() session.FeedStore {
	return tr.store.(session.FeedStore) //nolint:forcetypeassert // see check.concerns
}

// hint returns a hint with a random id.
func (tr *trial) hint() (h models.Hint) {
	tr.made++
	_, _ = rand.Read(h.ID[:]) // never fails
	h.Kind, h.Subject, h.Owner = models.HintSession, tr.handle(), fmt.Sprintf("user-%d", tr.made)
	return h
}

// write stores a hint.
func (tr *trial) write(h models.Hint) {
	tr.Helper()
	require.NoError(tr, tr.feed().WriteHint(tr.Context(), h))
}

// read is one page.
func (tr *trial) read(after models.FeedPosition, limit int) models.FeedPage {
	tr.Helper()
	page, err := tr.feed().ReadFeed(tr.Context(), models.FeedQuery{After: after, Limit: limit})
	require.NoError(tr, err)
	return page
}

// readAll goes on until no hint is left, and asks for their order.
func (tr *trial) readAll(limit int) (hints []models.Hint) {
	tr.Helper()
	after := models.FeedPosition{}
	for calls := 0; ; calls++ {
		require.Less(tr, calls, 500, "calls")
		page := tr.read(after, limit)
		for _, h := range page.Hints {
			require.True(tr, isAfter(h.Position(), after), "in the order of their positions")
			after = h.Position()
			hints = append(hints, h)
		}
		if page.Next == nil {
			return hints
		}
		require.Equal(tr, after, *page.Next, "it goes on after the last one")
	}
}

func isAfter(p, other models.FeedPosition) bool {
	return p.At > other.At || p.At == other.At && string(p.ID[:]) > string(other.ID[:])
}

func feedOn(tr *trial) {
	requireOn := func(want bool, why string) {
		tr.Helper()
		require.Equal(tr, want, tr.feed().FeedOn(), why)
	}
	require.NoError(tr, tr.store.Check(tr.Context()))
	requireOn(false, "at first")
	for range 2 {
		require.NoError(tr, tr.feed().TurnFeedOn(tr.Context()))
	}
	requireOn(false, "before Check")
	for range 2 {
		require.NoError(tr, tr.store.Check(tr.Context()))
		requireOn(true, "after Check")
	}
	require.NoError(tr, tr.feed().TurnFeedOn(tr.Context()))
	require.NoError(tr, tr.store.Check(tr.Context()))
	requireOn(true, "turned on again")
}

// hintTime: whatever time the caller's hint has, it is stored with one between those
// that the database told before and after.
func hintTime(tr *trial) {
	before := tr.read(models.FeedPosition{}, 10).Clock
	for i, at := range []int64{0, 1, created, before + 365*day, -1, 1 << 62} {
		h := tr.hint()
		h.At = at
		tr.write(h)
		page := tr.read(models.FeedPosition{}, 10)
		require.Len(tr, page.Hints, i+1)
		for _, found := range page.Hints {
			require.GreaterOrEqual(tr, found.At, before)
			require.LessOrEqual(tr, found.At, page.Clock)
		}
	}
}

func hintKept(tr *trial) {
	var want []models.Hint
	put := func(h models.Hint) {
		tr.write(h)
		want = append(want, h)
	}
	for _, id := range userIDs() {
		for _, kind := range []models.HintKind{models.HintUser, models.HintClaims, models.HintKey} {
			h := tr.hint()
			h.Kind, h.Subject, h.Owner = kind, id, ""
			put(h)
		}
		h := tr.hint()
		h.Owner = id
		put(h)
	}
	for _, id := range []models.HintID{{}, {1}, {0, 0xff}, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {7: 1}, {7: ' '}} {
		put(models.Hint{ID: id, Kind: models.HintAll})
	}
	found := tr.readAll(pageLimit)
	for i := range found {
		found[i].At = 0
	}
	require.ElementsMatch(tr, want, found)
}

// hintSeen asks after each one, with many writers at once.
func hintSeen(tr *trial) {
	subject := strings.Repeat("s", 8)
	for round := range 1 + tr.fewRounds() {
		hints := make([]models.Hint, racers)
		for i := range hints {
			hints[i] = tr.hint()
			hints[i].Subject = subject // all alike but for the id
		}
		tr.race(racers, func(i int) (bool, error) { return true, tr.feed().WriteHint(tr.Context(), hints[i]) })
		require.Len(tr, tr.readAll(pageLimit), (round+1)*racers)
	}
}

func hintTwice(tr *trial) {
	h := tr.hint()
	for range 5 {
		tr.write(h)
	}
	other := tr.hint()
	tr.write(other)
	var ids []models.HintID
	for _, found := range tr.readAll(pageLimit) {
		require.Contains(tr, []models.HintID{h.ID, other.ID}, found.ID)
		ids = append(ids, found.ID)
	}
	require.Contains(tr, ids, h.ID)
	require.Contains(tr, ids, other.ID)
}

// feedClock: pages without hints are what a process reads most of the time.
func feedClock(tr *trial) {
	empty := tr.read(models.FeedPosition{}, 10)
	require.Empty(tr, empty.Hints)
	require.Nil(tr, empty.Next)
	tr.write(tr.hint())
	page := tr.read(models.FeedPosition{}, 10)
	require.Len(tr, page.Hints, 1)
	require.LessOrEqual(tr, empty.Clock, page.Hints[0].At)
	require.Greater(tr, empty.Clock, page.Hints[0].At-day, "it is the same clock")

	end := tr.read(page.Hints[0].Position(), 10)
	require.Empty(tr, end.Hints)
	require.GreaterOrEqual(tr, end.Clock, page.Clock)
}
