package storetest

import (
	"bytes"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models"
)

// advanceCase is a refusal of Advance.
type advanceCase = refusal[models.Advance]

// advanceRefusals are the conditions of the compare-and-swap, each alone: all
// others are met.
func advanceRefusals() []check {
	list := refusals("Advance", append(forgedSteps(), lateSteps()...), func(tr *trial) (models.Session, models.Advance) {
		row := tr.row()
		return row, tr.step(row)
	}, func(tr *trial, step models.Advance) (bool, error) { return tr.store.Advance(tr.Context(), step) })
	return append(
		list,
		check{"Advance refuses an unknown handle", advanceUnknown},
		check{"Advance refuses a session revoked by Revoke", advanceRevoked},
		check{"Advance refuses a session revoked by RevokeAll", advanceAllRevoked},
		check{"Advance refuses the same step again", advanceTwice},
	)
}

// forgedSteps come from somebody who does not hold the current token.
func forgedSteps() []advanceCase {
	return []advanceCase{
		{"a token that never was one", func(tr *trial, _ *models.Session, step *models.Advance) {
			step.From = tr.hash()
		}},
		{"the previous token", func(_ *trial, row *models.Session, step *models.Advance) {
			step.From = row.Lineage.Previous
		}},
		{"the current token of another session", func(tr *trial, _ *models.Session, step *models.Advance) {
			step.From = tr.insert().Lineage.Current
		}},
		{"no token", func(_ *trial, _ *models.Session, step *models.Advance) {
			step.From = models.Hash{}
		}},
		{"a token that differs in the last bit", func(_ *trial, _ *models.Session, step *models.Advance) {
			step.From[models.HashSize-1] ^= 1
		}},
		{"a token that differs in case", func(_ *trial, row *models.Session, step *models.Advance) {
			row.Lineage.Current = hashOf("AbCd", "A")
			step.From = hashOf("aBcD", "a")
		}},
		{"a token that differs in trailing blanks", func(_ *trial, row *models.Session, step *models.Advance) {
			row.Lineage.Current = hashOf("AbCd", " ")
			step.From = hashOf("AbCd", "\x00")
		}},
		{"another previous token than expected", func(tr *trial, _ *models.Session, step *models.Advance) {
			step.ExpectPrevious = tr.hash()
		}},
		{"the current token where the previous is expected", func(_ *trial, row *models.Session, step *models.Advance) {
			step.ExpectPrevious = row.Lineage.Current
		}},
	}
}

// lateSteps come for a session that has ended.
func lateSteps() []advanceCase {
	end := func(idle, absolute, now int64) func(*trial, *models.Session, *models.Advance) {
		return func(_ *trial, row *models.Session, step *models.Advance) {
			row.ExpiresAt, row.AbsoluteExpiresAt, step.Now = idle, absolute, now
			step.ExpiresAt = now + hour
		}
	}
	return []advanceCase{
		{"a revoked session", func(_ *trial, row *models.Session, _ *models.Advance) {
			row.RevokedAt, row.RevokeReason = during-1, models.RevokedByTheft
		}},
		{"a session revoked at a later time", func(_ *trial, row *models.Session, _ *models.Advance) {
			row.RevokedAt, row.RevokeReason = during+hour, models.RevokedByTheft // clocks differ
		}},
		{"at the idle end", end(during, during+day, during)},
		{"1 ms after the idle end", end(during, during+day, during+1)},
		{"at the idle end without an absolute end", end(during, 0, during)},
		{"at the absolute end", end(during+day, during, during)},
		{"1 ms after the absolute end", end(during+day, during, during+1)},
	}
}

// hashOf returns start, filled up with fill.
func hashOf(start, fill string) (h models.Hash) {
	copy(h[:], start+string(bytes.Repeat([]byte(fill), models.HashSize)))
	return h
}

func advanceUnknown(tr *trial) {
	row := tr.insert()
	step := tr.step(row)
	step.Handle = tr.handle()
	tr.requireMatch(false, "no such row")(tr.store.Advance(tr.Context(), step))
	tr.requireStored(row)

	none, err := tr.store.Find(tr.Context(), step.Handle)
	require.NoError(tr, err)
	require.Nil(tr, none, "a step makes no row")
}

func advanceRevoked(tr *trial) {
	row := tr.insert()
	tr.requireMatch(true, "revoke")(
		tr.store.Revoke(tr.Context(), models.Revocation{Handle: row.Handle, Reason: models.RevokedByTheft, Now: during}))
	before := tr.find(row.Handle)

	// Clocks of servers differ: a time before the revocation helps nobody.
	for _, now := range []int64{during + 1, during, during - 1} {
		step := tr.step(row)
		step.Now = now
		tr.requireMatch(false, "revoked")(tr.store.Advance(tr.Context(), step))
		tr.requireStored(before)
	}
}

func advanceAllRevoked(tr *trial) {
	row := tr.insert()
	count, err := tr.revokeAll(row.UserID, "", models.RevokedByRevokeAll)
	require.NoError(tr, err)
	require.Equal(tr, 1, count)
	before := tr.find(row.Handle)

	tr.requireMatch(false, "revoked")(tr.store.Advance(tr.Context(), tr.step(row)))
	tr.requireStored(before)
}

func advanceTwice(tr *trial) {
	row := tr.insert()
	step := tr.step(row)
	tr.requireMatch(true, "first")(tr.store.Advance(tr.Context(), step))
	tr.requireMatch(false, "second")(tr.store.Advance(tr.Context(), step))
	tr.requireStored(advanced(row, step))
}
