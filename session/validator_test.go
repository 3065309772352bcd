package session_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testpage"
	"github.com/gin-sessionkit/sessionkit/session"
)

// ownValidator is an application's own.
type ownValidator struct {
	id    string
	check func(context.Context, session.View) (any, error)
}

func (v ownValidator) ID() string { return v.id }

func (v ownValidator) Check(ctx context.Context, view session.View) (any, error) {
	return v.check(ctx, view)
}

// ownFetcher is an application's own that wants a member to be there.
type ownFetcher struct {
	member  string
	value   any
	err     error
	always  bool // stale whatever is there
	fetches int
	seen    []session.View
}

func (f *ownFetcher) ID() string     { return "own-" + f.member }
func (f *ownFetcher) Member() string { return f.member }

func (f *ownFetcher) Stale(v session.View) bool { return f.always || v.Payload[f.member] == nil }

func (f *ownFetcher) Fetch(_ context.Context, v session.View) (any, error) {
	f.fetches++
	f.seen = append(f.seen, v)
	return f.value, f.err
}

func (f *ownFetcher) Check(_ context.Context, v session.View) (any, error) {
	f.seen = append(f.seen, v)
	if v.Payload[f.member] == nil {
		return map[string]string{"missing": f.member}, nil
	}
	return nil, nil
}

func checked(reason any, err error) ownValidator {
	return ownValidator{"own", func(context.Context, session.View) (any, error) { return reason, err }}
}

func TestValidator_ofTheApplication(t *testing.T) {
	t.Parallel()
	rig := testpage.New(t)
	tokens := rig.Create(t, session.WithPayload(map[string]any{"theme": "dark"}))
	rig.Clock.Advance(90*time.Second + 250*time.Millisecond)

	var saw session.View
	var by any
	type key struct{}
	look := ownValidator{"look", func(ctx context.Context, v session.View) (any, error) {
		saw, by = v, ctx.Value(key{})
		return nil, nil
	}}
	sess, replacement, err := rig.Svc.Verify(context.WithValue(t.Context(), key{}, "ctx"), tokens.Access.Value, "",
		session.InsecureSkipAntiCSRF(), session.WithClaims(look))
	require.NoError(t, err)
	require.NotNil(t, sess)
	require.Nil(t, replacement)
	require.Equal(t, "ctx", by)
	require.Equal(t, "user-1", saw.UserID)
	require.Equal(t, sess.Handle(), saw.Handle)
	require.True(t, testpage.Epoch.Equal(saw.CreatedAt))
	require.True(t, rig.Clock.Now().Equal(saw.Now))
	require.Len(t, saw.Payload, 1)
	require.JSONEq(t, `"dark"`, string(saw.Payload["theme"]))

	// Both are asked, and told of.
	sess, _, err = rig.Verify(t, tokens.Access.Value, session.WithClaims(checked("too young", nil)), session.WithClaims(
		ownValidator{"second", func(context.Context, session.View) (any, error) { return 7, nil }}, look))
	require.Nil(t, sess)
	require.ErrorIs(t, err, errors.ErrInvalidClaim)
	claimErr, ok := errors.AsType[*errors.ClaimError](err)
	require.True(t, ok)
	require.Equal(t, []errors.ClaimFailure{{ID: "own", Reason: "too young"}, {ID: "second", Reason: 7}}, claimErr.Failures)

	// A payload that is no object has no members, and that is no error.
	list := rig.Create(t, session.WithPayload([]int{1}))
	_, _, err = rig.Verify(t, list.Access.Value, session.WithClaims(look))
	require.NoError(t, err)
	require.Nil(t, saw.Payload)
}

