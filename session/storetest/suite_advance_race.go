package storetest

import (
	"sync"
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
	for round := range tr.fewRounds() {
		row := tr.insert()
		chain := &chainRace{trial: tr, applied: row, meet: make(chan struct{})}
		chain.meetAt = round % chainLength // Revoke sets out with another step each time

		tr.race(2, func(i int) (bool, error) {
			if i == 0 {
				return false, chain.advance()
			}
			return true, chain.revoke(row.Handle)
		})
		require.False(tr, chain.late.Load(), "a step was applied after the answer of Revoke")
		want := chain.applied
		want.RevokedAt, want.RevokeReason = during, models.RevokedByTheft
		tr.requireStored(want)
	}
}

const chainLength = 8

// chainRace is one racer who takes step after step, and one who revokes.
type chainRace struct {
	*trial
	meet    chan struct{} // closed when the two shall run side by side
	meetAt  int
	revoked atomic.Bool    // Revoke has answered
	late    atomic.Bool    // a step was applied after that
	applied models.Session // the row after the steps that were applied
}

func (c *chainRace) advance() error {
	meet := sync.OnceFunc(func() { close(c.meet) })
	defer meet() // whatever happens: the other one waits for it

	for n := range chainLength {
		step := c.step(c.applied)
		if n == c.meetAt {
			meet()
		}
		after := c.revoked.Load()
		ok, err := c.store.Advance(c.Context(), step)
		if err != nil || !ok {
			return err
		}
		if after {
			c.late.Store(true)
		}
		c.applied = advanced(c.applied, step)
	}
	return nil
}

func (c *chainRace) revoke(handle string) error {
	<-c.meet
	ok, err := c.store.Revoke(c.Context(), models.Revocation{Handle: handle, Reason: models.RevokedByTheft, Now: during})
	c.revoked.Store(ok)

	return err
}
