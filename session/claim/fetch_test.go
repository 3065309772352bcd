package claim_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testpage"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/claim"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// A Fetch that fails is no verdict on the session, whatever it returns.
func TestClaim_fetchErrors(t *testing.T) {
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
		"claim error":        {&errors.ClaimError{Failures: []errors.ClaimFailure{{ID: "other"}}}, 500, false},
		"joined verdicts":    {errors.Join(own, fmt.Errorf("wrapped: %w", errors.ErrUnauthorised)), 500, false},
		"down and forbidden": {errors.Join(errors.ErrUnavailable, errors.ErrUnauthorised), 503, false},
		"unavailable":        {errors.WithReason(errors.ErrUnavailable, own), 503, true},
		"deadline":           {fmt.Errorf("query: %w", context.DeadlineExceeded), 503, true},
		"cancelled":          {context.Canceled, 503, true},
		"own":                {own, 500, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := newClaimRig(t)
			verified := single(t, claim.Config[bool]{ID: "st-ev", Fetch: func(context.Context, string) (bool, bool, error) {
				return true, true, tc.err
			}})
			page, _ := rig.SignIn(t)
			reached := 0
			rig.Store.Arm()
			w := page.Do(t, http.MethodGet, rig.guarded(&reached, verified.HasValue(true)))
			require.Equal(t, tc.status, w.Code)
			require.Zero(t, reached)
			require.Empty(t, w.Header().Values("Set-Cookie"))
			require.Empty(t, w.Header().Values("Front-Token"))
			require.NotContains(t, w.Body.String(), "claim")
			require.Zero(t, rig.Store.Calls())

			_, _, err := rig.verify(t, page.Cookies["sAccessToken"], verified.HasValue(true))
			require.ErrorIs(t, err, errors.ErrGeneral)
			require.NotErrorIs(t, err, errors.ErrUnauthorised)
			require.NotErrorIs(t, err, errors.ErrTryRefreshToken)
			require.NotErrorIs(t, err, errors.ErrInvalidClaim)
			require.Equal(t, tc.kept, errors.Is(err, tc.err))
			require.Contains(t, err.Error(), "st-ev")
		})
	}
}

func TestClaim_fetchedWhenMissingOrOld(t *testing.T) {
	t.Parallel()
	rig := newClaimRig(t)
	var calls int
	role := single(t, claim.Config[string]{ID: "role", Fetch: fetchTimes(&calls, "admin"), DefaultMaxAge: 5 * time.Minute})
	page, created := rig.SignIn(t, session.WithPayload(map[string]any{"theme": "dark"}))
	expiry := testpage.FrontTokenOf(t, created).ATE
	reached := 0
	guarded := rig.guarded(&reached, role.HasValue("admin"), role.HasValue("admin").AnyAge())

	for step, want := range []struct {
		advance time.Duration
		calls   int
		t       string
	}{
		{time.Minute, 1, "1772366460000"},      // missing
		{5 * time.Minute, 1, ""},               // just young enough
		{time.Millisecond, 2, "1772366760001"}, // too old
		{0, 2, ""},                             // fetched in this very millisecond
		{20 * time.Minute, 3, "1772367960001"}, // and on
	} {
		rig.Clock.Advance(want.advance)
		w := page.Do(t, http.MethodGet, guarded)
		require.Equal(t, http.StatusOK, w.Code, "step %d", step)
		require.Equal(t, step+1, reached)
		require.Equal(t, want.calls, calls, "step %d", step)
		if want.t == "" {
			require.Empty(t, w.Header().Values("Front-Token"))
			require.Empty(t, w.Header().Values("Set-Cookie"))
			continue
		}
		front := testpage.FrontTokenOf(t, w)
		require.Equal(t, expiry, front.ATE, "a claim does not prolong anything")
		require.JSONEq(t, `{"v":"admin","t":`+want.t+`}`, string(front.UP["role"]))
		require.JSONEq(t, `"dark"`, string(front.UP["theme"]))
		require.JSONEq(t, fmt.Sprint(rig.Clock.Now().Unix()), string(front.UP["iat"]), "the time of this response")
		require.JSONEq(t, `{"v":"admin","t":`+want.t+`}`, string(testpage.AccessClaimsOf(t, page.Cookies["sAccessToken"]).Payload["role"]))
	}
}

