package storetest

import (
	"fmt"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models"
)

func revokeChecks() []check {
	return []check{
		{"Revoke does not end a session again", revokeAgain},
		{"Revoke of an absent session reports false", revokeAbsent},
		{"Revoke leaves a tombstone and nothing else changes", revokeTombstone},
		{"Revoke of an expired session counts", revokeExpired},
		{"Revoke ends a session only while the token given is current", revokeCurrent},
		{"Revoke ends a session only for the user given", revokeOwner},
		{"Revoke notes the successor as the origin", revokeSuccessor},
	}
}

func revokeAgain(tr *trial) {
	row := tr.insert()
	tr.requireMatch(true, "first")(
		tr.store.Revoke(tr.Context(), models.Revocation{Handle: row.Handle, Reason: models.RevokedByTheft, Now: during}))
	tombstone := tr.find(row.Handle)

	for _, now := range []int64{during, during + 1, during - 1, absoluteEnd + day} {
		tr.requireMatch(false, "again")(
			tr.store.Revoke(tr.Context(), models.Revocation{Handle: row.Handle, Reason: models.RevokedBySignOut, Now: now}))
		tr.requireStored(tombstone, "time and reason are those of the first")
	}
}

func revokeAbsent(tr *trial) {
	row := tr.insert()
	tr.requireMatch(false, "absent")(
		tr.store.Revoke(tr.Context(), models.Revocation{Handle: tr.handle(), Reason: models.RevokedByTheft, Now: during}))
	tr.requireStored(row)
}

func revokeTombstone(tr *trial) {
	bystander := tr.insert()
	for _, reason := range []models.RevokeReason{
		models.RevokedBySignOut, models.RevokedByApplication, models.RevokedByRevokeAll,
		models.RevokedByTheft, models.RevokedByNewLogin,
	} {
		row := tr.insert(func(r *models.Session) { r.UserID = bystander.UserID })
		tr.requireMatch(true, string(reason))(
			tr.store.Revoke(tr.Context(), models.Revocation{Handle: row.Handle, Reason: reason, Now: during}))
		row.RevokedAt, row.RevokeReason = during, reason
		tr.requireStored(row)
	}
	tr.requireStored(bystander)
}

func revokeExpired(tr *trial) {
	idle := tr.insert(func(r *models.Session) { r.ExpiresAt = during - 1 })
	absolute := tr.insert(func(r *models.Session) { r.AbsoluteExpiresAt = during - 1 })
	for _, row := range []models.Session{idle, absolute} {
		tr.requireMatch(true, "expired, but not revoked")(
			tr.store.Revoke(tr.Context(), models.Revocation{Handle: row.Handle, Reason: models.RevokedByTheft, Now: during}))
		row.RevokedAt, row.RevokeReason = during, models.RevokedByTheft
		tr.requireStored(row)
	}
}

func revokeCurrent(tr *trial) {
	row := tr.insert()
	before, is := row.Lineage.Previous, row.Lineage.Current
	nearly := is
	nearly[len(nearly)-1] ^= 1
	for _, other := range []models.Hash{before, nearly} {
		tr.requireMatch(false, "another token is current")(
			tr.store.Revoke(tr.Context(), models.Revocation{Handle: row.Handle, Current: other, Reason: models.RevokedByTheft, Now: during}))
		tr.requireStored(row)
	}
	tr.requireMatch(true, "this one is current")(
		tr.store.Revoke(tr.Context(), models.Revocation{Handle: row.Handle, Current: is, Reason: models.RevokedByTheft, Now: during}))
	row.RevokedAt, row.RevokeReason = during, models.RevokedByTheft
	tr.requireStored(row)
}

// revokeOwner: a foreign handle and an absent one get the same answer, and every id
// that is merely alike is another user's.
func revokeOwner(tr *trial) {
	row := tr.insert(func(r *models.Session) { r.UserID = "bob" })
	of := func(user, handle string) models.Revocation {
		return models.Revocation{Handle: handle, UserID: user, Reason: models.RevokedByApplication, Now: during}
	}
	for _, other := range []string{"mallory", "Bob", "bob ", " bob", "bo", "bobb", "%", "' OR '1'='1"} {
		tr.requireMatch(false, other)(tr.store.Revoke(tr.Context(), of(other, row.Handle)))
		tr.requireStored(row, "user %q", other)
		tr.requireMatch(false, "absent")(tr.store.Revoke(tr.Context(), of(other, tr.handle())))
	}
	withToken := of("mallory", row.Handle)
	withToken.Current = row.Lineage.Current
	tr.requireMatch(false, "the current token helps nobody else")(tr.store.Revoke(tr.Context(), withToken))
	tr.requireStored(row)

	tr.requireMatch(true, "its own")(tr.store.Revoke(tr.Context(), of("bob", row.Handle)))
	row.RevokedAt, row.RevokeReason = during, models.RevokedByApplication
	tr.requireStored(row)
}

