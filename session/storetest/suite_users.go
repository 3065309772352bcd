package storetest

import (
	"fmt"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

// userIDs are ids of which all are different, and each is taken for another
// one by some collation, some padding rule, some number parser or some quoting.
func userIDs() []string {
	return []string{
		"bob", " bob", "bob ", "bob  ", "bob\t", "bob\n", "Bob", "BOB", "bob\u200b", "b\u00f6b", "bo\u0301b",
		"007", "07", "7", "7.0", "0", "-0", "00", "1e3", "1000", "0x10", "16",
		"9007199254740992", "9007199254740993",
		"Alice", "alice", "Al\u0131ce", "AL\u0130CE", "\u0430lice", "\uff41lice",
		"\u00e9", "e\u0301", "e", "\u00df", "ss", "\u1e9e", "SS", "\u017f", "s", "K", "\u212a",
		"\U0001f600", "\U0001f601", "?", "????", "\ufffd",
		strings.Repeat("x", 128), strings.Repeat("x", 127), strings.Repeat("x", 127) + "y",
		strings.Repeat("x", 127) + " ", strings.Repeat("\U0001f600", 32),
		strings.Repeat("x", models.MaxUserID), strings.Repeat("x", models.MaxUserID-1), strings.Repeat("x", models.MaxUserID-1) + "y",
		strings.Repeat("x", models.MaxUserID-1) + " ", strings.Repeat("\U0001f600", models.MaxUserID/4),
		" ", "  ", "%", "_", "b%", "bo_", `\`, `bob\`, "bob'", `bob"`, "bob`", "bob;", "bob--",
		"' OR '1'='1", "null", "NULL", "true", "{}", "?1", "$1", ":user_id", "@user_id",
	}
}

func userChecks() []check {
	return []check{
		{"user ids are compared byte for byte", userIDsApart},
		{"user ids with a NUL byte are kept exactly or refused", userIDsWithNUL},
	}
}

// userIDsApart ends the sessions of one user after the other. If one call
// reached any other user's, that user's own count would be wrong later.
func userIDsApart(tr *trial) {
	ids := userIDs()
	handles := make(map[string][]string, len(ids))
	for _, id := range ids {
		for i := range int64(2) {
			row := tr.insert(func(r *models.Session) { r.UserID, r.CreatedAt = id, created+i })
			handles[id] = append(handles[id], row.Handle)
			require.Equal(tr, id, tr.find(row.Handle).UserID, "returned as given")
		}
	}
	for _, id := range ids {
		why := fmt.Sprintf("user %q", id)
		listed, err := tr.list(id)
		require.NoError(tr, err, why)
		require.Equal(tr, handles[id], handlesOf(listed), why)
		require.Equal(tr, []string{id, id}, []string{listed[0].UserID, listed[1].UserID}, why)

		count, err := tr.revokeAll(id, "", models.RevokedByRevokeAll)
		require.NoError(tr, err, why)
		require.Equal(tr, 2, count, why)
	}
}

// userIDsWithNUL: not every database can store the byte. Refusing it is fine,
// cutting the id off before it hands one user's sessions to another.
func userIDsWithNUL(tr *trial) {
	bob := tr.insert(func(r *models.Session) { r.UserID = "bob" })
	for _, id := range []string{"bob\x00", "bob\x00x", "\x00bob"} {
		row := tr.row(func(r *models.Session) { r.UserID = id })
		if err := tr.store.Insert(tr.Context(), &row); err != nil {
			require.ErrorIs(tr, err, errors.ErrGeneral)
		} else {
			tr.requireStored(row)
		}
		if _, err := tr.revokeAll(id, "", models.RevokedByRevokeAll); err != nil {
			require.ErrorIs(tr, err, errors.ErrGeneral)
		}
		tr.requireStored(bob, "user %q", id)
	}
}

func handlesOf(rows []models.Session) []string {
	var handles []string
	for _, row := range rows {
		handles = append(handles, row.Handle)
	}
	return handles
}
