package session_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/session"
)

func withPreset(p session.Preset) func(*session.Config) {
	return func(c *session.Config) { c.FrontEnds.Preset = p }
}

func TestPreset_WhatEachSends(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		preset             session.Preset
		client             map[string]string
		idCookie, idHeader bool
		status             int
	}{
		{session.PresetAuto, oldClient, false, true, 401},
		{session.PresetAuto, cookieClient, false, false, 401},
		{session.PresetAll, oldClient, true, true, 401},
		{session.PresetAll, cookieClient, false, false, 401},
		{session.PresetRefJWT4, oldClient, true, true, 440},
		{session.PresetModern, oldClient, false, false, 401},
		{session.PresetModern, cookieClient, false, false, 401},
	} {
		k := newKit(t, withPreset(row.preset))
		got := k.signIn(t, row.client)
		require.Equal(t, row.idCookie, got.cookies["sIdRefreshToken"] != nil)
		require.Equal(t, row.idHeader, got.header.Get("id-refresh-token") != "")
		require.NotEmpty(t, got.header.Get("front-token"))
		if id := got.cookies["sIdRefreshToken"]; id != nil {
			require.False(t, id.HttpOnly, "pages read it")
			require.True(t, id.Secure)
			require.Equal(t, "/", id.Path)
			require.Contains(t, got.header.Get("id-refresh-token"), id.Value+";")
		}
		w := httptest.NewRecorder()
		k.WriteError(w, request(t, nil), errors.ErrUnauthorised)
		require.Equal(t, row.status, w.Code)
	}
}

// sIdRefreshToken is a hint: it can turn a request away, and lets nobody in.
func TestPreset_IDRefreshCookie(t *testing.T) {
	t.Parallel()
	all := newKit(t, withPreset(session.PresetAll))
	got := all.signIn(t, oldClient)
	access, refresh := "sAccessToken="+got.value("sAccessToken"), "sRefreshToken="+got.value("sRefreshToken")
	id := "sIdRefreshToken=" + got.value("sIdRefreshToken")

	out, err := all.verify(t, nil, id)
	require.ErrorIs(t, err, errors.ErrTryRefreshToken, "there is a session to refresh")
	require.Empty(t, out.cookies)
	_, err = all.verify(t, nil, access)
	require.NoError(t, err, "its absence means nothing")
	_, out, err = all.refresh(t, nil, refresh)
	require.NoError(t, err)
	require.NotEqual(t, got.value("sIdRefreshToken"), out.value("sIdRefreshToken"), "it changes with every refresh")
	_, out, err = all.refresh(t, nil, id)
	require.ErrorIs(t, err, errors.ErrUnauthorised)
	require.True(t, out.cleared("sIdRefreshToken"))

	seed := newKit(t, withPreset(session.PresetRefJWT4))
	got = seed.signIn(t, oldClient)
	access, id = "sAccessToken="+got.value("sAccessToken"), "sIdRefreshToken="+got.value("sIdRefreshToken")
	out, err = seed.verify(t, nil, access)
	require.ErrorIs(t, err, errors.ErrUnauthorised, "as the seed says: a missing one means no session")
	require.True(t, out.cleared("sAccessToken"))
	_, err = seed.verify(t, nil, access, id)
	require.NoError(t, err)

	migrate := newKit(t, func(c *session.Config) { c.FrontEnds.IDRefreshMigrate = true })
	got = migrate.signIn(t, oldClient)
	require.Nil(t, got.cookies["sIdRefreshToken"])
	_, err = migrate.verify(t, nil, "sAccessToken="+got.value("sAccessToken"), id)
	require.ErrorIs(t, err, errors.ErrTryRefreshToken)
	_, out, err = migrate.refresh(t, nil, "sRefreshToken="+got.value("sRefreshToken"), id)
	require.NoError(t, err)
	require.True(t, out.cleared("sIdRefreshToken"))
}

func TestPreset_SwitchesWin(t *testing.T) {
	t.Parallel()
	k := newKit(t, func(c *session.Config) {
		c.FrontEnds = session.FrontEndConfig{
			Preset: session.PresetModern, FrontToken: session.SwitchOff,
			IDRefreshHeader: session.SwitchAlways, IDRefreshCookie: session.SwitchAlways,
		}
		c.SessionExpiredStatus = 419
		c.SessionExpiredStatusFor = func(r *http.Request) int {
			if r.Header.Get("X-Old") != "" {
				return 440
			}
			return 0
		}
	})
	got := k.signIn(t, cookieClient)
	require.Empty(t, got.header.Get("front-token"))
	require.NotEmpty(t, got.header.Get("id-refresh-token"))
	require.NotNil(t, got.cookies["sIdRefreshToken"])
	for old, status := range map[string]int{"": 419, "yes": 440} {
		w := httptest.NewRecorder()
		k.WriteError(w, request(t, map[string]string{"X-Old": old}), errors.ErrTryRefreshToken)
		require.Equal(t, status, w.Code)
	}
}

// The table of package errors, as it goes out (HTTP-02).
func TestWriteError(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	for _, row := range []struct {
		err    error
		status int
		body   string
	}{
		{errors.WithReason(errors.ErrUnauthorised, errors.ErrSessionRevoked), 401, `{"message":"unauthorised"}`},
		{errors.WithReason(errors.ErrTryRefreshToken, errors.ErrTokenForged), 401, `{"message":"try refresh token"}`},
		{&errors.TokenTheftError{SessionHandle: "h", UserID: "u"}, 401, `{"message":"token theft detected"}`},
		{errors.WithReason(errors.ErrUnavailable, errors.New("10.0.0.1:3306: connection refused")), 503, `{"message":"unavailable"}`},
		{errors.WithReason(errors.ErrInvalidInput, errors.ErrCookieTooLarge), 500, `{"message":"internal error"}`},
		{errors.New("anything"), 500, `{"message":"internal error"}`},
		{nil, 500, `{"message":"internal error"}`},
		{&errors.SessionLimitError{Limit: 3}, 409, `{"message":"session limit reached","limit":3,"sessions":[]}`},
		{&errors.ClaimError{}, 403, `{"claimValidationErrors":[],"message":"invalid claim"}`},
		{
			&errors.ClaimError{Failures: []errors.ClaimFailure{{ID: "role", Reason: map[string]any{"message": "wrong value"}}}}, 403,
			`{"claimValidationErrors":[{"id":"role","reason":{"message":"wrong value"}}],"message":"invalid claim"}`,
		},
	} {
		w := httptest.NewRecorder()
		k.WriteError(w, request(t, nil), row.err)
		require.Equal(t, row.status, w.Code)
		require.Equal(t, row.body, w.Body.String())
		require.Equal(t, "application/json; charset=utf-8", w.Header().Get("Content-Type"))
		require.Equal(t, row.status == 503, w.Header().Get("Retry-After") != "")
		require.Empty(t, w.Header().Values("Set-Cookie"))
	}
}
