package session_test

import (
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// part is a segment of a JWT, decoded.
func part(t *testing.T, text string, i int) map[string]any {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[i])
	require.NoError(t, err)
	var m map[string]any
	require.NoError(t, json.Unmarshal(data, &m))
	return m
}

func signedBy(a session.Algorithm, typ session.TokenType) func(*session.Config) {
	return func(c *session.Config) { c.SigningKey.Algorithm, c.SigningKey.TokenType = a, typ }
}

// A session lives by tokens of each algorithm, and what other services go by is there.
// What a token costs more is in docs/protocol.md.
func TestAlgorithm_lives(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		algorithm session.Algorithm
		typ       session.TokenType
		alg, name string
		length    int // of a promoted token, as TestAccessToken_staysShort has it
	}{
		{session.HS256, session.TokenTypeJWT, "HS256", "sessionkit+jwt", 475},
		{session.ES256, session.TokenTypeAccess, "ES256", "at+jwt", 540},
		{session.Ed25519, session.TokenTypeAccess, "EdDSA", "at+jwt", 540},
		{session.RS256, session.TokenTypeAccess, "RS256", "at+jwt", 796},
		{session.ES256, session.TokenTypeJWT, "ES256", "JWT", 536},
		{session.Ed25519, session.TokenTypeJWT, "EdDSA", "JWT", 536},
		{session.RS256, session.TokenTypeJWT, "RS256", "JWT", 792},
	} {
		k := newKit(t, signedBy(row.algorithm, row.typ))
		tokens, err := k.Create(t.Context(), "7e57ab1e-0000-4000-8000-00000000c0de", session.WithPayload(json.RawMessage(`{"role":"editor"}`)))
		require.NoError(t, err)
		for range 3 {
			k.clock.Advance(time.Second)
			tokens, err = k.Refresh(t.Context(), tokens.Refresh.Value)
			require.NoError(t, err)
			_, promoted, err := k.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
			require.NoError(t, err)
			require.Len(t, promoted.Value, row.length, "%s %s", row.alg, row.name)
			for _, text := range []string{tokens.Access.Value, promoted.Value} {
				header := part(t, text, 0)
				require.Len(t, header, 3)
				require.Equal(t, row.alg, header["alg"])
				require.Equal(t, row.name, header["typ"])
				claims := part(t, text, 1)
				require.Equal(t, row.algorithm != session.HS256, claims["client_id"] != nil)
				if row.algorithm != session.HS256 {
					require.Equal(t, claims["aud"], claims["client_id"])
				}
			}
			sess, replacement, err := k.Verify(t.Context(), promoted.Value, tokens.AntiCSRF)
			require.NoError(t, err)
			require.Nil(t, replacement)
			_, err = sess.MergePayload(t.Context(), map[string]any{"n": 1})
			require.NoError(t, err)
			require.NoError(t, k.MergePayload(t.Context(), sess.Handle(), map[string]any{"n": nil}))
		}
	}
}

// The other type stays good when the configuration changes.
func TestAlgorithm_eitherTypeIsRead(t *testing.T) {
	t.Parallel()
	k := newKit(t, signedBy(session.ES256, session.TokenTypeAccess))
	tokens, err := k.Create(t.Context(), "ada")
	require.NoError(t, err)
	next := newKitOn(t, k.store, k.clock, signedBy(session.ES256, session.TokenTypeJWT))
	sess, _, err := next.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
	require.NoError(t, err)
	merged, err := sess.MergePayload(t.Context(), map[string]any{"a": 1})
	require.NoError(t, err)
	require.Equal(t, "JWT", part(t, merged.Value, 0)["typ"])
	_, _, err = k.Verify(t.Context(), merged.Value, tokens.AntiCSRF)
	require.NoError(t, err)
}

// With each algorithm a session keeps what it may be created with; and on the way back
// to a shorter one, as long as keys of the longer are there.
func TestAlgorithm_sizes(t *testing.T) {
	t.Parallel()
	payload := func(n int) session.CreateOption { return session.WithPayload(strings.Repeat("r", n)) }
	most := func(k *kit) (largest int) {
		for step := 4096; step > 0; step /= 2 {
			if _, err := k.Create(t.Context(), "ada", payload(largest+step)); err == nil {
				largest += step
			}
		}
		return largest
	}
	by := map[session.Algorithm]int{}
	for _, a := range []session.Algorithm{session.HS256, session.ES256, session.Ed25519, session.RS256} {
		k := newKit(t, signedBy(a, session.TokenTypeAccess))
		by[a] = most(k)
		tokens, err := k.Create(t.Context(), "ada", payload(by[a]))
		require.NoError(t, err)
		_, err = k.Create(t.Context(), "ada", payload(by[a]+1))
		require.ErrorIs(t, err, errors.ErrCookieTooLarge)
		back := newKitOn(t, k.store, k.clock, signedBy(session.HS256, session.TokenTypeAccess))
		for range 3 {
			tokens, err = back.Refresh(t.Context(), tokens.Refresh.Value)
			require.NoError(t, err)
			k.clock.Advance(5 * time.Minute)
		}
		require.Equal(t, by[a], most(back), "what the keys that are there can sign")
	}
	require.Greater(t, by[session.HS256], by[session.ES256])
	require.Equal(t, by[session.ES256], by[session.Ed25519])
	require.Greater(t, by[session.Ed25519], by[session.RS256])
	t.Log(by)
}

func TestAlgorithm_configuration(t *testing.T) {
	t.Parallel()
	for field, change := range map[string]func(*session.Config){
		"SigningKey.Algorithm: unknown": signedBy(session.RS256+1, 0),
		"SigningKey.TokenType: unknown": signedBy(session.ES256, session.TokenTypeJWT+1),
		"SigningKey.Algorithm: the keys of SigningKey.Provider": func(c *session.Config) {
			provider := &renamedKey{}
			provider.rename("k")
			c.SigningKey.Provider, c.SigningKey.Algorithm = provider, session.ES256
		},
	} {
		cfg := session.Config{Logger: slog.New(slog.DiscardHandler)}
		change(&cfg)
		_, err := session.New(t.Context(), memstore.New(), cfg)
		require.ErrorIs(t, err, errors.ErrConfig)
		require.ErrorContains(t, err, field)
	}
}
