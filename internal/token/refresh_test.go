package token_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

// The text and the hash were computed from the description of the format by
// another program.
const (
	knownRefresh = "AQlrYXQta2V5XzEBm3baqHsumtJoiFQaFGEXAAAAAAAAAAUAAAGbdtqoexERERERERERERERERERERERERERERERERERERERERERYGFiY2RlZmdoaW" +
		"prbG1ub3BxcnN0dXZ3eHl6e3x9fn9AQUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVpbXF1eX_sHbIh39hZKFZmetVTQHtIjh0GLKC8c39qae5pFoGeg"
	knownHash   = "2c80d0e4b623200e28a01fff781c02f4c9455996f7aa95b993e44747c2a2d9d2"
	knownHandle = "06dndml8fcn9lkj8h1a1k5312s"
)

func TestRefreshKnownAnswer(t *testing.T) {
	t.Parallel()
	r, hash, err := token.ParseRefresh(knownRefresh, only(knownKey()))
	require.NoError(t, err)
	require.Equal(t, knownHash, hex.EncodeToString(hash[:]))
	require.Equal(t, "kat-key_1", r.KeyID)
	require.Equal(t, knownHandle, r.Handle())
	require.EqualValues(t, 5, r.Gen)
	require.EqualValues(t, 1767225600123, r.IssuedAt)
	require.Equal(t, hashOf(0x11), r.Parent)
	again, sameHash := r.Seal(knownKey())
	require.Equal(t, knownRefresh, again)
	require.Equal(t, hash, sameHash)
}

// sealRaw authenticates any bytes, as somebody who holds the key but not our
// code would.
func sealRaw(body, secret []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("sessionkit refresh token v1 mac\x00"))
	mac.Write(body)
	return encode(mac.Sum(bytes.Clone(body)))
}

func refreshAttacks(tb testing.TB) []attack {
	tb.Helper()
	good, _ := token.NewRefresh(token.NewFamily(now), hashOf(1), 3, now).Seal(refreshKey)
	raw := decode(tb, good)
	body := raw[:len(raw)-32]
	edit := func(f func(b []byte) []byte) string { return sealRaw(f(bytes.Clone(body)), refreshKey.Secret) }
	malformed, forged := errors.ErrTokenMalformed, errors.ErrTokenForged
	plain := hmac.New(sha256.New, refreshKey.Secret)
	plain.Write(body)
	return []attack{
		{"empty", "", malformed},
		{"version 0", edit(func(b []byte) []byte { b[0] = 0; return b }), malformed},
		{"version 2", edit(func(b []byte) []byte { b[0] = 2; return b }), malformed},
		{"key id length 0", edit(func(b []byte) []byte { b[1] = 0; return b }), malformed},
		{"key id length + 1", edit(func(b []byte) []byte { b[1]++; return b }), malformed},
		{"key id length - 1", edit(func(b []byte) []byte { b[1]--; return b }), malformed},
		{"key id length 255", edit(func(b []byte) []byte { b[1] = 255; return b }), malformed},
		{"key id of 33", edit(func(b []byte) []byte {
			return append(append([]byte{1, 33}, strings.Repeat("k", 33)...), b[2+len(refreshKey.ID):]...)
		}), malformed},
		{"key id empty", edit(func(b []byte) []byte { return append([]byte{1, 0}, b[2+len(refreshKey.ID):]...) }), malformed},
		{"key id with a line feed", edit(func(b []byte) []byte { b[2] = '\n'; return b }), malformed},
		{"key id SQL", edit(func(b []byte) []byte { b[2] = '\''; return b }), malformed},
		{"one byte more", edit(func(b []byte) []byte { return append(b, 0) }), malformed},
		{"one byte less", edit(func(b []byte) []byte { return b[:len(b)-1] }), malformed},
		{"header only", encode(body[:2]), malformed},
		{"no MAC", encode(body), malformed},
		{"padded", base64.URLEncoding.EncodeToString(append(raw, 0)), malformed},
		{"equals sign", good + "=", malformed},
		{"space before", " " + good, malformed},
		{"space after", good + " ", malformed},
		{"line feed after", good + "\n", malformed},
		{"CR LF inside", good[:9] + "\r\n" + good[9:], malformed},
		{"CR inside", good[:9] + "\r" + good[9:], malformed},
		{"standard alphabet", strings.Repeat("+/", len(good)/2), malformed},
		{"one byte too long", strings.Repeat("A", token.MaxRefreshLen+1), malformed},
		{"a megabyte", strings.Repeat("A", 1<<20), malformed},
		{"twice", good + good, malformed},
		{"an access token", mustSign(tb, access(), accessKey), malformed},
		{"MAC of zeros", encode(append(bytes.Clone(body), make([]byte, 32)...)), forged},
		{"MAC without the domain", encode(plain.Sum(bytes.Clone(body))), forged},
		{"MAC of an empty key", sealRaw(body, nil), forged},
		{"MAC of the access key", sealRaw(body, accessKey.Secret), forged},
		// The same by somebody who holds the key, as a backup of the database does.
		{"another session's handle", edit(func(b []byte) []byte { b[2+len(refreshKey.ID)+9] ^= 1; return b }), forged},
		{"the time of the handle", edit(func(b []byte) []byte { b[2+len(refreshKey.ID)+5] ^= 1; return b }), forged},
		{"another family secret", edit(func(b []byte) []byte { b[len(b)-64] ^= 1; return b }), forged},
		{"family secret of zeros", edit(func(b []byte) []byte { clear(b[len(b)-64 : len(b)-32]); return b }), forged},
		{"generation exchanged", encode(flip(raw, 2+len(refreshKey.ID)+16)), forged},
		{"unknown key", sealRaw(append(append([]byte{1, 3}, "old"...), body[2+len(refreshKey.ID):]...), refreshKey.Secret), errors.ErrKeyUnknown},
	}
}

