package storetest

import (
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models"
)

func extendChecks() []check {
	list := refusals("Extend", refusedExtensions(), func(tr *trial) (models.Session, models.Extend) {
		row := tr.row()
		return row, extension(row)
	}, func(tr *trial, ext models.Extend) (bool, error) { return tr.store.Extend(tr.Context(), ext) })
	return append(
		list,
		check{"Extend moves the idle end and nothing else", extendMoves},
		check{"Extend lets one of the racers for the same end win", extendRace},
	)
}

// extendCase is a refusal of Extend.
type extendCase = refusal[models.Extend]

func refusedExtensions() []extendCase {
	return []extendCase{
		{"an unknown handle", func(tr *trial, _ *models.Session, ext *models.Extend) {
			ext.Handle = tr.handle()
		}},
		{"a token that is not current", func(tr *trial, _ *models.Session, ext *models.Extend) {
			ext.Current = tr.hash()
		}},
		{"the previous token", func(_ *trial, row *models.Session, ext *models.Extend) {
			ext.Current = row.Lineage.Previous
		}},
		{"a revoked session", func(_ *trial, row *models.Session, _ *models.Extend) {
			row.RevokedAt, row.RevokeReason = during-1, models.RevokedByTheft
		}},
		{"at the idle end", func(_ *trial, row *models.Session, ext *models.Extend) {
			row.ExpiresAt, ext.ExpiresAt = during, during+day
		}},
		{"1 ms after the idle end", func(_ *trial, row *models.Session, ext *models.Extend) {
			row.ExpiresAt, ext.ExpiresAt = during-1, during+day
		}},
		{"at the absolute end", func(_ *trial, row *models.Session, _ *models.Extend) {
			row.AbsoluteExpiresAt = during
		}},
		{"1 ms after the absolute end", func(_ *trial, row *models.Session, _ *models.Extend) {
			row.AbsoluteExpiresAt = during - 1
		}},
		{"an idle end that is as late already", func(_ *trial, row *models.Session, ext *models.Extend) {
			ext.ExpiresAt = row.ExpiresAt
		}},
		{"an idle end that is later already", func(_ *trial, row *models.Session, ext *models.Extend) {
			ext.ExpiresAt = row.ExpiresAt - 1
		}},
	}
}

func extension(row models.Session) models.Extend {
	return models.Extend{
		Handle: row.Handle, Current: row.Lineage.Current,
		ExpiresAt: row.ExpiresAt + hour, Now: during,
	}
}

func extendMoves(tr *trial) {
	bystander := tr.insert()
	for name, change := range map[string]func(*models.Session, *models.Extend){
		"an hour":                    func(*models.Session, *models.Extend) {},
		"1 ms":                       func(r *models.Session, e *models.Extend) { e.ExpiresAt = r.ExpiresAt + 1 },
		"1 ms before the idle end":   func(r *models.Session, _ *models.Extend) { r.ExpiresAt = during + 1 },
		"1 ms before the absolute":   func(r *models.Session, _ *models.Extend) { r.AbsoluteExpiresAt = during + 1 },
		"no absolute end":            func(r *models.Session, _ *models.Extend) { r.AbsoluteExpiresAt = 0 },
		"absent payload and data":    func(r *models.Session, _ *models.Extend) { r.Payload, r.Data = nil, nil },
		"into the twenty-second age": func(_ *models.Session, e *models.Extend) { e.ExpiresAt = created + 36525*day },
	} {
		row := tr.row()
		ext := extension(row)
		change(&row, &ext)
		row = tr.insert(func(r *models.Session) { *r = row })
		tr.requireMatch(true, name)(tr.store.Extend(tr.Context(), ext))
		requireExtended(tr, row, ext, name)
	}
	tr.requireStored(bystander)
}

// requireExtended leaves open whether the last use moved along: the contract
// does not say.
func requireExtended(tr *trial, row models.Session, ext models.Extend, why string) {
	tr.Helper()
	got := tr.find(row.Handle)
	require.Contains(tr, []int64{row.LastUsedAt, ext.Now}, got.LastUsedAt, why)

	row.ExpiresAt, row.LastUsedAt = ext.ExpiresAt, got.LastUsedAt
	require.Equal(tr, row, got, why)
}

func extendRace(tr *trial) {
	row := tr.insert()
	for range tr.fewRounds() {
		ext := extension(row)
		winners := tr.race(racers, func(int) (bool, error) { return tr.store.Extend(tr.Context(), ext) })
		require.Len(tr, winners, 1, "winners")
		requireExtended(tr, row, ext, "race")
		row = tr.find(row.Handle)
	}
}
