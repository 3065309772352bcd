package storetest

import (
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models"
)

func walkChecks() []check {
	return []check{
		{"Walk shows no token hash, payload or data", walkSecrets},
		{"Walk shows the live sessions of all users, by handle", walkLive},
		{"Walk looks at no more than the limit", walkLimit},
		{"Walk shows each session once, however few at a time", walkPages},
	}
}

// walk goes on until no session is left to look at.
func (tr *trial) walk(limit int) (list []models.Session) {
	tr.Helper()
	w := models.Walk{Now: during, Limit: limit}
	for calls := 0; ; calls++ {
		require.Less(tr, calls, 200, "calls")
		page, err := tr.store.Walk(tr.Context(), w)
		require.NoError(tr, err)
		list = append(list, page.Sessions...)
		if page.Next == "" {
			return list
		}
		require.Greater(tr, page.Next, w.After, "it goes on")
		w.After = page.Next
	}
}

func walkSecrets(tr *trial) {
	row := tr.insert()
	list := tr.walk(pageLimit)
	require.Len(tr, list, 1)
	requireShown(tr, row, list[0])
}

// requireShown asks for all that a list may show of a row, and no secret.
func requireShown(tr *trial, row, shown models.Session) {
	tr.Helper()
	require.True(tr, shown.Lineage.Current.IsZero(), "current hash")
	require.True(tr, shown.Lineage.Previous.IsZero(), "previous hash")
	require.Nil(tr, shown.Payload)
	require.Nil(tr, shown.Data)

	// What is left open here may be shown or not.
	row.Lineage, row.DataVersion = shown.Lineage, shown.DataVersion
	row.Payload, row.Data = nil, nil
	require.Equal(tr, row, shown)
}

func walkLive(tr *trial) {
	require.Empty(tr, tr.walk(pageLimit))
	var want []string
	for _, end := range endings() {
		for _, prefix := range []string{"z", "Z", "0"} {
			row := tr.insert(end.change, func(r *models.Session) { r.Handle = prefix + r.Handle })
			if end.live {
				want = append(want, row.Handle)
			}
		}
	}
	slices.Sort(want)
	require.Equal(tr, want, handlesOf(tr.walk(pageLimit)))
}

func walkLimit(tr *trial) {
	rows, _ := tr.crowd("bob")
	handles := handlesOf(rows)
	slices.Sort(handles)
	for i := range len(handles) - 2 {
		after := ""
		if i == 0 && tr.store.Sharded() {
			continue // the first slice is another one
		}
		if i > 0 {
			after = handles[i-1]
		}
		page, err := tr.store.Walk(tr.Context(), models.Walk{After: after, Now: during, Limit: 2})
		require.NoError(tr, err)
		require.LessOrEqual(tr, len(page.Sessions), 2)
		require.Equal(tr, handles[i+1], page.Next, "two are looked at, live or not")
	}
}

func walkPages(tr *trial) {
	_, live := tr.crowd("bob")
	_, more := tr.crowd("alice")
	want := append(handlesOf(live), handlesOf(more)...)
	slices.Sort(want)
	for _, limit := range []int{1, 2, 3, 5, 23, 47, 48, 49, 0} {
		require.Equal(tr, want, handlesOf(tr.walk(limit)), "limit %d", limit)
	}
}