func flip(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[i] ^= 1
	return b
}

func TestParseRefreshRefuses(t *testing.T) {
	t.Parallel()
	for _, row := range refreshAttacks(t) {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r, hash, err := token.ParseRefresh(row.text, only(refreshKey))
			require.ErrorIs(t, err, row.want)
			require.Nil(t, r)
			require.True(t, hash.IsZero())
			malformed := errors.Is(row.want, errors.ErrTokenMalformed)
			require.Equal(t, !malformed, token.LooksLikeRefresh(row.text))
			if malformed {
				_, _, err = token.ParseRefresh(row.text, noKeys(t))
				require.ErrorIs(t, err, row.want)
			}
		})
	}
}

// Every single bit of the token and of its text counts: the unused bits of the
// last character as well.
func TestParseRefreshRefusesEveryFlippedBit(t *testing.T) {
	t.Parallel()
	for _, kid := range []string{"k", "k2", "k_3"} { // every remainder of a length by three
		k := token.Key{ID: kid, Secret: refreshKey.Secret}
		// The key is found under any id, so that only the MAC can refuse.
		anyID := func(string, int64) ([]byte, error) { return k.Secret, nil }
		text, _ := token.NewRefresh(token.NewFamily(now), hashOf(1), 3, now).Seal(k)
		raw := decode(t, text)
		for i := range raw {
			for bit := range 8 {
				changed := bytes.Clone(raw)
				changed[i] ^= 1 << bit
				_, _, err := token.ParseRefresh(encode(changed), anyID)
				require.Error(t, err, "byte %d, bit %d", i, bit)
			}
		}
		for i := range len(text) {
			for bit := range 8 {
				changed := []byte(text)
				changed[i] ^= 1 << bit
				_, _, err := token.ParseRefresh(string(changed), anyID)
				require.Error(t, err, "character %d, bit %d", i, bit)
			}
			_, _, err := token.ParseRefresh(text[:i], anyID)
			require.ErrorIs(t, err, errors.ErrTokenMalformed, "cut to %d", i)
		}
	}
}

func TestParseRefreshRefusesAShortSecret(t *testing.T) {
	t.Parallel()
	text, _ := token.NewRefresh(token.NewFamily(now), hashOf(1), 3, now).Seal(refreshKey)
	body := decode(t, text)
	body = body[:len(body)-32]
	for _, secret := range [][]byte{nil, {}, bytes.Repeat([]byte{1}, token.MinSecretLen-1)} {
		keys := func(string, int64) ([]byte, error) { return secret, nil }
		_, _, err := token.ParseRefresh(sealRaw(body, secret), keys)
		require.ErrorIs(t, err, errors.ErrKeyUnknown)
	}
}

