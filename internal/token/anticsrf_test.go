package token_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/internal/token"
)

func TestAntiCSRF_Matches(t *testing.T) {
	t.Parallel()
	text, other := token.AntiCSRFOf("a refresh token"), token.AntiCSRFOf("another")
	hash, long := token.AntiCSRFHash(text), strings.Repeat("a", 257)
	for name, row := range map[string]struct {
		text string
		hash token.CSRFHash
	}{
		"empty":                    {"", hash},
		"of another refresh token": {other, hash},
		"hash of another":          {text, token.AntiCSRFHash(other)},
		"in other case":            {strings.ToLower(text), hash},
		"space after":              {text + " ", hash},
		"padded":                   {text + "=", hash},
		"cut":                      {text[:len(text)-1], hash},
		"the hash itself":          {string(hash[:]), hash},
		"the hash, encoded":        {base64.RawURLEncoding.EncodeToString(hash[:]), hash},
		"the refresh token":        {"a refresh token", hash},
		"no token expected":        {text, token.CSRFHash{}},
		"empty, none either":       {"", token.CSRFHash{}},
		"empty, hash of that":      {"", token.AntiCSRFHash("")},
		"too long, right":          {long, token.AntiCSRFHash(long)},
	} {
		require.False(t, token.AntiCSRFMatches(row.text, row.hash), name)
	}
	require.True(t, token.AntiCSRFMatches(text, hash))
	require.True(t, token.AntiCSRFMatches(long[1:], token.AntiCSRFHash(long[1:])))
}

// The value was computed by another program. Servers of one version must agree
// on it, or every second request fails behind a load balancer.
func TestAntiCSRF_KnownAnswer(t *testing.T) {
	t.Parallel()
	require.Equal(t, "eIkurqi-ANpecLcvpkWQLYbNLAr5nbnv71xOq05yA0c", token.AntiCSRFOf("AQlrYXQ"))
	require.Len(t, token.AntiCSRFOf(""), 43)
}