func TestClaim_fetchedButWrong(t *testing.T) {
	t.Parallel()
	rig := newClaimRig(t)
	var calls int
	role := single(t, claim.Config[string]{ID: "role", Fetch: fetchTimes(&calls, "reader")})
	page, _ := rig.SignIn(t)
	reached := 0
	guarded := rig.guarded(&reached, role.HasValue("admin"))

	w := page.Do(t, http.MethodGet, guarded)
	require.Equal(t, http.StatusForbidden, w.Code)
	require.JSONEq(t, `{"v":"reader","t":1772366400000}`, string(testpage.FrontTokenOf(t, w).UP["role"]))
	require.Len(t, w.Header().Values("Set-Cookie"), 1)

	w = page.Do(t, http.MethodGet, guarded)
	require.Equal(t, http.StatusForbidden, w.Code)
	require.Empty(t, w.Header().Values("Set-Cookie"))
	require.Equal(t, 1, calls)
	require.Zero(t, reached)
}

func TestClaim_fetchedByHeader(t *testing.T) {
	t.Parallel()
	rig := newClaimRig(t)
	var calls int
	role := single(t, claim.Config[string]{ID: "role", Fetch: fetchTimes(&calls, "admin")})
	page := &testpage.Page{Rig: rig.Rig, Cookies: map[string]string{}, Header: http.Header{"Authorization": {"Bearer " + rig.Create(t).Access.Value}}}
	reached := 0
	w := page.Do(t, http.MethodPost, rig.guarded(&reached, role.HasValue("admin")))
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, 1, reached)
	require.Empty(t, w.Header().Values("Set-Cookie"))
	require.Contains(t, testpage.AccessClaimsOf(t, w.Header().Get("St-Access-Token")).Payload, "role")
	require.Contains(t, testpage.FrontTokenOf(t, w).UP, "role")
}

// What is no more must not be trusted for longer, and what never was costs nothing.
func TestClaim_fetchSaysThereIsNone(t *testing.T) {
	t.Parallel()
	rig := newClaimRig(t)
	calls := 0
	role := single(t, claim.Config[string]{ID: "role", Fetch: func(context.Context, string) (string, bool, error) {
		calls++
		return "admin", false, nil
	}})
	tokens := rig.Create(t, role.AtCreation("admin"))
	rig.Clock.Advance(time.Hour - time.Minute)
	_, replacement, err := rig.verify(t, tokens.Access.Value, role.HasValue("admin").MaxAge(time.Minute))
	require.JSONEq(t, `[{"id":"role","reason":{"message":"value does not exist","expectedValue":"admin"}}]`, reasonsOf(t, err))
	require.NotNil(t, replacement)
	require.NotContains(t, testpage.AccessClaimsOf(t, replacement.Value).Payload, "role")

	rig.Store.Arm()
	_, again, err := rig.verify(t, replacement.Value, role.HasValue("admin"))
	_ = requireClaimError(t, err)
	require.Nil(t, again)
	require.Equal(t, 2, calls)
	require.Zero(t, rig.Store.Calls())
}

