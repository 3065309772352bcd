package integration_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testpage"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// One subtest per row of the table in docs/from-supertokens.md, named as
// SuperTokens' Node library names it. Each asserts what that library's reference
// says of the function: what it returns, what it throws, and what it does to the
// cookies.
func TestSeed(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]func(*testing.T, *story){
		"init(config)": seedInit,
		"createNewSession(userId, jwtPayload, sessionData)": seedCreate,
		"createNewSession(res, …)":                          seedCreateHTTP,
		"getSession(accessToken, antiCsrfToken)":            seedGetSession,
		"getSession(req, res, enableCsrfProtection)":        seedGetSessionHTTP,
		"refreshSession(refreshToken)":                      seedRefresh,
		"refreshSession(req, res)":                          seedRefreshHTTP,
		"revokeSessionUsingSessionHandle(sessionHandle)":    seedRevoke,
		"revokeAllSessionsForUser(userId)":                  seedRevokeAll,
		"getAllSessionHandlesForUser(userId)":               seedHandles,
		"getSessionData, updateSessionData(sessionHandle)":  seedData,
		"session.getUserId(), getJWTPayload()":              seedSessionFacts,
		"session.getSessionData(), updateSessionData(data)": seedSessionData,
		"session.revokeSession()":                           seedSessionRevoke,
		"isErrorFromAuth(err)":                              seedFromKit,
		"Error.GENERAL_ERROR, UNAUTHORISED, TRY_REFRESH, …": seedErrorKinds,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEach(t, allEngines, func(t *testing.T, e engine) { row(t, start(t, e)) })
		})
	}
}

func seedInit(t *testing.T, a *story) {
	_, err := session.New(t.Context(), a.Store, session.Config{AccessTokenValidity: -1})
	require.ErrorIs(t, err, errors.ErrGeneral)
	down := storetest.Faulty(a.Store, storetest.Fault{})
	_, err = session.New(t.Context(), down, session.Config{})
	require.ErrorIs(t, err, errors.ErrGeneral)
}

func seedCreate(t *testing.T, a *story) {
	payload, data := map[string]any{"a": []any{true, nil, "x"}}, "secret"
	tokens, err := a.Svc.Create(t.Context(), "user", session.WithPayload(payload), session.WithData(data))
	require.NoError(t, err)
	require.Equal(t, "user", tokens.Session.UserID())
	require.NotEmpty(t, tokens.Session.Handle())
	var got map[string]any
	err = tokens.Session.Payload(&got)
	require.NoError(t, err)
	require.Equal(t, payload, got)
	require.Equal(t, a.Clock.Now().Add(time.Hour).Unix(), tokens.Access.ExpiresAt.Unix())
	require.Equal(t, testpage.IdleEnd(a.Clock.Now(), 100*24*time.Hour), tokens.Refresh.ExpiresAt)
	require.Equal(t, tokens.Refresh.ExpiresAt, tokens.IDRefresh.ExpiresAt)
	for _, text := range []string{tokens.Access.Value, tokens.Refresh.Value, tokens.IDRefresh.Value, tokens.AntiCSRF} {
		require.NotEmpty(t, text)
	}
	require.NotContains(t, tokens.Access.Value, "secret")
	var stored string
	require.NoError(t, a.Svc.Data(t.Context(), tokens.Session.Handle(), &stored))
	require.Equal(t, data, stored)
	a.Store.Arm(storetest.Fault{})
	_, err = a.Svc.Create(t.Context(), "user")
	require.ErrorIs(t, err, errors.ErrGeneral)
}

func seedCreateHTTP(t *testing.T, a *story) {
	b := a.signedIn("user")
	require.NotEmpty(t, b.cookie("/", "sAccessToken"))
	require.NotEmpty(t, b.cookie(refreshPath, "sRefreshToken"))
	require.Empty(t, b.cookie("/", "sRefreshToken"), "only the refresh route gets it")
	require.NotEmpty(t, b.AntiCSRF())
}

func seedGetSession(t *testing.T, a *story) {
	tokens, err := a.Svc.Create(t.Context(), "user")
	require.NoError(t, err)
	sess, replaced, err := a.Svc.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
	require.NoError(t, err)
	require.Nil(t, replaced, "newAccessToken is undefined")
	require.Equal(t, tokens.Session.Handle(), sess.Handle())

	_, _, err = a.Svc.Verify(t.Context(), tokens.Access.Value, "")
	require.ErrorIs(t, err, errors.ErrTryRefreshToken, "antiCsrfToken validation fails")
	_, _, err = a.Svc.Verify(t.Context(), tokens.Access.Value, "", session.InsecureSkipAntiCSRF())
	require.NoError(t, err, "null means no CSRF protection for this call")

	refreshed, err := a.Svc.Refresh(t.Context(), tokens.Refresh.Value)
	require.NoError(t, err)
	_, replaced, err = a.Svc.Verify(t.Context(), refreshed.Access.Value, refreshed.AntiCSRF)
	require.NoError(t, err)
	require.NotNil(t, replaced)
	require.Equal(t, refreshed.Access.ExpiresAt, replaced.ExpiresAt)

	_, err = a.Svc.Revoke(t.Context(), sess.Handle())
	require.NoError(t, err)
	_, _, err = a.Svc.Verify(t.Context(), replaced.Value, refreshed.AntiCSRF, session.WithRevocation(session.RevokeImmediately))
	require.ErrorIs(t, err, errors.ErrUnauthorised, "the session has been revoked")
	a.Clock.Advance(time.Hour)
	_, _, err = a.Svc.Verify(t.Context(), replaced.Value, refreshed.AntiCSRF)
	require.ErrorIs(t, err, errors.ErrTryRefreshToken, "the token has expired")
}

