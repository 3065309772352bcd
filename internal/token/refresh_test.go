package token_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

// The texts and the hashes were computed from the description of the format by
// another program.
const (
	knownRefresh = "AglrYXQta2V5XzF9Ovy58GLc1RgEwU51we3hAZt22qh7LprSaIhUGhRhFwAAAAAAAAAFAAABm3baqHsRERERERERERERERERERERERERERERERERERERERER" +
		"EWBhYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ent8fX5_QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8n5taymSeTMvRf4Nbn1IVxMNKngpGNkLtGt20hvp4zew"
	knownHash     = "ae86664188e74fce36f4ecf366be999214c2e0c57691d0db102b3265727ac3eb"
	knownRefresh1 = "AQlrYXQta2V5XzEBm3baqHsumtJoiFQaFGEXAAAAAAAAAAUAAAGbdtqoexERERERERERERERERERERERERERERERERERERERERERYGFiY2RlZmdoaWprbG1u" +
		"b3BxcnN0dXZ3eHl6e3x9fn9AQUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVpbXF1eX_sHbIh39hZKFZmetVTQHtIjh0GLKC8c39qae5pFoGeg"
	knownHash1  = "2c80d0e4b623200e28a01fff781c02f4c9455996f7aa95b993e44747c2a2d9d2"
	knownHandle = "06dndml8fcn9lkj8h1a1k5312s"
)

func TestRefreshKnownAnswer(t *testing.T) {
	t.Parallel()
	for text, known := range map[string]string{knownRefresh: knownHash, knownRefresh1: knownHash1} {
		r, hash, err := token.ParseRefresh(text, only(knownKey()), issuer, audience)
		require.NoError(t, err)
		require.Equal(t, known, hex.EncodeToString(hash[:]))
		require.Equal(t, "kat-key_1", r.KeyID)
		require.Equal(t, knownHandle, r.Handle())
		require.EqualValues(t, 5, r.Gen)
		require.EqualValues(t, 1767225600123, r.IssuedAt)
		require.Equal(t, hashOf(0x11), r.Parent)
		// Whatever was read, what is made has the version that is bound to the service.
		again, newHash := r.Seal(knownKey(), issuer, audience)
		require.Equal(t, knownRefresh, again)
		require.Equal(t, knownHash, hex.EncodeToString(newHash[:]))
	}
}

// sealRaw authenticates any bytes as of their version, as somebody who holds the key
// but not our code would.
func sealRaw(body, secret []byte) string {
	if len(body) > 0 && (body[0] == 1 || body[0] == 3) {
		return sealUnder("sessionkit refresh token v"+string('0'+rune(body[0]))+" mac\x00", body, secret)
	}
	return sealUnder("sessionkit refresh token v2 mac\x00", body, secret)
}

func sealUnder(domain string, body, secret []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(domain))
	mac.Write(body)
	return encode(mac.Sum(bytes.Clone(body)))
}

// unbound is body, a token of version 2 but for its MAC, as version 1 has it.
func unbound(body []byte) []byte {
	kidEnd := 2 + int(body[1])
	body = append(bytes.Clone(body[:kidEnd]), body[kidEnd+16:]...)
	body[0] = 1
	return body
}

// refreshAttacks are tokens of both versions that were tampered with.
func refreshAttacks(tb testing.TB) []attack {
	tb.Helper()
	good, _ := token.NewRefresh(token.NewFamily(now), hashOf(1), 3, now).Seal(refreshKey, issuer, audience)
	body := decode(tb, good)
	body = body[:len(body)-32]
	attacks := attacksOn(tb, sealRaw(body, refreshKey.Secret), 16)
	for _, a := range attacksOn(tb, sealRaw(unbound(body), refreshKey.Secret), 0) {
		a.name = "version 1: " + a.name
		attacks = append(attacks, a)
	}
	return append(attacks, confusions(body)...)
}

