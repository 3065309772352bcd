package token_test

import (
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/internal/token"
)

func TestCheckAntiCSRF(t *testing.T) {
	t.Parallel()
	text, hash := token.NewAntiCSRF()
	other, otherHash := token.NewAntiCSRF()
	long := strings.Repeat("a", 257)
	for name, row := range map[string]struct {
		text string
		hash [32]byte
	}{
		"empty":               {"", hash},
		"of another session":  {other, hash},
		"hash of another":     {text, otherHash},
		"in other case":       {strings.ToLower(text), hash},
		"space after":         {text + " ", hash},
		"cut":                 {text[:len(text)-1], hash},
		"the hash itself":     {string(hash[:]), hash},
		"no token expected":   {text, [32]byte{}},
		"empty, none either":  {"", [32]byte{}},
		"empty, hash of that": {"", sha256.Sum256(nil)},
		"too long, right":     {long, sha256.Sum256([]byte(long))},
	} {
		require.False(t, token.CheckAntiCSRF(row.text, row.hash), name)
	}
	require.True(t, token.CheckAntiCSRF(text, hash))
	require.Equal(t, sha256.Sum256([]byte(text)), hash)
	require.True(t, token.CheckAntiCSRF(long[:256], sha256.Sum256([]byte(long[:256]))))
}

// 26 characters of 32 are 130 bits; each position takes every value.
func TestNewAntiCSRFIsRandom(t *testing.T) {
	t.Parallel()
	const rounds = 20_000
	seen, values := make(map[string]bool, rounds), make([]map[byte]int, 26)
	for range rounds {
		text, _ := token.NewAntiCSRF()
		require.Len(t, text, 26)
		require.False(t, seen[text])
		seen[text] = true
		for i := range values {
			if values[i] == nil {
				values[i] = map[byte]int{}
			}
			values[i][text[i]]++
		}
	}
	for _, counts := range values {
		require.Len(t, counts, 32)
		for _, n := range counts {
			require.InDelta(t, rounds/32, n, 200)
		}
	}
}
