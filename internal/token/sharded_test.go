package token_test

import (
	"bytes"
	"encoding/base32"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

// sharded is a token of version 3, sealed.
func sharded(home models.Home) (text string, r *token.Refresh) {
	r = token.NewRefresh(token.NewShardedFamily(now, home), hashOf(1), 3, now)
	text, _ = r.Seal(refreshKey, issuer, audience)
	return text, r
}

// shardedBody is one but for its MAC.
func shardedBody(tb testing.TB) []byte {
	tb.Helper()
	text, _ := sharded(0xABCD)
	raw := decode(tb, text)
	return raw[:len(raw)-32]
}

// A sharded handle says the home and the time, and 96 bits of it are uniform.
func TestNewShardedFamilyHandle(t *testing.T) {
	t.Parallel()
	const rounds = 10_000
	seen, ones := make(map[string]bool, rounds), make([]int, 96)
	for n := range rounds {
		at, home := now+int64(n), models.Home(n*7)
		h := token.NewShardedFamily(at, home).Handle()
		require.True(t, token.ValidHandle(h), h)
		require.False(t, seen[h])
		seen[h] = true
		said, ok := models.HomeOfHandle(h)
		require.True(t, ok)
		require.Equal(t, home, said)
		raw, err := base32.HexEncoding.DecodeString(strings.ToUpper(h))
		require.NoError(t, err)
		require.EqualValues(t, home, binary.BigEndian.Uint16(raw))
		require.EqualValues(t, at, binary.BigEndian.Uint64(raw)&(1<<48-1))
		countBits(ones, raw[8:])
	}
	requireUniform(t, ones, rounds)
}

func TestShardedHandlesSortByHomeAndTime(t *testing.T) {
	t.Parallel()
	var handles []string
	for _, home := range []models.Home{0, 1, 31, 0x1000, 0x7FFF, 0x8000, 0xFFFF} {
		for _, at := range []int64{0, 1, 1 << 20, now, now + 1, 1<<48 - 1} {
			handles = append(handles, token.NewShardedFamily(at, home).Handle())
		}
	}
	require.True(t, slices.IsSorted(handles))
}

// Every character counts: 160 bits are exactly 32 of them.
func TestValidHandleOfASharded(t *testing.T) {
	t.Parallel()
	_, r := sharded(7)
	good := r.Handle()
	for _, bad := range []string{
		good[:31], good + "0", strings.ToUpper(good), good[:31] + "w", good[:30] + "\r\n", "\n" + good[1:], good[:26] + "      ",
		good[:31] + "=", strings.Repeat("\n", 32), "=" + good[1:], "\x00" + good[1:],
	} {
		require.False(t, token.ValidHandle(bad), "%q", bad)
	}
	for _, c := range "0123456789abcdefghijklmnopqrstuv" {
		require.True(t, token.ValidHandle(good[:31]+string(c)))
	}
}

// Version 3 is what is made of a sharded family, and what the format says.
func TestShardedRefreshToken(t *testing.T) {
	t.Parallel()
	text, want := sharded(0xABCD)
	require.True(t, token.LooksLikeRefresh(text))
	body := shardedBody(t)
	require.EqualValues(t, 3, body[0])
	require.Len(t, body, 2+len(refreshKey.ID)+16+20+8+8+32+32+32)
	require.Equal(t, body, committed(body))

	got, hash, err := token.ParseRefresh(text, only(refreshKey), issuer, audience)
	require.NoError(t, err)
	require.Equal(t, want.Family(), got.Family())
	require.Equal(t, [4]any{want.Handle(), want.Gen, want.IssuedAt, want.Parent}, [4]any{got.Handle(), got.Gen, got.IssuedAt, got.Parent})
	again, sameHash := got.Seal(refreshKey, issuer, audience)
	require.Equal(t, text, again)
	require.Equal(t, hash, sameHash)

	child := token.NewRefresh(got.Family(), hash, 4, now+1)
	text, _ = child.Seal(refreshKey, issuer, audience)
	got, _, err = token.ParseRefresh(text, only(refreshKey), issuer, audience)
	require.NoError(t, err)
	require.Equal(t, want.Handle(), got.Handle(), "children keep the handle")
	longest := token.Key{ID: strings.Repeat("k", 32), Secret: refreshKey.Secret}
	text, _ = child.Seal(longest, issuer, audience)
	require.Len(t, text, 286)
}

// Whoever has the key and not the family's secret can say no other home, time or
// commitment, and takes no version for another.
func TestShardedRefreshTokenIsBound(t *testing.T) {
	t.Parallel()
	body := shardedBody(t)
	handleAt := 2 + len(refreshKey.ID) + 16
	parse := func(text string) error {
		_, _, err := token.ParseRefresh(text, only(refreshKey), issuer, audience)
		return err
	}
	for bit := range 160 {
		changed := bytes.Clone(body)
		changed[handleAt+bit/8] ^= 1 << (bit % 8)
		require.ErrorIs(t, parse(sealRaw(changed, refreshKey.Secret)), errors.ErrTokenForged, "bit %d", bit)
	}
	for _, domain := range []string{"sessionkit refresh token v1 mac\x00", "sessionkit refresh token v2 mac\x00"} {
		require.ErrorIs(t, parse(sealUnder(domain, body, refreshKey.Secret)), errors.ErrTokenForged)
	}
	for _, version := range []byte{0, 1, 2, 4} {
		changed := bytes.Clone(body)
		changed[0] = version
		require.ErrorIs(t, parse(sealRaw(changed, refreshKey.Secret)), errors.ErrTokenMalformed)
	}
	for _, wrong := range [][]byte{body[:len(body)-1], append(bytes.Clone(body), 0)} {
		require.ErrorIs(t, parse(sealRaw(wrong, refreshKey.Secret)), errors.ErrTokenMalformed)
	}
}

// An attack on version 2 fails on version 3 as well.
func TestShardedRefreshTokenRefusesEveryFlippedBit(t *testing.T) {
	t.Parallel()
	anyID := func(string, int64) (token.Key, error) { return refreshKey, nil }
	text, _ := sharded(1)
	raw := decode(t, text)
	for i := range raw {
		for bit := range 8 {
			changed := bytes.Clone(raw)
			changed[i] ^= 1 << bit
			_, _, err := token.ParseRefresh(encode(changed), anyID, issuer, audience)
			require.Error(t, err, "byte %d, bit %d", i, bit)
		}
	}
}
