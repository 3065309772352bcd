package session

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAntiCSRF_Matches(t *testing.T) {
	t.Parallel()
	text, other := antiCSRFOf("a refresh token"), antiCSRFOf("another")
	hash, long := antiCSRFHash(text), strings.Repeat("a", maxAntiCSRFLen+1)
	for name, row := range map[string]struct {
		text string
		hash [32]byte
	}{
		"empty":                    {"", hash},
		"of another refresh token": {other, hash},
		"hash of another":          {text, antiCSRFHash(other)},
		"in other case":            {strings.ToLower(text), hash},
		"space after":              {text + " ", hash},
		"padded":                   {text + "=", hash},
		"cut":                      {text[:len(text)-1], hash},
		"the hash itself":          {string(hash[:]), hash},
		"the hash, encoded":        {base64.RawURLEncoding.EncodeToString(hash[:]), hash},
		"the refresh token":        {"a refresh token", hash},
		"no token expected":        {text, [32]byte{}},
		"empty, none either":       {"", [32]byte{}},
		"empty, hash of that":      {"", sha256.Sum256(nil)},
		"too long, right":          {long, antiCSRFHash(long)},
	} {
		require.False(t, antiCSRFMatches(row.text, row.hash), name)
	}
	require.True(t, antiCSRFMatches(text, hash))
	require.True(t, antiCSRFMatches(long[1:], antiCSRFHash(long[1:])))
}

// The value was computed by another program. Servers of one version must agree
// on it, or every second request fails behind a load balancer.
func TestAntiCSRF_KnownAnswer(t *testing.T) {
	t.Parallel()
	require.Equal(t, "eIkurqi-ANpecLcvpkWQLYbNLAr5nbnv71xOq05yA0c", antiCSRFOf("AQlrYXQ"))
	require.Len(t, antiCSRFOf(""), 43)
}
