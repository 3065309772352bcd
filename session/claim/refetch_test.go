package claim_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/claim"
)

// process is one of several on a store that tell each other.
func process(t *testing.T, store session.Store) *session.Service {
	t.Helper()
	svc, err := session.New(t.Context(), store, session.Config{
		Logger: slog.New(slog.DiscardHandler), Revocation: session.RevokeSoon,
	})
	require.NoError(t, err)
	t.Cleanup(svc.Close)
	return svc
}

// A role is taken away, which another process is told: the user's next request is judged
// by the new one, without a 401 and without a refresh, and each claim is fetched once for
// it, not once for each request.
func TestRefetchClaims(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		here, there := process(t, store), process(t, store)
		role, plan, roles, plans := "editor", "pro", 0, 0
		fetched := func(value *string, calls *int) func(context.Context, string) (string, bool, error) {
			return func(context.Context, string) (string, bool, error) { *calls++; return *value, true, nil }
		}
		roleClaim := single(t, claim.Config[string]{ID: "role", Fetch: fetched(&role, &roles), DefaultMaxAge: session.Off})
		planClaim := single(t, claim.Config[string]{ID: "plan", Fetch: fetched(&plan, &plans), DefaultMaxAge: session.Off})
		tokens, err := there.Create(t.Context(), "ada", roleClaim.FetchAtCreation(), planClaim.FetchAtCreation())
		require.NoError(t, err)
		access := tokens.Access.Value
		demand := func(v session.Validator) error {
			_, fresh, err := there.Verify(t.Context(), access, tokens.AntiCSRF, session.WithClaims(v))
			if fresh != nil {
				require.Equal(t, tokens.Access.ExpiresAt, fresh.ExpiresAt)
				access = fresh.Value
			}
			return err
		}
		require.NoError(t, demand(roleClaim.HasValue("editor")))
		require.Equal(t, 1, roles)

		time.Sleep(time.Minute)
		role = "reader"
		require.NoError(t, here.RefetchClaims(t.Context(), "ada"))
		require.NoError(t, here.RefetchClaims(t.Context(), "bob"))
		time.Sleep(2 * time.Second)
		require.ErrorIs(t, demand(roleClaim.HasValue("editor")), errors.ErrInvalidClaim)
		require.NoError(t, demand(roleClaim.HasValue("reader")))
		require.Equal(t, 2, roles)
		require.Equal(t, 1, plans)
		require.NoError(t, demand(planClaim.HasValue("pro")))
		require.Equal(t, 2, plans, "each claim for itself")

		// Until the hint has settled, the application's own transaction may come after it.
		time.Sleep(30 * time.Second)
		role = "owner"
		require.NoError(t, demand(roleClaim.HasValue("owner")))

		time.Sleep(time.Minute)
		require.NoError(t, demand(roleClaim.HasValue("owner")))
		before := roles
		for range 100 {
			require.NoError(t, demand(roleClaim.HasValue("owner")))
		}
		require.Equal(t, before, roles)

		// A refresh is no fetch: the old value with a new token is fetched again.
		role = "reader"
		require.NoError(t, here.RefetchClaims(t.Context(), "ada"))
		time.Sleep(2 * time.Second)
		fresh, err := there.Refresh(t.Context(), tokens.Refresh.Value)
		require.NoError(t, err)
		_, again, err := there.Verify(t.Context(), fresh.Access.Value, fresh.AntiCSRF, session.WithClaims(roleClaim.HasValue("reader")))
		require.NoError(t, err)
		require.NotNil(t, again)
	})
}

// Nobody ever calls RefetchClaims. A process that starts, as each does after a deploy,
// trusts what was found out in the day before; what is older it has found out anew, once,
// and when the application's directory is down it keeps it.
func TestRefetchClaims_neverCalled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		calls, down := 0, false
		role := single(t, claim.Config[string]{ID: "role", DefaultMaxAge: session.Off, Fetch: func(context.Context, string) (string, bool, error) {
			calls++
			if down {
				return "", false, errors.New("the directory is down")
			}
			return "editor", true, nil
		}})
		here := process(t, store)
		tokens, err := here.Create(t.Context(), "ada", role.FetchAtCreation())
		require.NoError(t, err)
		demand := func(svc *session.Service, validators ...session.Validator) error {
			_, fresh, err := svc.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF, session.WithClaims(validators...))
			if fresh != nil {
				tokens.Access = *fresh
			}
			return err
		}
		sleep := func(d time.Duration) {
			time.Sleep(d)
			tokens, err = here.Refresh(t.Context(), tokens.Refresh.Value)
			require.NoError(t, err)
		}
		sleep(20 * time.Hour)
		there, fine := process(t, store), role.HasValue("editor")
		require.NoError(t, demand(there, fine))
		require.Equal(t, 1, calls, "it was found out less than a day ago")

		sleep(10 * time.Hour)
		require.NoError(t, demand(there, fine))
		require.Equal(t, 1, calls, "by a process that has been there")
		there, down = process(t, store), true
		for n := range 3 {
			require.NoError(t, demand(there, fine, fine.WithID("again")))
			require.Equal(t, 2+n, calls, "each request tries, once")
		}
		require.ErrorIs(t, demand(there, role.HasValue("owner")), errors.ErrInvalidClaim, "it is judged all the same")
		require.ErrorIs(t, demand(there, fine, fine.MaxAge(time.Hour)), errors.ErrGeneral, "too old whoever called what")
		require.NoError(t, here.RefetchClaims(t.Context(), "bob"))
		time.Sleep(2 * time.Second)
		require.NoError(t, demand(there, fine))

		calls = 0
		require.NoError(t, here.RefetchClaims(t.Context(), "ada"))
		time.Sleep(2 * time.Second)
		require.ErrorIs(t, demand(there, fine), errors.ErrGeneral, "somebody did change it")
		down = false
		require.NoError(t, demand(there, fine))
		require.Equal(t, 2, calls)
		sleep(4 * time.Minute) // what clocks may differ by
		require.NoError(t, demand(there, fine))
		calls, down = 0, true
		for range 3 {
			sleep(10 * time.Minute)
			require.NoError(t, demand(there, fine))
		}
		require.Zero(t, calls, "once")
	})
}
