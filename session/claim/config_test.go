package claim_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testpage"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/claim"
)

func TestClaim_configRefused(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]claim.Config[string]{
		"no id":            {},
		"long id":          {ID: strings.Repeat("x", 129)},
		"id is not UTF-8":  {ID: "r\xffle"},
		"negative max age": {ID: "role", DefaultMaxAge: -time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := claim.NewSingle(cfg)
			require.ErrorIs(t, err, errors.ErrConfig)
			require.ErrorContains(t, err, "claim.Config.")
			require.NotErrorIs(t, err, errors.ErrReservedClaim)
		})
	}
	for _, id := range []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid"} {
		t.Run("reserved "+id, func(t *testing.T) {
			t.Parallel()
			primitive, err := claim.NewSingle(claim.Config[string]{ID: id})
			requireReserved(t, err, id)
			_, err = claim.NewSingle(claim.Config[bool]{ID: id})
			requireReserved(t, err, id)
			_, err = claim.NewArray(claim.Config[[]string]{ID: id})
			requireReserved(t, err, id)

			// Whoever ignores the error has a claim that does nothing.
			require.Empty(t, primitive.ID())
			_, _, err = newClaimRig(t).verifyNew(t, primitive.HasValue(""))
			require.ErrorIs(t, err, errors.ErrConfig)
		})
	}
}

func requireReserved(t *testing.T, err error, id string) {
	t.Helper()
	require.ErrorIs(t, err, errors.ErrConfig)
	require.ErrorIs(t, err, errors.ErrReservedClaim)
	require.ErrorContains(t, err, `"`+id+`"`)
}

// verifyNew verifies a new session without payload.
func (rig *claimRig) verifyNew(t *testing.T, validators ...session.Validator) (*session.Session, *session.Token, error) {
	t.Helper()
	return rig.verify(t, rig.Create(t).Access.Value, validators...)
}

// A forgotten constructor must not open a route.
func TestClaim_zeroValues(t *testing.T) {
	t.Parallel()
	rig := newClaimRig(t)
	for name, validator := range map[string]claim.Validator{
		"validator": {},
		"with age":  claim.Validator{}.MaxAge(time.Hour).AnyAge().WithID("x"),
		"primitive": claim.Single[string]{}.HasValue(""),
		"boolean":   claim.Single[bool]{}.HasValue(false),
		"array":     claim.Array[int]{}.ExcludesAll(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sess, _, err := rig.verifyNew(t, validator)
			require.Nil(t, sess)
			require.ErrorIs(t, err, errors.ErrConfig)
		})
	}

	var zero claim.Single[bool]
	sess := rig.Create(t).Session
	_, ok := zero.Value(sess)
	require.False(t, ok)
	_, err := zero.Set(t.Context(), sess, true)
	require.ErrorIs(t, err, errors.ErrConfig)
	_, err = zero.FetchAndSet(t.Context(), sess)
	require.ErrorIs(t, err, errors.ErrConfig)
	_, err = zero.Remove(t.Context(), sess)
	require.ErrorIs(t, err, errors.ErrConfig)
	for _, opt := range []session.CreateOption{zero.AtCreation(true), zero.FetchAtCreation()} {
		_, err = rig.Svc.Create(t.Context(), "user-1", opt)
		require.ErrorIs(t, err, errors.ErrConfig)
	}
}

func TestClaim_methods(t *testing.T) {
	t.Parallel()
	rig := newClaimRig(t)
	var calls int
	roles := array(t, claim.Config[[]string]{ID: "roles", Fetch: fetchTimes(&calls, []string{"reader"})})
	verified := single(t, claim.Config[bool]{ID: "st-ev"})
	sess := rig.Create(t, session.WithPayload(map[string]any{"theme": "dark"})).Session
	rig.Clock.Advance(1500 * time.Millisecond)

	access, err := verified.Set(t.Context(), sess, false)
	require.NoError(t, err)
	require.JSONEq(t, `{"v":false,"t":1772366401500}`, string(testpage.AccessClaimsOf(t, access.Value).Payload["st-ev"]))
	value, ok := verified.Value(sess)
	require.True(t, ok)
	require.False(t, value)

	// "No roles" is a value, nil or not.
	access, err = roles.Set(t.Context(), sess, nil)
	require.NoError(t, err)
	require.JSONEq(t, `{"v":[],"t":1772366401500}`, string(testpage.AccessClaimsOf(t, access.Value).Payload["roles"]))
	list, ok := roles.Value(sess)
	require.True(t, ok)
	require.Empty(t, list)

	access, err = roles.FetchAndSet(t.Context(), sess)
	require.NoError(t, err)
	require.Equal(t, 1, calls)
	require.JSONEq(t, `{"v":["reader"],"t":1772366401500}`, string(testpage.AccessClaimsOf(t, access.Value).Payload["roles"]))

	access, err = verified.Remove(t.Context(), sess)
	require.NoError(t, err)
	payload := testpage.AccessClaimsOf(t, access.Value).Payload
	require.NotContains(t, payload, "st-ev")
	require.Contains(t, payload, "roles")
	require.JSONEq(t, `"dark"`, string(payload["theme"]))

	_, err = verified.FetchAndSet(t.Context(), sess)
	require.ErrorIs(t, err, errors.ErrConfig)
	require.ErrorContains(t, err, "st-ev")
}

