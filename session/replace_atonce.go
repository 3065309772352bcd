package session

import (
	"cmp"
	"context"
	"slices"
)

// ReplaceAtOnce ends the old session before Replace returns: for giving up a privilege,
// whose tokens must not work on. Where the answer is lost, the user is signed out.
func ReplaceAtOnce() ReplaceOption { return replaceOption(func(c *creation) { c.atOnce = true }) }

// takeAtOnce ends the session before, and whatever else could continue it. If somebody
// was faster, the next session goes.
func (r *replacement) takeAtOnce(ctx context.Context) error {
	next := heirOf(r.row)
	ctx, cancel := r.detached(ctx)
	defer cancel()
	took, err := r.takePlace(ctx, r.origin, next)
	if !took {
		before, readErr := r.store.Find(ctx, r.origin)
		if e := r.tooLate(ctx, before); err == nil {
			err = cmp.Or(readErr, e)
		}
		return err
	}
	r.logUntold(ctx, err)
	siblings, err := r.waiting(ctx)
	if err != nil {
		return err
	}
	others := handlesOfRows(siblings)
	if r.old.Handle != r.origin && !slices.Contains(others, r.old.Handle) {
		others = append(others, r.old.Handle)
	}
	for _, other := range others {
		took, err := r.takePlace(ctx, other, next)
		if err != nil && !took {
			return err
		}
		r.logUntold(ctx, err)
	}
	_, err = r.confirm(ctx, next)
	return err
}

// logUntold notes that other processes may serve a session that has ended. The client
// must get the next one's tokens all the same: it has no others, and telling is tried
// again.
func (r *replacement) logUntold(ctx context.Context, err error) {
	if err != nil {
		r.cfg.Logger.ErrorContext(ctx, "sessionkit: other processes could not be told yet of a session that was replaced at once",
			"session", shortHash(r.origin), "error", err)
	}
}
