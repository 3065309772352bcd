package claim_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/claim"
)

// Who was demoted is so within five minutes, unless the application says otherwise.
func TestClaim_DefaultMaxAge(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		age     time.Duration
		after   time.Duration
		fetched int // how often, the one at sign-in included
		passes  bool
	}{
		"30 days and 30 refreshes later": {0, 30 * 24 * time.Hour, 2, false},
		"an hour later":                  {0, time.Hour, 2, false},
		"right after five minutes":       {0, 5*time.Minute + time.Millisecond, 2, false},
		"within five minutes":            {0, 5 * time.Minute, 1, true},
		"longer by choice":               {time.Hour, time.Hour, 1, true},
		"longer by choice, and over":     {time.Hour, time.Hour + time.Millisecond, 2, false},
		"never by choice":                {session.Off, 30 * 24 * time.Hour, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := newClaimRig(t)
			fetched, value := 0, "admin"
			role := single(t, claim.Config[string]{ID: "role", DefaultMaxAge: row.age, Fetch: fetchVar(&fetched, &value)})
			tokens := rig.Create(t, role.FetchAtCreation())
			page, _ := rig.SignIn(t, role.FetchAtCreation())
			value = "user"
			for range 30 {
				rig.Clock.Advance(row.after / 30)
				var err error
				tokens, err = rig.Svc.Refresh(t.Context(), tokens.Refresh.Value)
				require.NoError(t, err)
				page.Do(t, http.MethodPost, rig.RefreshRoute(t))
			}
			rig.Clock.Advance(row.after - 30*(row.after/30))
			fetched--
			_, _, err := rig.verify(t, tokens.Access.Value, role.HasValue("admin"))
			require.Equal(t, row.fetched, fetched)
			require.Equal(t, row.passes, err == nil, "by header: %v", err)
			reached := 0
			page.Do(t, http.MethodGet, rig.guarded(&reached, role.HasValue("admin")))
			require.Equal(t, row.passes, reached == 1, "by cookie")
		})
	}
	// What only Set says does not grow old: nothing could renew it.
	rig := newClaimRig(t)
	role := single(t, claim.Config[string]{ID: "role"})
	tokens := rig.Create(t, role.AtCreation("admin"))
	rig.Clock.Advance(59 * time.Minute)
	_, _, err := rig.verify(t, tokens.Access.Value, role.HasValue("admin"))
	require.NoError(t, err)
}

// A claim of a closed Service asks nobody.
func TestClaim_closed(t *testing.T) {
	t.Parallel()
	rig := newClaimRig(t)
	sess := rig.Create(t).Session
	rig.Svc.Close()
	rig.Store.Arm()
	role := single(t, claim.Config[string]{ID: "role", Fetch: func(context.Context, string) (string, bool, error) {
		t.Error("asked after Close")
		return "", false, nil
	}})
	_, err := role.Set(t.Context(), sess, "admin")
	require.ErrorIs(t, err, errors.ErrClosed)
	_, err = role.Remove(t.Context(), sess)
	require.ErrorIs(t, err, errors.ErrClosed)
	_, err = role.FetchAndSet(t.Context(), sess)
	require.ErrorIs(t, err, errors.ErrClosed)
	_, err = rig.Svc.Create(t.Context(), "user", role.FetchAtCreation())
	require.ErrorIs(t, err, errors.ErrClosed)
	require.Zero(t, rig.Store.Calls())
}
