package storetest

import (
	"github.com/gin-sessionkit/sessionkit/models"
)

// advanceEffects are the steps that match, and what each leaves in the row.
func advanceEffects() []check {
	var list []check
	for _, c := range append(matchingSteps(), boundSteps()...) {
		list = append(list, check{"Advance applies " + c.name, func(tr *trial) {
			bystander := tr.insert()
			row := tr.row()
			step := tr.step(row)
			c.change(tr, &row, &step)
			row = tr.insert(func(r *models.Session) { *r = row })

			tr.requireMatch(true, c.name)(tr.store.Advance(tr.Context(), step))
			tr.requireStored(advanced(row, step))
			tr.requireStored(bystander, "other sessions stay as they are")
		}})
	}
	return append(list, check{"Advance applies a chain of steps", advanceChain})
}

// matchingSteps meet their conditions barely.
func matchingSteps() []advanceCase {
	return []advanceCase{
		{"1 ms before the idle end", func(_ *trial, row *models.Session, step *models.Advance) {
			row.ExpiresAt, step.Now = during, during-1
		}},
		{"1 ms before the absolute end", func(_ *trial, row *models.Session, step *models.Advance) {
			row.ExpiresAt, row.AbsoluteExpiresAt, step.Now = during+day, during, during-1
		}},
		{"without an absolute end", func(_ *trial, row *models.Session, _ *models.Advance) {
			row.AbsoluteExpiresAt = 0
		}},
		{"with the previous token that is expected", func(_ *trial, row *models.Session, step *models.Advance) {
			step.ExpectPrevious = row.Lineage.Previous
		}},
		{"to the first generation, which has no previous token", func(_ *trial, row *models.Session, _ *models.Advance) {
			row.Lineage.Previous, row.Lineage.Generation = models.Hash{}, 0
		}},
		{"without touching an absent payload and data", func(_ *trial, row *models.Session, _ *models.Advance) {
			row.Payload, row.Data, row.DataVersion = nil, nil, 0
		}},
		{"in the year 2100", func(_ *trial, row *models.Session, step *models.Advance) {
			const year2100 = 4_102_444_800_000
			row.CreatedAt, row.LastUsedAt, row.Lineage.IssuedAt = year2100, year2100, year2100
			row.ExpiresAt, row.AbsoluteExpiresAt = year2100+hour, year2100+day
			step.IssuedAt, step.Now, step.ExpiresAt = year2100+1, year2100+2, year2100+2*hour
		}},
	}
}

// boundSteps carry values that a store may be tempted to work out by itself.
func boundSteps() []advanceCase {
	return []advanceCase{
		{"the bound previous token, whatever was current", func(tr *trial, _ *models.Session, step *models.Advance) {
			step.Previous = tr.hash()
		}},
		{"an absent previous token", func(_ *trial, _ *models.Session, step *models.Advance) {
			step.Previous = models.Hash{}
		}},
		{"a generation that skips some", func(_ *trial, row *models.Session, step *models.Advance) {
			step.Generation = row.Lineage.Generation + 3
		}},
		{"an earlier issue time and last use", func(_ *trial, row *models.Session, step *models.Advance) {
			step.IssuedAt, step.Now = row.Lineage.IssuedAt-minute, row.LastUsedAt-1
		}},
		{"an idle end that is earlier, without moving it back", func(_ *trial, row *models.Session, step *models.Advance) {
			step.ExpiresAt = row.ExpiresAt - 1
		}},
		{"an idle end that stays", func(_ *trial, row *models.Session, step *models.Advance) {
			step.ExpiresAt = row.ExpiresAt
		}},
		{"an idle end that is 1 ms later", func(_ *trial, row *models.Session, step *models.Advance) {
			step.ExpiresAt = row.ExpiresAt + 1
		}},
		{"hashes of bytes that text columns mangle", func(_ *trial, row *models.Session, step *models.Advance) {
			row.Lineage.Current = hashOf("\x00\xff\xc3\x28'\\", "\x00")
			step.From, step.Previous = row.Lineage.Current, row.Lineage.Current
			step.To = hashOf("\xf0\x9f\x98", " ")
		}},
	}
}

func advanceChain(tr *trial) {
	row := tr.insert()
	for range 5 {
		step := tr.step(row)
		step.ExpectPrevious = row.Lineage.Previous
		tr.requireMatch(true, "next step")(tr.store.Advance(tr.Context(), step))

		row = advanced(row, step)
		tr.requireStored(row, "after A to B, the previous token is A")
	}
}
