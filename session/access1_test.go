package session_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/session"
)

// openLonger starts this version of the code on what commit c01a915 stored and sent:
// access tokens with nbf, with rt2 and rti promoted or not, with the whole hash of the
// anti-CSRF token, under keys whose ids have 26 characters.
// testdata/access1_record_test.go.txt is the test that recorded them.
func openLonger(t *testing.T, change ...func(*session.Config)) (*kit, map[string]*session.Tokens) {
	t.Helper()
	return openRecorded(t, "testdata/access1.json", "clear", change...)
}

// claimsIn are the names of the claims of an access token.
func claimsIn(t *testing.T, access string) []string {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(access, ".")[1])
	require.NoError(t, err)
	var all map[string]any
	require.NoError(t, json.Unmarshal(text, &all))
	if proof, ok := all["acs"].(string); ok && len(proof) != 22 {
		all["whole acs"] = proof
	}
	return slices.Collect(maps.Keys(all))
}

// requireShort demands a token in the form of today.
func requireShort(t *testing.T, access string) {
	t.Helper()
	names := claimsIn(t, access)
	require.NotContains(t, names, "nbf")
	require.NotContains(t, names, "whole acs")
	waits := slices.Contains(names, "prt2")
	require.Equal(t, waits, slices.Contains(names, "rt2"))
	require.Equal(t, waits, slices.Contains(names, "rti"))
}

// A deploy signs nobody out: access tokens of the longer form go on, on every way, until
// they expire, and what comes after them is short.
func TestLongerAccessTokens_goOn(t *testing.T) {
	t.Parallel()
	_, jars := openLonger(t)
	require.Len(t, jars, 9)
	for name, jar := range jars {
		require.Contains(t, claimsIn(t, jar.Access.Value), "nbf")
		require.Contains(t, claimsIn(t, jar.Access.Value), "rt2")
		if name == "sibling of used" {
			continue
		}
		for _, route := range tokenRoutes(t) {
			if jar.AntiCSRF == "" && !strings.HasSuffix(route.name, "header") {
				continue // it came by header
			}
			t.Run(name+"/"+route.name, func(t *testing.T) {
				t.Parallel()
				k, jars := openLonger(t)
				require.NoError(t, route.try(k, jars[name]))
			})
		}
		if jar.AntiCSRF == "" {
			continue
		}
		t.Run(name+"/goes on", func(t *testing.T) {
			t.Parallel()
			k, jars := openLonger(t)
			jar := jars[name]
			_, _, err := k.Verify(t.Context(), jar.Access.Value, "another", session.RequireAntiCSRF())
			require.ErrorIs(t, err, errors.ErrAntiCSRF)
			sess, replaced, err := k.Verify(t.Context(), jar.Access.Value, jar.AntiCSRF)
			require.NoError(t, err)
			require.Equal(t, "ada", sess.UserID())
			if replaced != nil {
				requireShort(t, replaced.Value)
				jar.Access = *replaced
			}
			sess, _, err = k.Verify(t.Context(), jar.Access.Value, jar.AntiCSRF)
			require.NoError(t, err)
			changed, err := sess.MergePayload(t.Context(), map[string]any{"role": "editor"})
			require.NoError(t, err)
			requireShort(t, changed.Value)
			_, _, err = k.Verify(t.Context(), changed.Value, jar.AntiCSRF)
			require.NoError(t, err)
			goesOn(t, k, jar)
		})
		t.Run(name+"/an hour later", func(t *testing.T) {
			t.Parallel()
			k, jars := openLonger(t)
			k.clock.Advance(time.Hour)
			_, _, err := k.Verify(t.Context(), jars[name].Access.Value, jars[name].AntiCSRF)
			require.ErrorIs(t, err, errors.ErrTokenExpired)
			goesOn(t, k, jars[name])
		})
	}
}

// A sibling of the current token, accepted within the window, may change its payload
// and stays what it is: it names its parent still.
func TestLongerAccessTokens_siblings(t *testing.T) {
	t.Parallel()
	k, jars := openLonger(t)
	sibling := jars["sibling of used"]
	_, _, err := k.Verify(t.Context(), sibling.Access.Value, sibling.AntiCSRF)
	require.ErrorIs(t, err, errors.ErrTokenRotatedOut)

	k, _ = openLonger(t, func(c *session.Config) { c.ConcurrentRefreshWindow = time.Minute })
	sess, replaced, err := k.Verify(t.Context(), sibling.Access.Value, sibling.AntiCSRF)
	require.NoError(t, err)
	require.Nil(t, replaced)
	changed, err := sess.MergePayload(t.Context(), map[string]any{"role": "editor"})
	require.NoError(t, err)
	requireShort(t, changed.Value)
	require.Contains(t, claimsIn(t, changed.Value), "prt2")
	_, _, err = k.Verify(t.Context(), changed.Value, sibling.AntiCSRF)
	require.NoError(t, err)
	_, err = k.Refresh(t.Context(), sibling.Refresh.Value)
	require.NoError(t, err)
}

// Old and new forms of one session's tokens beside each other: the newer counts.
func TestLongerAccessTokens_besideShortOnes(t *testing.T) {
	t.Parallel()
	k, jars := openLonger(t)
	old := jars["used"]
	next, err := k.Refresh(t.Context(), old.Refresh.Value)
	require.NoError(t, err)
	_, promoted, err := k.Verify(t.Context(), next.Access.Value, next.AntiCSRF)
	require.NoError(t, err)
	for _, cookies := range [][]string{
		{"sAccessToken=" + old.Access.Value, "sAccessToken=" + promoted.Value},
		{"sAccessToken=" + promoted.Value, "sAccessToken=" + old.Access.Value},
	} {
		w := httptest.NewRecorder()
		sess, err := k.VerifyHTTP(w, request(t, map[string]string{"anti-csrf": next.AntiCSRF}, cookies...))
		require.NoError(t, err)
		require.Equal(t, promoted.Value, sess.AccessToken().Value)
	}
}
