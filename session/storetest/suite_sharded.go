package storetest

import (
	"encoding/base32"
	"encoding/binary"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

func shardedChecks() []check {
	return []check{
		{"a sharded store takes no handle of another home", handleElsewhere},
		{"DeleteEnded removes ended rows of its slice alone", deleteSlice},
		{"ClaimCleanup of one slice leaves the others alone", claimSlices},
	}
}

// placed is a handle of 32 characters that begins with the home of a user and ends
// with handle, of up to 28; one that has this form already stays. Handles of one home
// are in the order that they have without it, if they are of one length.
func placed(handle, userID string) string {
	if home, ok := models.HomeOfHandle(handle); ok && home == models.HomeOf(userID) {
		return handle
	}
	var b [5]byte
	binary.BigEndian.PutUint16(b[:], uint16(models.HomeOf(userID)))
	home := strings.ToLower(base32.HexEncoding.EncodeToString(b[:]))[:4]
	return home + strings.Repeat("0", max(28-len(handle), 0)) + handle
}

// handleElsewhere: nobody would find such a row, or end it with the user's others.
func handleElsewhere(tr *trial) {
	for name, handle := range map[string]string{
		"short":                tr.handle(),
		"of another user":      placed(tr.handle(), "alice"),
		"too long":             placed(tr.handle(), "bob") + "0",
		"too short":            placed(tr.handle(), "bob")[:31],
		"of no home":           "VVVV" + placed(tr.handle(), "bob")[4:],
		"of the home 0":        "0000" + placed(tr.handle(), "bob")[4:],
		"of the home and more": placed(tr.handle(), "bob") + placed("", "bob"),
	} {
		row := tr.row(func(r *models.Session) { r.UserID = "bob" })
		row.Handle = handle
		require.ErrorIs(tr, tr.store.Insert(tr.Context(), &row), errors.ErrInvalidInput, name)
		found, err := tr.store.Find(tr.Context(), handle)
		require.NoError(tr, err, name)
		require.Nil(tr, found, name)
	}
	list, err := tr.list("bob")
	require.NoError(tr, err)
	require.Empty(tr, list)
}

// inEverySlice inserts an ended row into each slice.
func (tr *trial) inEverySlice() (rows [models.HomeSlices]models.Session) {
	tr.Helper()
	for left := len(rows); left > 0; {
		row := tr.row(func(r *models.Session) { r.ExpiresAt = during - 1 })
		if slice := models.HomeOf(row.UserID).Slice(); rows[slice].Handle == "" {
			require.NoError(tr, tr.store.Insert(tr.Context(), &row))
			rows[slice] = row
			left--
		}
	}
	return rows
}

func deleteSlice(tr *trial) {
	rows := tr.inEverySlice()
	live := tr.insert()
	for slice := len(rows) - 1; slice >= 0; slice-- {
		for _, want := range []int{1, 0} {
			count, err := tr.store.DeleteEnded(tr.Context(), models.EndedSessions{Slice: slice, Before: during, Limit: pageLimit})
			require.NoError(tr, err)
			require.Equal(tr, want, count, "slice %d", slice)
		}
		found, err := tr.store.Find(tr.Context(), rows[slice].Handle)
		require.NoError(tr, err)
		require.Nil(tr, found, "slice %d", slice)
		for _, row := range rows[:slice] {
			tr.requireStored(row)
		}
	}
	tr.requireStored(live)
}

func claimSlices(tr *trial) {
	for slice := range models.HomeSlices {
		c := models.CleanupClaim{Slice: slice, Now: during, Until: during + hour}
		tr.requireMatch(true, "claim")(tr.store.ClaimCleanup(tr.Context(), c))
		tr.requireMatch(false, "claim again")(tr.store.ClaimCleanup(tr.Context(), c))
	}
}
