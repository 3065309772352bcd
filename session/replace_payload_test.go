package session_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/session"
)

// ReplacePayload takes the place of everything, in the row and in the client's token,
// and a payload that could not be kept changes nothing.
func TestReplacePayload(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	tokens, err := k.Create(t.Context(), "ada", session.WithPayload(map[string]any{"role": "editor", "theme": "dark"}))
	require.NoError(t, err)
	sess := tokens.Session

	for _, bad := range []struct {
		payload any
		reason  error
	}{
		{map[string]any{"sub": "mallory"}, errors.ErrReservedClaim},
		{make(chan int), errors.ErrValueNotJSON},
		{map[string]any{"p": make([]byte, 4096)}, errors.ErrCookieTooLarge},
	} {
		_, err := sess.ReplacePayload(t.Context(), bad.payload)
		require.ErrorIs(t, err, errors.ErrInvalidInput)
		require.ErrorIs(t, err, bad.reason)
		require.ErrorIs(t, k.ReplacePayload(t.Context(), sess.Handle(), bad.payload), bad.reason)
		requirePayload(t, sess, map[string]any{"role": "editor", "theme": "dark"})
	}

	access, err := sess.ReplacePayload(t.Context(), map[string]any{"role": "reader"})
	require.NoError(t, err)
	requirePayload(t, sess, map[string]any{"role": "reader"})
	verified, _, err := k.Verify(t.Context(), access.Value, tokens.AntiCSRF)
	require.NoError(t, err)
	requirePayload(t, verified, map[string]any{"role": "reader"})

	require.NoError(t, k.ReplacePayload(t.Context(), sess.Handle(), []string{"a", "list"}))
	requirePayload(t, verified, map[string]any{"role": "reader"}) // until its next refresh
	next, err := k.Refresh(t.Context(), tokens.Refresh.Value)
	require.NoError(t, err)
	requirePayload(t, next.Session, []any{"a", "list"})

	_, err = next.Session.ReplacePayload(t.Context(), session.Undefined{})
	require.NoError(t, err)
	requirePayload(t, next.Session, nil)

	_, err = k.Revoke(t.Context(), sess.Handle())
	require.NoError(t, err)
	_, err = sess.ReplacePayload(t.Context(), "late")
	require.ErrorIs(t, err, errors.ErrUnauthorised)
	require.ErrorIs(t, k.ReplacePayload(t.Context(), sess.Handle(), "late"), errors.ErrUnauthorised)
}

// requirePayload: want as JSON has it, nil when it is absent.
func requirePayload(t *testing.T, sess *session.Session, want any) {
	t.Helper()
	var got any
	require.NoError(t, sess.Payload(&got))
	require.Equal(t, want, got)
}

// AccessToken is what the client has by now: as it came, as a first use replaced it,
// and after a change of the payload.
func TestSession_AccessToken(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	tokens, err := k.Create(t.Context(), "ada")
	require.NoError(t, err)
	require.Equal(t, tokens.Access, tokens.Session.AccessToken())

	sess, _, err := k.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
	require.NoError(t, err)
	require.Equal(t, tokens.Access.Value, sess.AccessToken().Value)
	require.Equal(t, tokens.Access.Value, sess.Detached().AccessToken().Value)
	require.WithinDuration(t, sess.ExpiresAt(), sess.AccessToken().ExpiresAt, 0)
	require.NotContains(t, fmt.Sprintf("%v %+v", sess.AccessToken(), sess.AccessToken()), tokens.Access.Value)

	refreshed, err := k.Refresh(t.Context(), tokens.Refresh.Value)
	require.NoError(t, err)
	sess, promoted, err := k.Verify(t.Context(), refreshed.Access.Value, refreshed.AntiCSRF)
	require.NoError(t, err)
	require.NotNil(t, promoted)
	require.Equal(t, *promoted, sess.AccessToken())

	changed, err := sess.MergePayload(t.Context(), map[string]any{"a": 1})
	require.NoError(t, err)
	require.Equal(t, *changed, sess.AccessToken())
	_, _, err = k.Verify(t.Context(), sess.AccessToken().Value, refreshed.AntiCSRF)
	require.NoError(t, err)
}

// SignOutPath is a path to which access tokens go, or none.
func TestSignOutPath(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		change func(*session.Config)
		want   string
	}{
		{func(*session.Config) {}, "/auth/signout"},
		{func(c *session.Config) { c.Cookie.AccessPath = "/api" }, ""},
		{func(c *session.Config) { c.Cookie.AccessPath, c.Cookie.SignOutPath = "/api", "/apis/out" }, ""},
		{func(c *session.Config) { c.Cookie.AccessPath, c.Cookie.SignOutPath = "/api", "/api/out" }, "/api/out"},
		{func(c *session.Config) {
			c.Cookie.AccessPath, c.FrontEnds.Carriers = "/api", session.CarriersHeader
		}, "/auth/signout"},
	} {
		require.Equal(t, row.want, newKit(t, row.change).SignOutPath())
	}
}

// A route to which no access token goes would refuse everybody.
func TestReaches(t *testing.T) {
	t.Parallel()
	below := newKit(t, func(c *session.Config) { c.Cookie.AccessPath = "/api" })
	everywhere := newKit(t)
	byHeader := newKit(t, func(c *session.Config) {
		c.Cookie.AccessPath, c.FrontEnds.Carriers = "/api", session.CarriersHeader
	})
	for path, reached := range map[string]bool{
		"/api": true, "/api/": true, "/api/sessions": true, "/api/:tenant": true,
		"/": false, "/apis": false, "/auth/api": false, "/API": false,
	} {
		require.Equal(t, reached, below.Reaches(path), path)
		require.True(t, everywhere.Reaches(path), path)
		require.True(t, byHeader.Reaches(path), path)
	}
}
