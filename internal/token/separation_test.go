package token_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

// TOK-05: an access token holds no part of a refresh token that is secret, and
// nothing that hashes to what a row holds: it teaches what the row teaches.
func TestAccessTokenTeachesNothingOfRefreshTokens(t *testing.T) {
	t.Parallel()
	parent := token.NewRefresh(token.NewFamily(now), models.Hash{}, 6, now)
	parentText, parentHash := parent.Seal(refreshKey, issuer, audience)
	childText, childHash := token.NewRefresh(parent.Family(), parentHash, 7, now).Seal(refreshKey, issuer, audience)
	a := access()
	a.Handle, a.Refresh, a.Parent = parent.Handle(), childHash, parentHash
	plain := decode(t, strings.Split(mustSign(t, a, accessKey), ".")[1])

	var got map[string]any
	require.NoError(t, json.Unmarshal(plain, &got))
	require.Equal(t, []string{
		"acs", "aud", "auth_time", "exp", "gen", "iat", "iss", "jti", "pl", "prt2", "rt2", "rti", "sid", "sub",
	}, slices.Sorted(maps.Keys(got)), "a new claim has to be judged here")
	require.Equal(t, encode(childHash[:]), got["rt2"])
	require.Equal(t, encode(parentHash[:]), got["prt2"])

	var values [][]byte
	for name, value := range got {
		if text, ok := value.(string); ok {
			values = append(values, []byte(text))
			if name == "acs" {
				values = append(values, decode(t, text))
			}
			if len(text) != 43 {
				continue
			}
			hash := decode(t, text)
			values = append(values, hash)
			once := models.Hash(sha256.Sum256(hash))
			require.NotEqual(t, parentHash, once, "a preimage of the row's hash")
			require.NotEqual(t, childHash, once, "a preimage of the row's hash")
		}
	}
	for _, refresh := range [][]byte{decode(t, parentText), decode(t, childText)} {
		secretAndMAC := refresh[len(refresh)-96:] // the family's secret, its own, the MAC
		for i := range len(secretAndMAC) - 7 {
			for _, value := range append(values, plain) {
				require.False(t, bytes.Contains(value, secretAndMAC[i:i+8]))
			}
		}
	}
}

// KEY-07: a token of one purpose is nothing under the key of another, even when
// both keys go by one id.
func TestKeysOfOnePurposeDoNotServeAnother(t *testing.T) {
	t.Parallel()
	swapped := func(string, int64) (token.Key, error) { return accessKey, nil }
	refresh, _ := token.NewRefresh(token.NewFamily(now), hashOf(1), 3, now).Seal(refreshKey, issuer, audience)
	_, _, err := token.ParseRefresh(refresh, swapped, issuer, audience)
	require.ErrorIs(t, err, errors.ErrTokenForged)

	swapped = func(string, int64) (token.Key, error) { return refreshKey, nil }
	_, err = token.ParseAccess(mustSign(t, access(), accessKey), swapped, expect())
	require.ErrorIs(t, err, errors.ErrTokenForged)

	// One secret for both purposes, against all advice: the formats and the MAC
	// domain still keep the tokens apart.
	same := only(token.Key{ID: accessKey.ID, Secret: accessKey.Secret})
	_, _, err = token.ParseRefresh(mustSign(t, access(), accessKey), same, issuer, audience)
	require.ErrorIs(t, err, errors.ErrTokenMalformed)
	refresh, _ = token.NewRefresh(token.NewFamily(now), hashOf(1), 3, now).Seal(accessKey, issuer, audience)
	_, err = token.ParseAccess(refresh, same, expect())
	require.ErrorIs(t, err, errors.ErrTokenMalformed)
}
