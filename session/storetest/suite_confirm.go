package storetest

import (
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models"
)

func confirmChecks() []check {
	list := refusals("Confirm", refusedConfirmations(), func(tr *trial) (models.Session, models.Confirmation) {
		row := pendingRow(tr)
		return row, confirmationOf(row)
	}, func(tr *trial, c models.Confirmation) (bool, error) { return tr.store.Confirm(tr.Context(), c) })
	return append(
		list,
		check{"Confirm takes the flag, moves the idle end and changes nothing else", confirmMoves},
		check{"Confirm never moves the idle end back", confirmKeepsEnd},
		check{"Confirm lets one of the racers win", confirmRace},
	)
}

// confirmCase is a refusal of Confirm.
type confirmCase = refusal[models.Confirmation]

func refusedConfirmations() []confirmCase {
	return []confirmCase{
		{"an unknown handle", func(tr *trial, _ *models.Session, c *models.Confirmation) { c.Handle = tr.handle() }},
		{"a session that is not pending", func(_ *trial, row *models.Session, _ *models.Confirmation) {
			row.Flags &^= models.FlagPending
		}},
		{"a session without flags", func(_ *trial, row *models.Session, _ *models.Confirmation) { row.Flags = 0 }},
		{"a revoked session", func(_ *trial, row *models.Session, _ *models.Confirmation) {
			row.RevokedAt, row.RevokeReason = during-1, models.RevokedByTheft
		}},
		{"at the idle end", func(_ *trial, row *models.Session, _ *models.Confirmation) { row.ExpiresAt = during }},
		{"1 ms after the absolute end", func(_ *trial, row *models.Session, _ *models.Confirmation) {
			row.AbsoluteExpiresAt = during - 1
		}},
	}
}

// pendingRow has flags beside, one of them of a later version.
func pendingRow(tr *trial) models.Session {
	return tr.row(func(r *models.Session) {
		r.Flags = 1<<30 | models.FlagBrowserSession | models.FlagPending
	})
}

func confirmationOf(row models.Session) models.Confirmation {
	return models.Confirmation{Handle: row.Handle, ExpiresAt: row.ExpiresAt + hour, Now: during}
}

func confirmMoves(tr *trial) {
	bystander := pendingRow(tr)
	bystander = tr.insert(func(r *models.Session) { *r = bystander })
	for name, change := range map[string]func(*models.Session){
		"as it is":                 func(*models.Session) {},
		"1 ms before the idle end": func(r *models.Session) { r.ExpiresAt = during + 1 },
		"no absolute end":          func(r *models.Session) { r.AbsoluteExpiresAt = 0 },
		"pending and nothing else": func(r *models.Session) { r.Flags = models.FlagPending },
	} {
		row := pendingRow(tr)
		change(&row)
		row = tr.insert(func(r *models.Session) { *r = row })
		c := confirmationOf(row)
		tr.requireMatch(true, name)(tr.store.Confirm(tr.Context(), c))
		requireConfirmed(tr, row, c.ExpiresAt, name)
		tr.requireMatch(false, "again")(tr.store.Confirm(tr.Context(), c))
		requireConfirmed(tr, row, c.ExpiresAt, "again")
	}
	tr.requireStored(bystander)
}

// requireConfirmed wants the last use moved along: the first use is what it is about.
func requireConfirmed(tr *trial, row models.Session, ends int64, why string) {
	tr.Helper()
	row.Flags &^= models.FlagPending
	row.ExpiresAt, row.LastUsedAt = ends, during
	require.Equal(tr, row, tr.find(row.Handle), why)
}

func confirmKeepsEnd(tr *trial) {
	row := pendingRow(tr)
	row = tr.insert(func(r *models.Session) { *r = row })
	c := confirmationOf(row)
	c.ExpiresAt = row.ExpiresAt - 1
	tr.requireMatch(true, "an earlier end")(tr.store.Confirm(tr.Context(), c))
	requireConfirmed(tr, row, row.ExpiresAt, "an earlier end")
}

func confirmRace(tr *trial) {
	for range tr.fewRounds() {
		row := pendingRow(tr)
		row = tr.insert(func(r *models.Session) { *r = row })
		c := confirmationOf(row)
		winners := tr.race(racers, func(int) (bool, error) { return tr.store.Confirm(tr.Context(), c) })
		require.Len(tr, winners, 1, "winners")
		requireConfirmed(tr, row, c.ExpiresAt, "race")
	}
}
