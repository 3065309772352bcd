package storetest

import (
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models"
)

func listChecks() []check {
	return []check{
		{"List shows no token hash, payload or data", listSecrets},
		{"List shows live sessions of the user only", listLive},
		{"List begins with the oldest session", listOrder},
		{"List of an unknown user is empty", listEmpty},
		{"List looks at no more than the limit", listLimit},
		{"List shows each session once, however few at a time", listPages},
	}
}

// listSecrets also asks that everything a device list needs is there.
func listSecrets(tr *trial) {
	row := tr.insert()
	list, err := tr.list(row.UserID)
	require.NoError(tr, err)
	require.Len(tr, list, 1)
	shown := list[0]
	require.True(tr, shown.Lineage.Current.IsZero(), "current hash")
	require.True(tr, shown.Lineage.Previous.IsZero(), "previous hash")
	require.Nil(tr, shown.Payload)
	require.Nil(tr, shown.Data)

	// What is left open here may be shown or not.
	row.Lineage, row.DataVersion = shown.Lineage, shown.DataVersion
	row.Payload, row.Data = nil, nil
	require.Equal(tr, row, shown)
}

func listLive(tr *trial) {
	var want []string
	for _, end := range endings() {
		row := tr.insert(end.change, func(r *models.Session) { r.UserID = "bob" })
		tr.insert(end.change) // somebody else's
		if end.live {
			want = append(want, row.Handle)
		}
	}
	list, err := tr.list("bob")
	require.NoError(tr, err)
	require.ElementsMatch(tr, want, handlesOf(list))

	for _, handle := range want {
		tr.requireMatch(true, "revoke")(
			tr.store.Revoke(tr.Context(), models.Revocation{Handle: handle, Reason: models.RevokedBySignOut, Now: during}))
	}
	list, err = tr.list("bob")
	require.NoError(tr, err)
	require.Empty(tr, list, "all revoked")
}

// listOrder inserts in another order than by age, with handles that sort the
// other way round.
func listOrder(tr *trial) {
	var want [5]string
	for _, age := range []int{2, 4, 0, 3, 1} {
		row := tr.insert(func(r *models.Session) { r.UserID, r.CreatedAt = "bob", created-int64(age) })
		want[len(want)-1-age] = row.Handle
	}
	list, err := tr.list("bob")
	require.NoError(tr, err)
	require.Equal(tr, want[:], handlesOf(list))
}

func listEmpty(tr *trial) {
	tr.insert()
	list, err := tr.list("nobody")
	require.NoError(tr, err)
	require.Empty(tr, list)
}