func seedGetSessionHTTP(t *testing.T, a *story) {
	b := a.signedIn("user")
	b.ok(b.do(http.MethodPost, "/act", nil))
	token := b.AntiCSRF()
	b.SetAntiCSRF("")
	r := b.do(http.MethodPost, "/act", nil)
	require.Equal(t, tryRefreshBody, r.Body)
	b.keepsCookies(r)
	b.works()
	b.SetAntiCSRF(token)
	_, err := a.Svc.Revoke(t.Context(), b.peekHandle())
	require.NoError(t, err)
	ran := a.Ledger.Ran()
	require.Equal(t, unauthorisedBody, b.get("/strict").Body)
	b.lostCookies()
	require.Equal(t, ran, a.Ledger.Ran(), "the handler did not run")
}

func seedRefresh(t *testing.T, a *story) {
	tokens, err := a.Svc.Create(t.Context(), "user", session.WithPayload(7))
	require.NoError(t, err)
	next, err := a.Svc.Refresh(t.Context(), tokens.Refresh.Value)
	require.NoError(t, err)
	require.Equal(t, tokens.Session.Handle(), next.Session.Handle())
	var payload int
	err = next.Session.Payload(&payload)
	require.NoError(t, err)
	require.Equal(t, 7, payload)
	require.NotEqual(t, tokens.Refresh.Value, next.Refresh.Value)
	require.NotEqual(t, tokens.Access.Value, next.Access.Value)
	require.NotEqual(t, tokens.IDRefresh.Value, next.IDRefresh.Value)
	require.NotEqual(t, tokens.AntiCSRF, next.AntiCSRF)

	_, err = a.Svc.Refresh(t.Context(), "not a token")
	require.ErrorIs(t, err, errors.ErrUnauthorised)
	_, _, err = a.Svc.Verify(t.Context(), next.Access.Value, next.AntiCSRF)
	require.NoError(t, err)
	_, err = a.Svc.Refresh(t.Context(), tokens.Refresh.Value)
	theft, ok := errors.AsType[*errors.TokenTheftError](err)
	require.True(t, ok)
	require.Equal(t, errors.TokenTheftError{SessionHandle: tokens.Session.Handle(), UserID: "user"}, *theft)
	_, err = a.Svc.Refresh(t.Context(), next.Refresh.Value)
	require.ErrorIs(t, err, errors.ErrUnauthorised, "beyond the seed: the family is revoked already")
}

func seedRefreshHTTP(t *testing.T, a *story) {
	b := a.signedIn("user")
	before := b.cookie(refreshPath, "sRefreshToken")
	b.ok(b.refresh())
	require.NotEqual(t, before, b.cookie(refreshPath, "sRefreshToken"))
	b.works()
	_, err := a.Svc.Revoke(t.Context(), b.peekHandle())
	require.NoError(t, err)
	require.Equal(t, unauthorisedBody, b.refresh().Body)
	b.lostCookies()
}

func seedRevoke(t *testing.T, a *story) {
	handle := a.signedIn("user").peekHandle()
	for _, want := range []bool{true, false} {
		ended, err := a.Svc.Revoke(t.Context(), handle)
		require.NoError(t, err)
		require.Equal(t, want, ended)
	}
	ended, err := a.Svc.Revoke(t.Context(), "invalid")
	require.NoError(t, err)
	require.False(t, ended)
}

func seedRevokeAll(t *testing.T, a *story) {
	phone, laptop, other := a.signedIn("user"), a.signedIn("user"), a.signedIn("other")
	n, err := a.Svc.RevokeOthers(t.Context(), "user", laptop.peekHandle())
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, unauthorisedBody, phone.refresh().Body)
	n, err = a.Svc.RevokeAll(t.Context(), "user")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, unauthorisedBody, laptop.refresh().Body)
	other.ok(other.refresh())
	n, err = a.Svc.RevokeAll(t.Context(), "nobody")
	require.NoError(t, err)
	require.Zero(t, n)
}

