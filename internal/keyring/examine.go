package keyring

import (
	"context"
	"time"

	"github.com/gin-sessionkit/sessionkit/models"
)

// Report is what Examine has found. It holds ids and no secret.
type Report struct {
	// Unreadable are rows that this process can do nothing with.
	Unreadable []UnreadableKey
	// Clear is how many keys in use have a secret that anybody can read in the table.
	Clear int
	// Overdue are the keys that still sign although their time to do so is over.
	Overdue []OverdueKey
}

// UnreadableKey is a row, and why it is of no use.
type UnreadableKey struct {
	ID      string
	Purpose models.KeyPurpose
	Reason  string
}

// OverdueKey is for how long a key has signed, and for how long it was to.
type OverdueKey struct {
	Purpose       models.KeyPurpose
	Age, Rotation time.Duration
}

// Examine reads the rows of the keys, changes nothing, and has no part in what signs
// and verifies. Keys of a provider are not asked for. The error is the store's.
func (r *Ring) Examine(ctx context.Context) (Report, error) {
	if r.fromStore == nil {
		return Report{}, nil
	}
	s := r.fromStore
	now := s.now()
	rows, err := s.store.Keys(ctx, now)
	if err != nil {
		return Report{}, err
	}
	var found Report
	for _, row := range rows {
		sched, ok := s.schedule(row.Purpose)
		if !ok || row.RetireAt <= now {
			continue
		}
		_, inClear, err := s.sealer.decode(sched, row)
		switch {
		case err != nil:
			found.Unreadable = append(found.Unreadable, UnreadableKey{clipped(row.ID), row.Purpose, err.Error()})
		case inClear:
			found.Clear++
		}
	}
	for _, sched := range s.schedules {
		age := s.snap.Load().signingFor(sched.Purpose, now, sched.TokenLifetime.Milliseconds())
		// Its successor is late: the period is over, and so is the time that a
		// publication takes.
		if sched.Rotation > 0 && age > sched.Rotation+sched.lead() {
			found.Overdue = append(found.Overdue, OverdueKey{sched.Purpose, age, sched.Rotation})
		}
	}
	return found, nil
}