// An error of a validator is no verdict on the session, whatever it is.
func TestValidator_errors(t *testing.T) {
	t.Parallel()
	own := errors.New("user table is gone")
	for name, tc := range map[string]struct {
		err    error
		status int
		kept   bool // the error itself can be found in the result
	}{
		"unauthorised":       {errors.WithReason(errors.ErrUnauthorised, errors.ErrSessionRevoked), 500, false},
		"try refresh":        {errors.WithReason(errors.ErrTryRefreshToken, errors.ErrTokenExpired), 500, false},
		"theft":              {&errors.TokenTheftError{UserID: "user-2"}, 500, false},
		"cross-origin":       {errors.ErrCrossOrigin, 500, false},
		"claim error":        {&errors.ClaimError{Failures: []errors.ClaimFailure{{ID: "other"}}}, 500, false},
		"joined verdicts":    {errors.Join(own, fmt.Errorf("wrapped: %w", errors.ErrUnauthorised)), 500, false},
		"down and forbidden": {errors.Join(errors.ErrUnavailable, errors.ErrUnauthorised), 503, false},
		"unavailable":        {errors.WithReason(errors.ErrUnavailable, own), 503, true},
		"closed":             {errors.ErrClosed, 503, true},
		"deadline":           {fmt.Errorf("query: %w", context.DeadlineExceeded), 503, true},
		"cancelled":          {context.Canceled, 503, true},
		"general":            {errors.ErrGeneral, 500, true},
		"invalid input":      {errors.ErrInvalidInput, 500, true},
		"own":                {own, 500, true},
	} {
		// The reason beside an error is no refusal either.
		for where, v := range map[string]session.Validator{
			"check": checked("a reason", tc.err), "fetch": &ownFetcher{member: "own", value: 1, err: tc.err},
		} {
			t.Run(name+", "+where, func(t *testing.T) {
				t.Parallel()
				rig := testpage.New(t)
				page, _ := rig.SignIn(t)
				rig.Store.Arm()
				reached := 0
				w := page.Do(t, http.MethodGet, rig.Guarded(&reached, session.WithClaims(checked("no", nil), v)))
				require.Equal(t, tc.status, w.Code)
				require.Zero(t, reached)
				require.Empty(t, w.Header().Values("Set-Cookie"))
				require.Empty(t, w.Header().Values("Front-Token"))
				require.NotContains(t, w.Body.String(), "claim")
				require.Zero(t, rig.Store.Calls())

				sess, _, err := rig.Verify(t, page.Cookies["sAccessToken"], session.WithClaims(v))
				require.Nil(t, sess)
				require.ErrorIs(t, err, errors.ErrGeneral)
				for _, verdict := range []error{
					errors.ErrUnauthorised, errors.ErrTryRefreshToken, errors.ErrTokenTheft, errors.ErrInvalidClaim, errors.ErrCrossOrigin,
				} {
					require.NotErrorIs(t, err, verdict)
				}
				require.Equal(t, tc.kept, errors.Is(err, tc.err))
				require.ErrorContains(t, err, `"own"`)
			})
		}
	}
}

// What was fetched is kept, and told to the client, also where another one fails.
func TestValidator_fetches(t *testing.T) {
	t.Parallel()
	rig := testpage.New(t)
	page, _ := rig.SignIn(t, session.WithPayload(map[string]any{"theme": "dark"}))
	one, two := &ownFetcher{member: "level", value: 3}, &ownFetcher{member: "level", value: 4}
	down := checked(nil, errors.New("down"))

	reached := 0
	w := page.Do(t, http.MethodGet, rig.Guarded(&reached, session.WithClaims(one, two, down)))
	require.Equal(t, http.StatusInternalServerError, w.Code)
	require.JSONEq(t, `3`, string(testpage.FrontTokenOf(t, w).UP["level"]))
	require.Equal(t, 1, one.fetches)
	require.Zero(t, two.fetches, "of one member one is asked")
	require.Len(t, one.seen, 2)
	require.Empty(t, one.seen[0].Payload["level"])
	require.Equal(t, "3", string(one.seen[1].Payload["level"]), "checked with what was fetched")
	require.Equal(t, one.seen[0].Now, one.seen[1].Now)

	rig.Store.Arm()
	w = page.Do(t, http.MethodGet, rig.Guarded(&reached, session.WithClaims(one)))
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, 1, one.fetches)
	require.Zero(t, rig.Store.Calls())

	// nil removes it, and what was never there costs nothing.
	gone := &ownFetcher{member: "level", always: true}
	w = page.Do(t, http.MethodGet, rig.Guarded(&reached, session.WithClaims(gone)))
	require.Equal(t, http.StatusForbidden, w.Code)
	require.JSONEq(t, `{"message":"invalid claim","claimValidationErrors":[{"id":"own-level","reason":{"missing":"level"}}]}`, w.Body.String())
	require.NotContains(t, testpage.FrontTokenOf(t, w).UP, "level")
	require.Contains(t, testpage.FrontTokenOf(t, w).UP, "theme")
	rig.Store.Arm()
	w = page.Do(t, http.MethodGet, rig.Guarded(&reached, session.WithClaims(gone)))
	require.Equal(t, http.StatusForbidden, w.Code)
	require.Zero(t, rig.Store.Calls())
	require.Equal(t, 2, gone.fetches)
}

// Mistakes in the wiring open no route, and are found before anything is fetched.
func TestValidator_misconfigured(t *testing.T) {
	t.Parallel()
	rig := testpage.New(t)
	tokens := rig.Create(t)
	rig.Store.Arm()
	_, _, err := rig.Verify(t, tokens.Access.Value, session.WithClaims(nil, nil))
	require.ErrorIs(t, err, errors.ErrConfig)
	for _, name := range []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid"} {
		f := &ownFetcher{member: name, value: 1}
		_, _, err = rig.Verify(t, tokens.Access.Value, session.WithClaims(f))
		require.ErrorIs(t, err, errors.ErrConfig)
		require.ErrorIs(t, err, errors.ErrReservedClaim)
		require.Zero(t, f.fetches)
	}
	require.Zero(t, rig.Store.Calls())
}

func TestValidator_panicIsTheHandlersOwn(t *testing.T) {
	t.Parallel()
	rig := testpage.New(t)
	tokens := rig.Create(t)
	v := ownValidator{"own", func(context.Context, session.View) (any, error) { panic("mine") }}
	require.PanicsWithValue(t, "mine", func() { _, _, _ = rig.Verify(t, tokens.Access.Value, session.WithClaims(v)) })
	_, _, err := rig.Verify(t, tokens.Access.Value)
	require.NoError(t, err)
}
