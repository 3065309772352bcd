package claim_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testpage"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/claim"
)

// The texts and names are those of the validators in supertokens-website 20.1.6.
func TestClaim_reasons(t *testing.T) {
	t.Parallel()
	role := single(t, claim.Config[string]{ID: "role"})
	level := single(t, claim.Config[float64]{ID: "level"})
	verified := single(t, claim.Config[bool]{ID: "st-ev"})
	tags := array(t, claim.Config[[]string]{ID: "tags"})
	none := array(t, claim.Config[[]int]{ID: "none"})
	rig := newClaimRig(t)
	absent := rig.Create(t)
	there := rig.Create(t, role.AtCreation("admin"), level.AtCreation(0), verified.AtCreation(false), tags.AtCreation([]string{"a", "b"}), none.AtCreation(nil))

	for name, tc := range map[string]struct {
		validator     claim.Validator
		absent, wrong string // wrong is empty when the values will do
	}{
		"has value":        {role.HasValue("root"), `"expectedValue":"root"`, `"expectedValue":"root","actualValue":"admin"`},
		"has empty value":  {role.HasValue(""), `"expectedValue":""`, `"expectedValue":"","actualValue":"admin"`},
		"has this value":   {role.HasValue("admin"), `"expectedValue":"admin"`, ""},
		"number":           {level.HasValue(1.5), `"expectedValue":1.5`, `"expectedValue":1.5,"actualValue":0`},
		"zero":             {level.HasValue(0), `"expectedValue":0`, ""},
		"is true":          {verified.HasValue(true), `"expectedValue":true`, `"expectedValue":true,"actualValue":false`},
		"is false":         {verified.HasValue(false), `"expectedValue":false`, ""},
		"includes":         {tags.Includes("c"), `"expectedToInclude":"c"`, `"expectedToInclude":"c","actualValue":["a","b"]`},
		"includes it":      {tags.Includes("b"), `"expectedToInclude":"b"`, ""},
		"includes in none": {none.Includes(0), `"expectedToInclude":0`, `"expectedToInclude":0,"actualValue":[]`},
		"excludes":         {tags.Excludes("a"), `"expectedToNotInclude":"a"`, `"expectedToNotInclude":"a","actualValue":["a","b"]`},
		"excludes it":      {tags.Excludes("c"), `"expectedToNotInclude":"c"`, ""},
		"includes all":     {tags.IncludesAll("a", "c"), `"expectedToInclude":["a","c"]`, `"expectedToInclude":["a","c"],"actualValue":["a","b"]`},
		"includes them":    {tags.IncludesAll("b", "a"), `"expectedToInclude":["b","a"]`, ""},
		"includes nothing": {tags.IncludesAll(), `"expectedToInclude":[]`, ""},
		"excludes all":     {tags.ExcludesAll("c", "b"), `"expectedToNotInclude":["c","b"]`, `"expectedToNotInclude":["c","b"],"actualValue":["a","b"]`},
		"excludes them":    {tags.ExcludesAll("c", "d"), `"expectedToNotInclude":["c","d"]`, ""},
		"includes any":     {tags.IncludesAny("c", "d"), `"expectedToInclude":["c","d"]`, `"expectedToIncludeAtLeastOneOf":["c","d"],"actualValue":["a","b"]`},
		"any of nothing":   {tags.IncludesAny(), `"expectedToInclude":[]`, `"expectedToIncludeAtLeastOneOf":[],"actualValue":["a","b"]`},
		"includes one":     {tags.IncludesAny("c", "b"), `"expectedToInclude":["c","b"]`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := rig.verify(t, absent.Access.Value, tc.validator.WithID("x"))
			require.JSONEq(t, `[{"id":"x","reason":{"message":"value does not exist",`+tc.absent+`}}]`, reasonsOf(t, err))
			sess, _, err := rig.verify(t, there.Access.Value, tc.validator.WithID("x"))
			if tc.wrong == "" {
				require.NoError(t, err)
				require.NotNil(t, sess)
				return
			}
			require.Nil(t, sess)
			require.JSONEq(t, `[{"id":"x","reason":{"message":"wrong value",`+tc.wrong+`}}]`, reasonsOf(t, err))
		})
	}
}