// attacksOn tampers with a good token whose handle begins so far behind its key id.
func attacksOn(tb testing.TB, good string, skip int) []attack {
	tb.Helper()
	raw := decode(tb, good)
	body := raw[:len(raw)-32]
	fields := 2 + len(refreshKey.ID) + skip
	put := func(at int, n int64) func(b []byte) []byte {
		return func(b []byte) []byte { binary.BigEndian.PutUint64(b[fields+at:], uint64(n)); return b }
	}
	edit := func(f func(b []byte) []byte) string { return sealRaw(f(bytes.Clone(body)), refreshKey.Secret) }
	malformed, forged := errors.ErrTokenMalformed, errors.ErrTokenForged
	plain := hmac.New(sha256.New, refreshKey.Secret)
	plain.Write(body)
	return []attack{
		{"empty", "", malformed},
		{"version 0", edit(func(b []byte) []byte { b[0] = 0; return b }), malformed},
		{"the other version", edit(func(b []byte) []byte { b[0] = 3 - b[0]; return b }), malformed},
		{"version 3", edit(func(b []byte) []byte { b[0] = 3; return b }), malformed},
		{"generation over the cap", edit(put(16, models.MaxGeneration+1)), malformed},
		{"generation of all ones", edit(put(16, math.MaxInt64)), malformed},
		{"generation below 0", edit(put(16, -1)), malformed},
		{"issued before 1970", edit(put(24, -1)), malformed},
		{"issued after the year 9999", edit(put(24, math.MaxInt64)), malformed},
		{"key id length 0", edit(func(b []byte) []byte { b[1] = 0; return b }), malformed},
		{"key id length + 1", edit(func(b []byte) []byte { b[1]++; return b }), malformed},
		{"key id length - 1", edit(func(b []byte) []byte { b[1]--; return b }), malformed},
		{"key id length 255", edit(func(b []byte) []byte { b[1] = 255; return b }), malformed},
		{"key id of 33", edit(func(b []byte) []byte {
			return append(append([]byte{b[0], 33}, strings.Repeat("k", 33)...), b[2+len(refreshKey.ID):]...)
		}), malformed},
		{"key id empty", edit(func(b []byte) []byte { return append([]byte{b[0], 0}, b[2+len(refreshKey.ID):]...) }), malformed},
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
		{"another session's handle", edit(func(b []byte) []byte { b[fields+9] ^= 1; return b }), forged},
		{"the time of the handle", edit(func(b []byte) []byte { b[fields+5] ^= 1; return b }), forged},
		{"another family secret", edit(func(b []byte) []byte { b[len(b)-64] ^= 1; return b }), forged},
		{"family secret of zeros", edit(func(b []byte) []byte { clear(b[len(b)-64 : len(b)-32]); return b }), forged},
		{"generation exchanged", encode(flip(raw, fields+23)), forged},
		{"unknown key", sealRaw(append(append([]byte{body[0], 3}, "old"...), body[2+len(refreshKey.ID):]...), refreshKey.Secret), errors.ErrKeyUnknown},
	}
}

