package storetest

import (
	"fmt"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

func handleChecks() []check {
	return []check{
		{"handles that nearly fit find nothing", handleNearMisses},
		{"handles that no database can hold find nothing", handleUnstorable},
		{"handles that differ in case are different sessions", handleCase},
	}
}

func handleNearMisses(tr *trial) {
	row := tr.insert(func(r *models.Session) { r.Handle = "0123456789aBcDeFgHiJkLmNoP" })
	handle := row.Handle
	cut := handle[:len(handle)-1]

	for _, near := range []string{
		"", " ", "%", strings.Repeat("_", len(handle)), "' OR '1'='1", `\`, "null", "0",
		handle + " ", " " + handle, handle + "x", cut, cut + "_", cut + "%",
		strings.ToLower(handle), strings.ToUpper(handle), handle + "'", cut + "\u00e9",
		"\U0001f600", strings.Repeat("x", 1000),
	} {
		why := fmt.Sprintf("handle %q", near)
		found, err := tr.store.Find(tr.Context(), near)
		require.NoError(tr, err, why)
		require.Nil(tr, found, why)

		step := tr.step(row)
		step.Handle = near
		tr.requireMatch(false, why)(tr.store.Advance(tr.Context(), step))
		tr.requireMatch(false, why)(tr.store.Revoke(tr.Context(), models.Revocation{Handle: near, Reason: models.RevokedByTheft, Now: during}))
		tr.requireMatch(false, why)(tr.store.WriteData(tr.Context(), models.DataWrite{Handle: near, Now: during}))
	}
	tr.requireStored(row)
}

// handleUnstorable: a database may refuse such bytes, which is an error that a
// store need not hide, but they must match nothing.
func handleUnstorable(tr *trial) {
	row := tr.insert()
	for _, handle := range []string{row.Handle + "\x00", "\x00", "\xff", row.Handle[:len(row.Handle)-1] + "\xff"} {
		found, err := tr.store.Find(tr.Context(), handle)
		if err != nil {
			require.ErrorIs(tr, err, errors.ErrGeneral)
		}
		require.Nil(tr, found, "handle %q", handle)

		revoked, err := tr.store.Revoke(tr.Context(), models.Revocation{Handle: handle, Reason: models.RevokedByTheft, Now: during})
		if err != nil {
			require.ErrorIs(tr, err, errors.ErrGeneral)
		}
		require.False(tr, revoked, "handle %q", handle)
	}
	tr.requireStored(row)
}

func handleCase(tr *trial) {
	lower := tr.insert(func(r *models.Session) { r.Handle, r.UserID = "0123456789abcdefghijklmnop", "bob" })
	upper := tr.insert(func(r *models.Session) { r.Handle, r.UserID = "0123456789ABCDEFGHIJKLMNOP", "bob" })
	tr.requireStored(lower)

	tr.requireMatch(true, "revoke")(
		tr.store.Revoke(tr.Context(), models.Revocation{Handle: upper.Handle, Reason: models.RevokedBySignOut, Now: during}))
	tr.requireStored(lower, "only the other one was revoked")
}
