package storetest

import (
	"context"
	"maps"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

func contextChecks() []check {
	return []check{
		{"no method works for a context that was cancelled", func(tr *trial) {
			refusedByAll(tr, func(parent context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(parent)
				cancel()
				return ctx, cancel
			})
		}},
		{"no method works for a context whose deadline has passed", func(tr *trial) {
			refusedByAll(tr, func(parent context.Context) (context.Context, context.CancelFunc) {
				return context.WithDeadline(parent, time.Unix(0, 0))
			})
		}},
	}
}

// refusedByAll gives a method a minute to return: only one that hangs takes
// longer.
func refusedByAll(tr *trial, ending func(context.Context) (context.Context, context.CancelFunc)) {
	tr.Helper()
	ctx, cancel := ending(tr.Context())
	defer cancel()
	row, key := tr.insert(), tr.insertKey()
	for name, call := range everyMethod(tr, row, key) {
		result := make(chan error, 1)
		go func() { result <- call(ctx, tr.store) }()
		select {
		case err := <-result:
			require.ErrorIs(tr, err, errors.ErrGeneral, name)
		case <-time.After(time.Minute):
			require.Fail(tr, "hangs", name)
		}
	}
	require.NoError(tr, tr.store.Check(tr.Context()), "the store works on")
}

// everyMethod returns a call of each method that would succeed.
func everyMethod(
	tr *trial, row models.Session, key models.SigningKey,
) map[string]func(context.Context, session.Store) error {
	fresh, freshKey, step, ext := tr.row(), tr.key(), tr.step(row), extension(row)
	data := models.DataWrite{Handle: row.Handle, Now: during}
	payload := models.PayloadWrite{Handle: row.Handle, Old: row.Payload, Now: during}

	calls := map[string]func(context.Context, session.Store) error{
		"Check":   func(ctx context.Context, s session.Store) error { return s.Check(ctx) },
		"Insert":  func(ctx context.Context, s session.Store) error { return s.Insert(ctx, &fresh) },
		"Find":    func(ctx context.Context, s session.Store) error { return last(s.Find(ctx, row.Handle)) },
		"Advance": func(ctx context.Context, s session.Store) error { return last(s.Advance(ctx, step)) },
		"Extend":  func(ctx context.Context, s session.Store) error { return last(s.Extend(ctx, ext)) },
		"Confirm": func(ctx context.Context, s session.Store) error {
			return last(s.Confirm(ctx, models.Confirmation{Handle: row.Handle, Now: during}))
		},
		"WriteData":    func(ctx context.Context, s session.Store) error { return last(s.WriteData(ctx, data)) },
		"WritePayload": func(ctx context.Context, s session.Store) error { return last(s.WritePayload(ctx, payload)) },
		"Revoke": func(ctx context.Context, s session.Store) error {
			return last(s.Revoke(ctx, models.Revocation{Handle: row.Handle, Reason: models.RevokedBySignOut, Now: during}))
		},
		"RevokeAll": func(ctx context.Context, s session.Store) error {
			return last(s.RevokeAll(ctx, models.RevocationOfUser{UserID: row.UserID, Reason: models.RevokedByRevokeAll, Now: during}))
		},
		"Downgrade": func(ctx context.Context, s session.Store) error {
			return last(s.Downgrade(ctx, models.Downgrade{UserID: row.UserID, Now: during}))
		},
		"List": func(ctx context.Context, s session.Store) error {
			return last(s.List(ctx, models.SessionsOfUser{UserID: row.UserID, Now: during}))
		},
		"DeleteEnded": func(ctx context.Context, s session.Store) error {
			return last(s.DeleteEnded(ctx, models.EndedSessions{Before: during, Limit: 10}))
		},
		"ClaimCleanup": func(ctx context.Context, s session.Store) error {
			return last(s.ClaimCleanup(ctx, models.CleanupClaim{Now: during, Until: during + 1}))
		},
		"Keys":      func(ctx context.Context, s session.Store) error { return last(s.Keys(ctx, during)) },
		"InsertKey": func(ctx context.Context, s session.Store) error { return s.InsertKey(ctx, freshKey) },
		"RetireKey": func(ctx context.Context, s session.Store) error { return last(s.RetireKey(ctx, key.ID, during)) },
		"SealKey": func(ctx context.Context, s session.Store) error {
			return last(s.SealKey(ctx, key.ID, key.Secret, freshKey.Secret))
		},
		"DeleteKeys": func(ctx context.Context, s session.Store) error { return last(s.DeleteKeys(ctx, during)) },
		"SetLabel": func(ctx context.Context, s session.Store) error {
			return last(s.SetLabel(ctx, models.LabelWrite{Handle: row.Handle, UserID: row.UserID, Now: during}))
		},
		"Walk": func(ctx context.Context, s session.Store) error { return last(s.Walk(ctx, models.Walk{Now: during})) },
		"RevokeMany": func(ctx context.Context, s session.Store) error {
			return last(s.RevokeMany(ctx, models.RevocationOfMany{Handles: []string{row.Handle}, Now: during}))
		},
	}
	if _, ok := tr.store.(session.FeedStore); ok {
		maps.Copy(calls, everyFeedMethod(row))
	}
	return calls
}

// everyFeedMethod is everyMethod for those of the feed.
func everyFeedMethod(row models.Session) map[string]func(context.Context, session.Store) error {
	of := func(call func(context.Context, session.FeedStore) error) func(context.Context, session.Store) error {
		return func(ctx context.Context, s session.Store) error {
			return call(ctx, s.(session.FeedStore)) //nolint:forcetypeassert // the caller has looked
		}
	}
	return map[string]func(context.Context, session.Store) error{
		"TurnFeedOn": of(func(ctx context.Context, s session.FeedStore) error { return s.TurnFeedOn(ctx) }),
		"WriteHint": of(func(ctx context.Context, s session.FeedStore) error {
			return s.WriteHint(ctx, models.Hint{Kind: models.HintAll})
		}),
		"ReadFeed": of(func(ctx context.Context, s session.FeedStore) error {
			return last(s.ReadFeed(ctx, models.FeedQuery{}))
		}),
		"FindMany": of(func(ctx context.Context, s session.FeedStore) error {
			return last(s.FindMany(ctx, []string{row.Handle}))
		}),
		"DeleteHints": of(func(ctx context.Context, s session.FeedStore) error {
			return last(s.DeleteHints(ctx, during, 10))
		}),
		"ClaimFeedCleanup": of(func(ctx context.Context, s session.FeedStore) error {
			return last(s.ClaimFeedCleanup(ctx, during, during+1))
		}),
	}
}

func last[T any](_ T, err error) error { return err }