func TestClaim_validatorKeepsItsOwnList(t *testing.T) {
	t.Parallel()
	tags := array(t, claim.Config[[]string]{ID: "tags"})
	want := []string{"admin"}
	validator := tags.IncludesAll(want...)
	want[0] = "a"
	rig := newClaimRig(t)
	_, _, err := rig.verify(t, rig.Create(t, tags.AtCreation([]string{"a"})).Access.Value, validator)
	require.JSONEq(t, `[{"id":"tags","reason":{"message":"wrong value","expectedToInclude":["admin"],"actualValue":["a"]}}]`, reasonsOf(t, err))
}

// All failures are told at once; the session stays as it is.
func TestClaim_answer403(t *testing.T) {
	t.Parallel()
	rig := newClaimRig(t)
	role := single(t, claim.Config[string]{ID: "role"})
	verified := single(t, claim.Config[bool]{ID: "st-ev"})
	page, _ := rig.SignIn(t, role.AtCreation("reader"))
	before := len(page.Cookies)

	reached := 0
	w := page.Do(t, http.MethodGet, rig.guarded(&reached, role.HasValue("reader"), verified.HasValue(true), role.HasValue("admin").WithID("is-admin")))
	require.Equal(t, http.StatusForbidden, w.Code)
	require.Equal(t, "application/json; charset=utf-8", w.Header().Get("Content-Type"))
	require.JSONEq(t, `{"message":"invalid claim","claimValidationErrors":[
		{"id":"st-ev","reason":{"message":"value does not exist","expectedValue":true}},
		{"id":"is-admin","reason":{"message":"wrong value","expectedValue":"admin","actualValue":"reader"}}]}`, w.Body.String())
	require.Zero(t, reached)
	require.Empty(t, w.Header().Values("Set-Cookie"))
	require.Empty(t, w.Header().Values("Front-Token"))
	require.Len(t, page.Cookies, before)

	w = page.Do(t, http.MethodGet, rig.guarded(&reached))
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, 1, reached)
}

func TestClaim_optionsAddUp(t *testing.T) {
	t.Parallel()
	rig := newClaimRig(t)
	role := single(t, claim.Config[string]{ID: "role"})
	access := rig.Create(t, role.AtCreation("admin")).Access.Value
	_, _, err := rig.Svc.Verify(t.Context(), access, "", session.InsecureSkipAntiCSRF(),
		session.WithClaims(role.HasValue("x").WithID("group")), session.WithClaims(role.HasValue("admin")))
	require.Len(t, requireClaimError(t, err).Failures, 1)
	require.Equal(t, "group", requireClaimError(t, err).Failures[0].ID)
}

// Sign-out is for everybody who has a session.
func TestClaim_signOutChecksNone(t *testing.T) {
	t.Parallel()
	rig := newClaimRig(t)
	verified := single(t, claim.Config[bool]{ID: "st-ev", Fetch: func(context.Context, string) (bool, bool, error) {
		return false, false, errors.New("must not be asked")
	}})
	page, _ := rig.SignIn(t, session.WithPayload("not even an object"))
	reached := 0
	w := page.Do(t, http.MethodGet, rig.guarded(&reached, verified.HasValue(true)))
	require.Equal(t, http.StatusInternalServerError, w.Code)
	page.Do(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
		require.NoError(t, rig.Svc.SignOutHTTP(w, r))
	})
	require.NotContains(t, page.Cookies, "sAccessToken")
}

// The first use of a refreshed token replaces it, whatever the claims say.
func TestClaim_promotionOutlivesTheFailure(t *testing.T) {
	t.Parallel()
	rig := newClaimRig(t)
	verified := single(t, claim.Config[bool]{ID: "st-ev"})
	page, _ := rig.SignIn(t)
	page.Do(t, http.MethodPost, rig.RefreshRoute(t))
	refreshed := page.Cookies["sAccessToken"]

	reached := 0
	w := page.Do(t, http.MethodGet, rig.guarded(&reached, verified.HasValue(true)))
	require.Equal(t, http.StatusForbidden, w.Code)
	require.Zero(t, reached)
	require.NotEqual(t, refreshed, page.Cookies["sAccessToken"])
	require.Equal(t, testpage.AccessClaimsOf(t, refreshed).EXP, testpage.AccessClaimsOf(t, page.Cookies["sAccessToken"]).EXP)
	require.Len(t, w.Header().Values("Set-Cookie"), 1)

	rig.Store.Arm()
	w = page.Do(t, http.MethodGet, rig.guarded(&reached))
	require.Equal(t, http.StatusOK, w.Code)
	require.Zero(t, rig.Store.Calls(), "a promoted token needs no database")
}