// revokeSuccessor: without one the origin stays, and an ended session gets none.
func revokeSuccessor(tr *trial) {
	row, bystander := tr.insert(), tr.insert()
	tr.requireMatch(true, "without a successor")(
		tr.store.Revoke(tr.Context(), models.Revocation{Handle: bystander.Handle, Reason: models.RevokedBySignOut, Now: during}))
	bystander.RevokedAt, bystander.RevokeReason = during, models.RevokedBySignOut
	tr.requireStored(bystander, "the origin stays")

	first, second := "\x01not one of ours\xff", tr.handle()
	end := models.Revocation{Handle: row.Handle, Reason: models.RevokedByReplacement, Successor: first, Now: during}
	tr.requireMatch(true, "first")(tr.store.Revoke(tr.Context(), end))
	row.RevokedAt, row.RevokeReason, row.Origin = during, models.RevokedByReplacement, first
	tr.requireStored(row)

	end.Successor = second
	tr.requireMatch(false, "again")(tr.store.Revoke(tr.Context(), end))
	tr.requireStored(row, "the first successor stays")
	end.Handle = bystander.Handle
	tr.requireMatch(false, "ended otherwise")(tr.store.Revoke(tr.Context(), end))
	tr.requireStored(bystander, "who was ended otherwise has none")
}

func revokeAllChecks() []check {
	return []check{
		{"RevokeAll looks at no more than the limit", revokeAllLimit},
		{"RevokeAll reaches every session, however few at a time", revokeAllPages},
		{"RevokeAll comes to an end while others sign in", revokeAllEnds},
		{"RevokeAll spares nobody when the exception does not fit exactly", revokeAllNoException},
		{"RevokeAll spares the session named", revokeAllExcept},
		{"RevokeAll counts and marks live sessions only", revokeAllLive},
	}
}

func revokeAllNoException(tr *trial) {
	other := tr.insert()
	for i, nearly := range []func(handle string) string{
		func(string) string { return "" },
		func(string) string { return " " },
		func(string) string { return "%" },
		func(string) string { return "' OR '1'='1" },
		func(string) string { return other.Handle },
		func(handle string) string { return handle + " " },
		func(handle string) string { return handle[:25] },
		strings.ToUpper,
		strings.ToLower,
	} {
		row := tr.insert(func(r *models.Session) { r.Handle = fmt.Sprintf("%015daBcDeFgHiJk", i) })
		except := nearly(row.Handle)
		count, err := tr.revokeAll(row.UserID, except, models.RevokedByRevokeAll)
		require.NoError(tr, err)
		require.Equal(tr, 1, count, "except %q", except)
		row.RevokedAt, row.RevokeReason = during, models.RevokedByRevokeAll
		tr.requireStored(row, "except %q", except)
	}
	tr.requireStored(other)
}

func revokeAllExcept(tr *trial) {
	ofUser := func(r *models.Session) { r.UserID = "bob" }
	kept, bystander := tr.insert(ofUser), tr.insert()
	ended := []models.Session{tr.insert(ofUser), tr.insert(ofUser)}

	count, err := tr.revokeAll("bob", kept.Handle, models.RevokedByApplication)
	require.NoError(tr, err)
	require.Equal(tr, 2, count)
	tr.requireStored(kept)
	tr.requireStored(bystander)
	for _, row := range ended {
		row.RevokedAt, row.RevokeReason = during, models.RevokedByApplication
		tr.requireStored(row)
	}
}

func revokeAllLive(tr *trial) {
	rows := make(map[string]models.Session)
	for _, end := range endings() {
		rows[end.name] = tr.insert(end.change, func(r *models.Session) { r.UserID = "bob" })
	}
	count, err := tr.revokeAll("bob", "", models.RevokedByRevokeAll)
	require.NoError(tr, err)

	live := 0
	for _, end := range endings() {
		row := rows[end.name]
		if end.live {
			live++
			row.RevokedAt, row.RevokeReason = during, models.RevokedByRevokeAll
		}
		tr.requireStored(row, end.name)
	}
	require.Equal(tr, live, count)

	count, err = tr.revokeAll("bob", "", models.RevokedByTheft)
	require.NoError(tr, err)
	require.Zero(tr, count, "nothing is left")
}