func TestClaim_fetchIsAskedOnce(t *testing.T) {
	t.Parallel()
	rig := newClaimRig(t)
	calls, deadline, user := 0, true, ""
	type key struct{}
	roles := array(t, claim.Config[[]string]{ID: "roles", Fetch: func(ctx context.Context, userID string) ([]string, bool, error) {
		calls++
		_, deadline = ctx.Deadline()
		user, _ = ctx.Value(key{}).(string)
		user += "/" + userID
		rig.Clock.Advance(time.Hour / 2) // a slow one
		return []string{"a"}, true, nil
	}})
	tokens := rig.Create(t)
	rig.Store.Arm()
	_, replacement, err := rig.Svc.Verify(context.WithValue(t.Context(), key{}, "ctx"), tokens.Access.Value, "", session.InsecureSkipAntiCSRF(),
		session.WithClaims(roles.Includes("a").MaxAge(0), roles.Excludes("b").MaxAge(0), roles.IncludesAll("a").MaxAge(time.Second)))
	require.NoError(t, err)
	require.Equal(t, 1, calls)
	require.Equal(t, "ctx/user-1", user)
	require.False(t, deadline, "the time limit for the database is none for the application")
	require.Equal(t, map[string]int{"Find": 1, "WritePayload": 1}, rig.Store.Counts())
	// The value is as old as the question, not as the answer.
	require.JSONEq(t, `{"v":["a"],"t":1772366400000}`, string(testpage.AccessClaimsOf(t, replacement.Value).Payload["roles"]))
}

func TestClaim_fetchedButCannotBeKept(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		payload any
		value   string
		prepare func(*testing.T, *claimRig, string)
		status  int
		inner   error
		cleared bool
	}{
		"revoked meanwhile": {
			map[string]any{}, "admin", func(t *testing.T, rig *claimRig, handle string) {
				_, err := rig.Svc.Revoke(t.Context(), handle)
				require.NoError(t, err)
			}, 401, errors.ErrSessionRevoked, true,
		},
		"database down": {map[string]any{}, "admin", func(_ *testing.T, rig *claimRig, _ string) {
			rig.Store.Arm(storetest.Fault{Method: "WritePayload"})
		}, 503, storetest.ErrInjected, false},
		"too large":        {map[string]any{}, strings.Repeat("x", 4000), nil, 500, errors.ErrCookieTooLarge, false},
		"not UTF-8":        {map[string]any{}, "\xff", nil, 403, nil, false},
		"payload is array": {[]string{}, "admin", nil, 500, errors.ErrPayloadNotObject, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := newClaimRig(t)
			var calls int
			role := single(t, claim.Config[string]{ID: "role", Fetch: fetchTimes(&calls, tc.value)})
			var handle string
			page, _ := rig.SignIn(t, session.WithPayload(tc.payload))
			list, err := rig.Svc.List(t.Context(), "user-1")
			require.NoError(t, err)
			handle = list[0].Handle
			if tc.prepare != nil {
				tc.prepare(t, rig, handle)
			}
			access, reached := page.Cookies["sAccessToken"], 0
			w := page.Do(t, http.MethodGet, rig.guarded(&reached, role.HasValue("admin")))
			require.Equal(t, tc.status, w.Code)
			require.Zero(t, reached)
			require.Equal(t, tc.cleared, page.Cookies["sAccessToken"] == "")

			sess, _, err := rig.verify(t, access, role.HasValue("admin"))
			require.Nil(t, sess)
			if tc.inner != nil {
				require.ErrorIs(t, err, tc.inner)
			}
		})
	}
}

// Requests at the same time, each missing another claim: each gets what it
// needs, and none takes away what another one stored.
func TestClaim_fetchedConcurrently(t *testing.T) {
	t.Parallel()
	rig := newClaimRig(t)
	tokens := rig.Create(t)
	const requests = 6 // as many as the service tries: each lost race has a winner
	var wg sync.WaitGroup
	for i := range requests {
		claim := single(t, claim.Config[int]{ID: fmt.Sprint("c", i), Fetch: func(context.Context, string) (int, bool, error) {
			return i, true, nil
		}})
		wg.Go(func() {
			sess, replacement, err := rig.verify(t, tokens.Access.Value, claim.HasValue(i))
			if err != nil || sess == nil || replacement == nil {
				t.Errorf("request %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	refreshed, err := rig.Svc.Refresh(t.Context(), tokens.Refresh.Value)
	require.NoError(t, err)
	require.Len(t, testpage.AccessClaimsOf(t, refreshed.Access.Value).Payload, requests)
}
