package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models"
)

func feedPageChecks() []check {
	return []check{
		{"ReadFeed returns no more than the limit", feedLimit},
		{"ReadFeed returns each hint once, however few at a time", feedPages},
		{"FindMany returns live and ended sessions, without secrets", findMany},
		{"FindMany leaves out what is absent", findManyAbsent},
	}
}

// flood writes hints so fast that several have the same time.
func (tr *trial) flood() []models.Hint {
	tr.Helper()
	hints := make([]models.Hint, 3*racers)
	for i := range hints {
		hints[i] = tr.hint()
	}
	tr.race(racers, func(i int) (bool, error) {
		for ; i < len(hints); i += racers {
			if err := tr.feed().WriteHint(tr.Context(), hints[i]); err != nil {
				return false, err
			}
		}
		return true, nil
	})
	return hints
}

func feedLimit(tr *trial) {
	tr.flood()
	for _, limit := range []int{1, 2, 7} {
		page := tr.read(models.FeedPosition{}, limit)
		require.Len(tr, page.Hints, limit)
		require.NotNil(tr, page.Next, "more follow")
	}
}

func feedPages(tr *trial) {
	written := tr.flood()
	time.Sleep(2 * time.Millisecond)
	written = append(written, tr.flood()...) // with later times and other ids
	want := tr.readAll(pageLimit)
	require.ElementsMatch(tr, idsOf(written), idsOf(want))
	for _, limit := range []int{1, 2, 3, 5, len(want) - 1, len(want), len(want) + 1, 0} {
		require.Equal(tr, want, tr.readAll(limit), "limit %d", limit)
	}
	for i, h := range want {
		rest := tr.read(h.Position(), pageLimit).Hints
		require.Equal(tr, idsOf(want[i+1:]), idsOf(rest), "after number %d", i)
	}
}

func idsOf(hints []models.Hint) []models.HintID {
	ids := make([]models.HintID, len(hints))
	for i, h := range hints {
		ids[i] = h.ID
	}
	return ids
}

func findMany(tr *trial) {
	rows := make(map[string]models.Session)
	var handles []string
	for _, end := range endings() {
		row := tr.insert(end.change)
		rows[row.Handle] = row
		handles = append(handles, row.Handle)
	}
	tr.insert() // not asked for
	found, err := tr.feed().FindMany(tr.Context(), handles)
	require.NoError(tr, err)
	require.ElementsMatch(tr, handles, handlesOf(found))
	for _, shown := range found {
		requireShown(tr, rows[shown.Handle], shown)
	}
}

func findManyAbsent(tr *trial) {
	row := tr.insert()
	handles := make([]string, 999)
	for i := range handles {
		handles[i] = tr.handle()
	}
	for _, c := range []struct{ ask, want []string }{
		{nil, nil},
		{handles[:1], nil},
		{handles, nil},
		{append(handles, row.Handle), []string{row.Handle}},
	} {
		found, err := tr.feed().FindMany(tr.Context(), c.ask)
		require.NoError(tr, err)
		require.Equal(tr, c.want, handlesOf(found))
	}
}
