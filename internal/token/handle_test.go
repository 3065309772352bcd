package token_test

import (
	"encoding/base32"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/internal/token"
)

func TestValidHandle(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"", "0", handle[:25], handle + "0", strings.ToUpper(handle), " " + handle[1:], handle[:25] + " ", handle[:25] + "\n",
		handle[:25] + "1", handle[:25] + "5", handle[:25] + "v", "w" + handle[1:], "=" + handle[1:], "\xff" + handle[1:], "é" + handle[2:],
		"' OR 1=1 --' OR 1=1 --0000", handle[:12] + "\r\n" + handle[14:], handle[:12] + "\x00" + handle[13:], strings.Repeat("0", 1<<20),
	} {
		require.False(t, token.ValidHandle(bad), "%q", bad[:min(len(bad), 40)])
	}
	for _, good := range []string{handle, "00000000000000000000000000", "vvvvvvvvvvvvvvvvvvvvvvvvvs", knownHandle} {
		require.True(t, token.ValidHandle(good), good)
	}
}

// Exactly one last character in four is canonical.
func TestValidHandleAcceptsOneTextPerHandle(t *testing.T) {
	t.Parallel()
	valid := 0
	for c := range 256 {
		if token.ValidHandle(handle[:25] + string([]byte{byte(c)})) {
			valid++
		}
	}
	require.Equal(t, 8, valid)
}

// TOK-01: unique, in the order of time, and 80 bits of it uniform.
func TestNewFamilyHandle(t *testing.T) {
	t.Parallel()
	const rounds = 100_000
	seen, ones := make(map[string]bool, rounds), make([]int, 80)
	encoding := base32.HexEncoding.WithPadding(base32.NoPadding)
	last, step := "", int64(0)
	for n := range rounds {
		at := now + int64(n/100)
		h := token.NewFamily(at).Handle()
		if !token.ValidHandle(h) || seen[h] || (at != step && h <= last) {
			t.Fatalf("handle %d is invalid, not new, or not behind those of earlier milliseconds", n)
		}
		seen[h], step = true, at
		last = max(last, h)
		raw, err := encoding.DecodeString(strings.ToUpper(h))
		if err != nil {
			t.Fatal(err)
		}
		if n%100 == 0 {
			require.EqualValues(t, at, binary.BigEndian.Uint64(append([]byte{0, 0}, raw...)))
		}
		countBits(ones, raw[6:])
	}
	requireUniform(t, ones, rounds)
}

func TestHandlesSortByTime(t *testing.T) {
	t.Parallel()
	var handles []string
	for _, at := range []int64{0, 1, 31, 32, 1 << 20, now - 1, now, now + 1, now + 1<<32, 1<<48 - 1} {
		handles = append(handles, token.NewFamily(at).Handle())
	}
	require.True(t, slices.IsSorted(handles))
}
