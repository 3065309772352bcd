package sessiontest

import (
	"sync/atomic"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models"
)

func advanceRaces() []check {
	return []check{
		{"Advance lets exactly one of the racers win", advanceExclusive},
		{"Advance racing Revoke never applies afterwards", advanceAgainstRevoke},
	}
}

// advanceExclusive is what theft detection stands on: were there two winners,
// two parties would hold accepted tokens of one session.
func advanceExclusive(tr *trial) {
	row := tr.insert()
	for range tr.rounds {
		steps := make([]models.Advance, racers)
		for i := range steps {
			steps[i] = tr.step(row)
		}
		winners := tr.race(racers, func(i int) (bool, error) {
			return tr.store.Advance(tr.Context(), steps[i])
		})
		require.Len(tr, winners, 1, "winners")

		row = advanced(row, steps[winners[0]])
		tr.requireStored(row, "the row is the winner's")
	}
}

// advanceAgainstRevoke: a step that begins after the answer of Revoke fails,
// and the row shows exactly the steps that were reported as applied.
func advanceAgainstRevoke(tr *trial) {
	for range tr.fewRounds() {
		const chain = 8
		row := tr.insert()
		steps := make([]models.Advance, chain)
		last := row
		for i := range steps {
			steps[i] = tr.step(last)
			last = advanced(last, steps[i])
		}
		var revoked, late atomic.Bool
		applied := row // written by racer 0 only

		tr.race(2, func(i int) (bool, error) {
			if i == 1 {
				ok, err := tr.store.Revoke(tr.Context(), row.Handle, models.RevokedByTheft, during)
				revoked.Store(ok)
				return ok, err
			}
			for _, step := range steps {
				after := revoked.Load()
				ok, err := tr.store.Advance(tr.Context(), step)
				if err != nil || !ok {
					return false, err
				}
				if after {
					late.Store(true)
				}
				applied = advanced(applied, step)
			}
			return true, nil
		})
		require.False(tr, late.Load(), "a step was applied after the answer of Revoke")
		applied.RevokedAt, applied.RevokeReason = during, models.RevokedByTheft
		tr.requireStored(applied)
	}
}