func TestParseRefreshPassesTheKeyErrorThrough(t *testing.T) {
	t.Parallel()
	text, _ := token.NewRefresh(token.NewFamily(now), hashOf(1), 3, now+77).Seal(refreshKey)
	down := errors.WithReason(errors.ErrUnavailable, errors.ErrKeyUnknown)
	_, _, err := token.ParseRefresh(text, func(kid string, issuedAt int64) ([]byte, error) {
		require.Equal(t, refreshKey.ID, kid)
		require.Equal(t, now+77, issuedAt)
		return refreshKey.Secret, down
	})
	require.Same(t, down, err)
}

// Not parallel: it counts allocations.
func TestOversizedTextIsNotDecoded(t *testing.T) {
	small, large := strings.Repeat("A", token.MaxRefreshLen+1), strings.Repeat("A", 1<<20)
	for name, parse := range map[string]func(string) error{
		"refresh": func(text string) error { _, _, err := token.ParseRefresh(text, noKeys(t)); return err },
		"access":  func(text string) error { _, err := token.ParseAccess(text, noKeys(t), expect()); return err },
	} {
		count := func(text string) float64 {
			return testing.AllocsPerRun(10, func() { require.ErrorIs(t, parse(text), errors.ErrTokenMalformed) })
		}
		require.LessOrEqual(t, count(large), count(small), name)
		require.LessOrEqual(t, testing.AllocsPerRun(10, func() { _ = parse(large) }), 1.0, name)
	}
}

func TestRefreshRoundTrip(t *testing.T) {
	t.Parallel()
	for _, kid := range []string{"k", "key-of_32-characters-0123456789A"} {
		k := token.Key{ID: kid, Secret: refreshKey.Secret}
		for _, want := range []*token.Refresh{
			token.NewRefresh(token.NewFamily(now), models.Hash{}, 0, now),
			token.NewRefresh(token.NewFamily(1<<48-1), hashOf(0xFF), math.MaxInt64, math.MaxInt64),
			token.NewRefresh(token.NewFamily(0), hashOf(1), 1, 0),
			token.NewRefresh(token.NewFamily(1), hashOf(1), 1, -1),
		} {
			text, hash := want.Seal(k)
			require.Less(t, len(text), 300)
			require.True(t, token.LooksLikeRefresh(text))
			got, gotHash, err := token.ParseRefresh(text, only(k))
			require.NoError(t, err)
			require.Equal(t, [5]any{kid, want.Handle(), want.Gen, want.IssuedAt, want.Parent}, [5]any{got.KeyID, got.Handle(), got.Gen, got.IssuedAt, got.Parent})
			require.Equal(t, hash, gotHash)
			again, _ := got.Seal(k)
			require.Equal(t, text, again, "one text for one token")
		}
	}
}

// Nothing that a client sends can reach these; a caller's mistake shall show at
// once rather than end a session later.
func TestSealPanicsOnMalformedInput(t *testing.T) {
	t.Parallel()
	require.Panics(t, func() { token.NewRefresh(token.Family{}, models.Hash{}, 0, now).Seal(refreshKey) })
	require.Panics(t, func() { token.NewRefresh(token.NewFamily(now), models.Hash{}, 0, now).Seal(token.Key{}) })
	require.Panics(t, func() {
		token.NewRefresh(token.NewFamily(now), models.Hash{}, 0, now).Seal(token.Key{ID: "a", Secret: make([]byte, 31)})
	})
}

func TestRefreshSecretsAreUniform(t *testing.T) {
	t.Parallel()
	const rounds = 10_000
	seen, ones := make(map[models.Hash]bool, rounds), make([]int, 256)
	for range rounds {
		text, hash := token.NewRefresh(token.NewFamily(now), hashOf(1), 3, now).Seal(refreshKey)
		if seen[hash] {
			t.Fatal("a token came twice")
		}
		seen[hash] = true
		raw := decode(t, text)
		countBits(ones, raw[len(raw)-64:len(raw)-32])
	}
	requireUniform(t, ones, rounds)
}

// countBits adds the bits of b to ones.
func countBits(ones []int, b []byte) {
	for i := range ones {
		ones[i] += int(b[i/8]>>(7-i%8)) & 1
	}
}

// requireUniform demands that every bit was set in half of the rounds, give or
// take seven standard deviations: a fair coin fails it once in 10^11.
func requireUniform(t *testing.T, ones []int, rounds int) {
	t.Helper()
	for bit, n := range ones {
		require.InDelta(t, float64(rounds)/2, n, 7*math.Sqrt(float64(rounds))/2, "bit %d", bit)
	}
}