func seedHandles(t *testing.T, a *story) {
	var want []string
	for range 3 {
		want = append(want, a.signedIn("user").peekHandle())
		a.Clock.Advance(time.Second)
	}
	got, err := a.Svc.List(t.Context(), "user")
	require.NoError(t, err)
	require.Equal(t, want, handlesOf(got), "oldest first")
	_, err = a.Svc.Revoke(t.Context(), want[1])
	require.NoError(t, err)
	list, err := a.Svc.List(t.Context(), "user")
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, "Go-http-client/1.1", list[0].UserAgent)
	require.Empty(t, list[0].IP, "no address is stored unless asked for")
	got, err = a.Svc.List(t.Context(), "nobody")
	require.NoError(t, err)
	require.Empty(t, got)
}

func seedData(t *testing.T, a *story) {
	handle := a.signedIn("user").peekHandle()
	for _, v := range []any{map[string]any{"a": json.Number("1")}, []any{"x"}, json.Number("9007199254740993"), "text", true, nil} {
		require.NoError(t, a.Svc.UpdateData(t.Context(), handle, v))
		require.NoError(t, a.Svc.UpdateData(t.Context(), handle, v), "identical data is a success")
		var got any = "something else"
		require.NoError(t, a.Svc.Data(t.Context(), handle, &got))
		require.Equal(t, v, got)
	}
	require.NoError(t, a.Svc.UpdateData(t.Context(), handle, 0))
	concurrently(t, 8, func(int) (bool, error) {
		for range 5 {
			err := a.Svc.ModifyData(t.Context(), handle, func(current json.RawMessage) (any, error) {
				var n int
				err := json.Unmarshal(current, &n)
				return n + 1, err
			})
			if err != nil {
				return false, err
			}
		}
		return true, nil
	})
	var count int
	require.NoError(t, a.Svc.Data(t.Context(), handle, &count))
	require.Equal(t, 40, count, "beyond the seed: no update is lost")

	_, err := a.Svc.Revoke(t.Context(), handle)
	require.NoError(t, err)
	require.ErrorIs(t, a.Svc.Data(t.Context(), handle, &count), errors.ErrUnauthorised)
	require.ErrorIs(t, a.Svc.UpdateData(t.Context(), handle, 1), errors.ErrUnauthorised)
	require.ErrorIs(t, a.Svc.Data(t.Context(), "invalid", &count), errors.ErrUnauthorised)
}

func seedSessionFacts(t *testing.T, a *story) {
	tokens, err := a.Svc.Create(t.Context(), "007", session.WithPayload([]int{1}))
	require.NoError(t, err)
	a.Store.Arm(storetest.Fault{}) // no database is needed
	sess, _, err := a.Svc.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
	require.NoError(t, err)
	require.Equal(t, "007", sess.UserID())
	var payload []int
	require.NoError(t, sess.Payload(&payload))
	require.Equal(t, []int{1}, payload)
}

func seedSessionData(t *testing.T, a *story) {
	b := a.signedIn("user")
	b.ok(b.do(http.MethodPut, "/data", map[string]int{"n": 1}))
	require.JSONEq(t, `{"data":{"n":1}}`, b.ok(b.get("/data")).Body)
	_, err := a.Svc.Revoke(t.Context(), b.peekHandle())
	require.NoError(t, err)
	r := b.get("/data")
	require.Equal(t, unauthorisedBody, r.Body, "the access token is still good, the session is not")
	b.lostCookies()
}

func seedSessionRevoke(t *testing.T, a *story) {
	b := a.signedIn("user")
	b.ok(b.do(http.MethodPost, "/revoke", nil))
	b.lostCookies()

	again := a.signedIn("user")
	_, err := a.Svc.Revoke(t.Context(), again.peekHandle())
	require.NoError(t, err)
	again.ok(again.do(http.MethodPost, "/revoke", nil))
	again.lostCookies() // cleared although somebody else was faster
}

func seedFromKit(t *testing.T, a *story) {
	_, err := a.Svc.Refresh(t.Context(), "junk")
	require.True(t, errors.FromKit(err))
	require.False(t, errors.FromKit(context.Canceled))
	require.False(t, errors.FromKit(nil))
}

func seedErrorKinds(t *testing.T, a *story) {
	for path, err := range map[string]error{
		"/general": errors.ErrGeneral, "/unauthorised": errors.ErrUnauthorised,
		"/try-refresh": errors.ErrTryRefreshToken, "/theft": &errors.TokenTheftError{}, "/unavailable": errors.ErrUnavailable,
	} {
		a.Router.GET(path, func(c *gin.Context) { middleware.Abort(c, a.Svc, err) }, func(*gin.Context) { t.Error("a handler ran after an error") })
	}
	b := a.browser()
	for path, want := range map[string]struct {
		status int
		body   string
	}{
		"/general": {500, `{"message":"internal error"}`}, "/unauthorised": {401, unauthorisedBody},
		"/try-refresh": {401, tryRefreshBody}, "/theft": {401, theftBody}, "/unavailable": {503, unavailableBody},
	} {
		r := b.get(path)
		require.Equal(t, want.status, r.Status)
		require.Equal(t, want.body, r.Body)
	}
}

func handlesOf(list []session.Device) (handles []string) {
	for _, device := range list {
		handles = append(handles, device.Handle)
	}
	return handles
}