func TestClaim_fetchAndSetRemovesWhatIsNoMore(t *testing.T) {
	t.Parallel()
	rig := newClaimRig(t)
	role := single(t, claim.Config[string]{ID: "role", Fetch: func(context.Context, string) (string, bool, error) {
		return "ignored", false, nil
	}})
	sess := rig.Create(t, role.AtCreation("admin")).Session
	access, err := role.FetchAndSet(t.Context(), sess)
	require.NoError(t, err)
	require.NotContains(t, testpage.AccessClaimsOf(t, access.Value).Payload, "role")
}

func TestClaim_atCreation(t *testing.T) {
	t.Parallel()
	var calls int
	role := single(t, claim.Config[string]{ID: "role", Fetch: fetchTimes(&calls, "admin")})
	broken := single(t, claim.Config[string]{ID: "broken", Fetch: func(context.Context, string) (string, bool, error) {
		return "", false, errors.WithReason(errors.ErrUnauthorised, errors.ErrSessionRevoked)
	}})
	none := single(t, claim.Config[string]{ID: "none", Fetch: func(_ context.Context, user string) (string, bool, error) {
		return "", user != "user-1", nil
	}})
	rig := newClaimRig(t)

	for name, tc := range map[string]struct {
		user  string
		opts  []session.CreateOption
		class error
		inner error
	}{
		"array payload": {"user-1", []session.CreateOption{session.WithPayload([]int{1}), role.AtCreation("x")}, errors.ErrInvalidInput, errors.ErrPayloadNotObject},
		"null payload":  {"user-1", []session.CreateOption{session.WithPayload(nil), role.AtCreation("x")}, errors.ErrInvalidInput, errors.ErrPayloadNotObject},
		"reserved name": {"user-1", []session.CreateOption{session.WithPayload(map[string]any{"sub": 1}), role.AtCreation("x")}, errors.ErrInvalidInput, errors.ErrReservedClaim},
		"no JSON":       {"user-1", []session.CreateOption{session.WithPayload(func() {}), role.AtCreation("x")}, errors.ErrInvalidInput, errors.ErrValueNotJSON},
		"too large":     {"user-1", []session.CreateOption{role.AtCreation(strings.Repeat("x", 4096))}, errors.ErrInvalidInput, errors.ErrCookieTooLarge},
		"bad user":      {"", []session.CreateOption{broken.FetchAtCreation()}, errors.ErrInvalidInput, errors.ErrUserIDInvalid},
		"failing fetch": {"user-1", []session.CreateOption{broken.FetchAtCreation()}, errors.ErrGeneral, errors.ErrGeneral},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := rig.Svc.Create(t.Context(), tc.user, tc.opts...)
			require.ErrorIs(t, err, tc.class)
			require.ErrorIs(t, err, tc.inner)
			require.NotErrorIs(t, err, errors.ErrUnauthorised)
			list, err := rig.Svc.List(t.Context(), "user-1")
			require.NoError(t, err)
			require.Empty(t, list)
		})
	}

	tokens := rig.Create(t, role.FetchAtCreation(), none.FetchAtCreation(), session.WithPayload(map[string]any{"theme": "dark"}))
	require.Equal(t, 1, calls)
	text, err := json.Marshal(tokens.Session)
	require.NoError(t, err)
	require.NotContains(t, string(text), "dark")
	var payload map[string]any
	require.NoError(t, tokens.Session.Payload(&payload))
	require.Len(t, payload, 2)
	_, replacement, err := rig.verify(t, tokens.Access.Value, role.HasValue("admin").MaxAge(0))
	require.NoError(t, err)
	require.Nil(t, replacement)
	require.Equal(t, 1, calls)
}