// Without HTTP the caller gets the replaced token, also beside a failure.
func TestClaim_replacedTokenWithoutHTTP(t *testing.T) {
	t.Parallel()
	rig := newClaimRig(t)
	var calls int
	role := single(t, claim.Config[string]{ID: "role", Fetch: fetchTimes(&calls, "reader")})
	tokens := rig.Create(t)
	rig.Clock.Advance(90 * time.Second)

	sess, replacement, err := rig.verify(t, tokens.Access.Value, role.HasValue("admin"))
	_ = requireClaimError(t, err)
	require.Nil(t, sess)
	require.NotNil(t, replacement)
	old, fresh := testpage.AccessClaimsOf(t, tokens.Access.Value), testpage.AccessClaimsOf(t, replacement.Value)
	require.Equal(t, old.EXP, fresh.EXP)
	require.Equal(t, old.IAT, fresh.IAT, "it must not look younger than what happened since the refresh")
	require.JSONEq(t, `{"v":"reader","t":1772366490000}`, string(fresh.Payload["role"]))

	sess, replacement, err = rig.verify(t, tokens.Access.Value, role.HasValue("reader"))
	require.NoError(t, err)
	require.NotNil(t, replacement)
	value, ok := role.Value(sess)
	require.True(t, ok)
	require.Equal(t, "reader", value)

	_, again, err := rig.verify(t, replacement.Value, role.HasValue("reader"))
	require.NoError(t, err)
	require.Nil(t, again)
	require.Equal(t, 2, calls)
}

// A reason that is no JSON must not turn the refusal into anything else.
func TestClaim_expectedValueWithoutJSON(t *testing.T) {
	t.Parallel()
	rig := newClaimRig(t)
	weight := single(t, claim.Config[float64]{ID: "weight"})
	page, _ := rig.SignIn(t, weight.AtCreation(1))
	zero, reached := 0.0, 0
	w := page.Do(t, http.MethodGet, rig.guarded(&reached, weight.HasValue(zero/zero)))
	require.Equal(t, http.StatusForbidden, w.Code)
	require.Zero(t, reached)
	require.True(t, json.Valid(w.Body.Bytes()))
	require.True(t, strings.HasPrefix(w.Body.String(), `{"message":"invalid claim"`))
}

// A token that is replaced for two reasons is replaced once, by the one with the claim.
func TestClaim_promotedAndFetched(t *testing.T) {
	t.Parallel()
	rig := newClaimRig(t)
	var calls int
	role := single(t, claim.Config[string]{ID: "role", Fetch: fetchTimes(&calls, "admin")})
	refreshed, err := rig.Svc.Refresh(t.Context(), rig.Create(t).Refresh.Value)
	require.NoError(t, err)
	_, replacement, err := rig.verify(t, refreshed.Access.Value, role.HasValue("admin"))
	require.NoError(t, err)
	require.Contains(t, testpage.AccessClaimsOf(t, replacement.Value).Payload, "role")

	rig.Store.Arm()
	_, again, err := rig.verify(t, replacement.Value, role.HasValue("admin"))
	require.NoError(t, err)
	require.Nil(t, again)
	require.Zero(t, rig.Store.Calls())
}

// Revoked between the promotion and the merge: nothing more is handed out.
func TestClaim_promotedThenRevoked(t *testing.T) {
	t.Parallel()
	rig := newClaimRig(t)
	role := single(t, claim.Config[string]{ID: "role", Fetch: func(ctx context.Context, userID string) (string, bool, error) {
		_, err := rig.Svc.RevokeAll(ctx, userID)
		return "admin", true, err
	}})
	refreshed, err := rig.Svc.Refresh(t.Context(), rig.Create(t).Refresh.Value)
	require.NoError(t, err)
	sess, replacement, err := rig.verify(t, refreshed.Access.Value, role.HasValue("admin"))
	require.ErrorIs(t, err, errors.ErrSessionRevoked)
	require.Nil(t, sess)
	require.Nil(t, replacement)

	page, _ := rig.SignIn(t)
	page.Do(t, http.MethodPost, rig.RefreshRoute(t))
	reached := 0
	w := page.Do(t, http.MethodGet, rig.guarded(&reached, role.HasValue("admin")))
	require.Equal(t, http.StatusUnauthorized, w.Code)
	require.Zero(t, reached)
	require.Equal(t, []string{"remove"}, w.Header().Values("Front-Token"))
	require.Empty(t, page.Cookies)
}