// confusions take one version, or one service, for another.
func confusions(body []byte) []attack {
	const domain1, domain2 = "sessionkit refresh token v1 mac\x00", "sessionkit refresh token v2 mac\x00"
	secret, forged, foreign := refreshKey.Secret, errors.ErrTokenForged, errors.ErrTokenForeign
	service := 2 + len(refreshKey.ID)
	with := func(i int) []byte { return flip(body, i) }
	return []attack{
		{"version 2 under the MAC of version 1", sealUnder(domain1, body, secret), forged},
		{"version 1 under the MAC of version 2", sealUnder(domain2, unbound(body), secret), forged},
		{"service and key id exchange a byte", sealRaw(func() []byte {
			b := bytes.Clone(body)
			b[1]++
			return append(b[:service+16], b[service+17:]...)
		}(), secret), errors.ErrTokenMalformed},
		// By somebody who holds the key: of another service, which says no more than that.
		{"first bit of the service", sealRaw(with(service), secret), foreign},
		{"last bit of the service", sealRaw(with(service+15), secret), foreign},
		{"service of zeros", sealRaw(append(append(bytes.Clone(body[:service]), make([]byte, 16)...), body[service+16:]...), secret), foreign},
		{"of another service by its word only", encode(append(with(service), make([]byte, 32)...)), foreign},
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
			r, hash, err := token.ParseRefresh(row.text, only(refreshKey), issuer, audience)
			require.ErrorIs(t, err, row.want)
			require.Nil(t, r)
			require.True(t, hash.IsZero())
			malformed := errors.Is(row.want, errors.ErrTokenMalformed)
			require.Equal(t, !malformed, token.LooksLikeRefresh(row.text))
			if malformed || errors.Is(row.want, errors.ErrTokenForeign) {
				_, _, err = token.ParseRefresh(row.text, noKeys(t), issuer, audience)
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
		anyID := func(string, int64) (token.Key, error) { return k, nil }
		text, _ := token.NewRefresh(token.NewFamily(now), hashOf(1), 3, now).Seal(k, issuer, audience)
		raw := decode(t, text)
		for i := range raw {
			for bit := range 8 {
				changed := bytes.Clone(raw)
				changed[i] ^= 1 << bit
				_, _, err := token.ParseRefresh(encode(changed), anyID, issuer, audience)
				require.Error(t, err, "byte %d, bit %d", i, bit)
			}
		}
		for i := range len(text) {
			for bit := range 8 {
				changed := []byte(text)
				changed[i] ^= 1 << bit
				_, _, err := token.ParseRefresh(string(changed), anyID, issuer, audience)
				require.Error(t, err, "character %d, bit %d", i, bit)
			}
			_, _, err := token.ParseRefresh(text[:i], anyID, issuer, audience)
			require.ErrorIs(t, err, errors.ErrTokenMalformed, "cut to %d", i)
		}
	}
}

func TestParseRefreshRefusesAShortSecret(t *testing.T) {
	t.Parallel()
	text, _ := token.NewRefresh(token.NewFamily(now), hashOf(1), 3, now).Seal(refreshKey, issuer, audience)
	body := decode(t, text)
	body = body[:len(body)-32]
	for _, secret := range [][]byte{nil, {}, bytes.Repeat([]byte{1}, token.MinSecretLen-1)} {
		keys := func(string, int64) (token.Key, error) { return token.Key{Secret: secret}, nil }
		_, _, err := token.ParseRefresh(sealRaw(body, secret), keys, issuer, audience)
		require.ErrorIs(t, err, errors.ErrKeyUnknown)
	}
}

func TestParseRefreshPassesTheKeyErrorThrough(t *testing.T) {
	t.Parallel()
	text, _ := token.NewRefresh(token.NewFamily(now), hashOf(1), 3, now+77).Seal(refreshKey, issuer, audience)
	down := errors.WithReason(errors.ErrUnavailable, errors.ErrKeyUnknown)
	_, _, err := token.ParseRefresh(text, func(kid string, issuedAt int64) (token.Key, error) {
		require.Equal(t, refreshKey.ID, kid)
		require.Equal(t, now+77, issuedAt)
		return refreshKey, down
	}, issuer, audience)
	require.Same(t, down, err)
}

// Not parallel: it counts allocations.
func TestOversizedTextIsNotDecoded(t *testing.T) {
	small, large := strings.Repeat("A", token.MaxRefreshLen+1), strings.Repeat("A", 1<<20)
	for name, parse := range map[string]func(string) error{
		"refresh": func(text string) error {
			_, _, err := token.ParseRefresh(text, noKeys(t), issuer, audience)
			return err
		},
		"access": func(text string) error { _, err := token.ParseAccess(text, noKeys(t), expect()); return err },
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
			token.NewRefresh(token.NewFamily(1<<48-1), hashOf(0xFF), models.MaxGeneration, 253402300799999),
			token.NewRefresh(token.NewFamily(0), hashOf(1), 1, 0),
			token.NewRefresh(token.NewFamily(1), hashOf(1), 1, 1),
		} {
			text, hash := want.Seal(k, issuer, audience)
			require.Less(t, len(text), 300)
			require.True(t, token.LooksLikeRefresh(text))
			got, gotHash, err := token.ParseRefresh(text, only(k), issuer, audience)
			require.NoError(t, err)
			require.Equal(t, [5]any{kid, want.Handle(), want.Gen, want.IssuedAt, want.Parent}, [5]any{got.KeyID, got.Handle(), got.Gen, got.IssuedAt, got.Parent})
			require.Equal(t, hash, gotHash)
			again, _ := got.Seal(k, issuer, audience)
			require.Equal(t, text, again, "one text for one token")
		}
	}
}

// Nothing that a client sends can reach these; a caller's mistake shall show at
// once rather than end a session later.
func TestSealPanicsOnMalformedInput(t *testing.T) {
	t.Parallel()
	require.Panics(t, func() { token.NewRefresh(token.Family{}, models.Hash{}, 0, now).Seal(refreshKey, issuer, audience) })
	require.Panics(t, func() {
		token.NewRefresh(token.NewFamily(now), models.Hash{}, 0, now).Seal(token.Key{}, issuer, audience)
	})
	require.Panics(t, func() { token.NewRefresh(token.NewFamily(now), models.Hash{}, 0, now).Seal(refreshKey, "", audience) })
	require.Panics(t, func() { token.NewRefresh(token.NewFamily(now), models.Hash{}, 0, now).Seal(refreshKey, issuer, "") })
	require.Panics(t, func() {
		token.NewRefresh(token.NewFamily(now), models.Hash{}, 0, now).Seal(token.Key{ID: "a", Secret: make([]byte, 31)}, issuer, audience)
	})
}

func TestRefreshSecretsAreUniform(t *testing.T) {
	t.Parallel()
	const rounds = 10_000
	seen, ones := make(map[models.Hash]bool, rounds), make([]int, 256)
	for range rounds {
		text, hash := token.NewRefresh(token.NewFamily(now), hashOf(1), 3, now).Seal(refreshKey, issuer, audience)
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
