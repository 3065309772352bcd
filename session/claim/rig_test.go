package claim_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/internal/testpage"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/claim"
)

// claimRig is a rig whose verifications demand validators.
type claimRig struct{ *testpage.Rig }

func newClaimRig(t *testing.T) *claimRig {
	t.Helper()
	return newClaimRigOn(t, memstore.New())
}

func newClaimRigOn(t *testing.T, store session.Store) *claimRig {
	t.Helper()
	return &claimRig{testpage.NewOn(t, store)}
}

// verify verifies without HTTP.
func (rig *claimRig) verify(t *testing.T, access string, validators ...session.Validator) (*session.Session, *session.Token, error) {
	t.Helper()
	return rig.Verify(t, access, session.WithClaims(validators...))
}

// guarded is a route behind the validators; reached counts its calls.
func (rig *claimRig) guarded(reached *int, validators ...session.Validator) http.HandlerFunc {
	return rig.Guarded(reached, session.WithClaims(validators...))
}

// fetchTimes is a Fetch that returns value and counts its calls.
func fetchTimes[V any](calls *int, value V) func(context.Context, string) (V, bool, error) {
	return func(context.Context, string) (V, bool, error) {
		*calls++
		return value, true, nil
	}
}

func single[T claim.Scalar](t *testing.T, cfg claim.Config[T]) claim.Single[T] {
	t.Helper()
	made, err := claim.NewSingle(cfg)
	require.NoError(t, err)
	return made
}

func array[T claim.Scalar](t *testing.T, cfg claim.Config[[]T]) claim.Array[T] {
	t.Helper()
	made, err := claim.NewArray(cfg)
	require.NoError(t, err)
	return made
}

// reasonsOf is the failures as JSON, as they go out.
func reasonsOf(t *testing.T, err error) string {
	t.Helper()
	claimErr := requireClaimError(t, err)
	text, err := json.Marshal(claimErr.Failures)
	require.NoError(t, err)
	return string(text)
}

// fetchVar fetches what value holds at the time.
func fetchVar[V any](calls *int, value *V) func(context.Context, string) (V, bool, error) {
	return func(context.Context, string) (V, bool, error) {
		*calls++
		return *value, true, nil
	}
}
