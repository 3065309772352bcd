package token_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

// refreshFields are the bytes of a refresh token between the service and the MAC.
type refreshFields struct {
	handle         [16]byte
	gen, issuedAt  int64
	parent         models.Hash
	family, secret [32]byte
}

// seal writes the fields down as the format says and authenticates them.
func (f refreshFields) seal(k token.Key) string {
	b := append([]byte{2, byte(len(k.ID))}, k.ID...)
	service := sha256.Sum256([]byte("sessionkit refresh token v2 service\x00" +
		"\x00\x00\x00\x00\x00\x00\x00\x13https://app.example" + "\x00\x00\x00\x00\x00\x00\x00\x03app"))
	b = append(b, service[:16]...)
	b = append(b, f.handle[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(f.gen))
	b = binary.BigEndian.AppendUint64(b, uint64(f.issuedAt))
	b = append(b, f.parent[:]...)
	b = append(b, f.family[:]...)
	b = append(b, f.secret[:]...)
	return sealRaw(b, k.Secret)
}

// fieldsOf reads the fields of a genuine token: its holder can.
func fieldsOf(tb testing.TB, text string, k token.Key) (f refreshFields) {
	tb.Helper()
	b := decode(tb, text)[2+len(k.ID)+16:]
	require.Len(tb, b, 16+8+8+32+32+32+32)
	copy(f.handle[:], b)
	f.gen, f.issuedAt = int64(binary.BigEndian.Uint64(b[16:])), int64(binary.BigEndian.Uint64(b[24:]))
	copy(f.parent[:], b[32:])
	copy(f.family[:], b[64:])
	copy(f.secret[:], b[96:])
	return f
}

// committed is body, a token but for its MAC, with the handle that its family
// secret makes, computed from the description of the format. A body that cannot
// be one comes back as it is.
func committed(body []byte) []byte {
	if len(body) < 2 {
		return body
	}
	at, said, size, version := 2+int(body[1]), 6, 16, "1"
	if body[0] >= 2 {
		at += 16
	}
	if body[0] == 3 {
		said, size, version = 8, 20, "2"
	}
	if len(body) != at+size+8+8+32+32+32 {
		return body
	}
	body = bytes.Clone(body)
	handle, secret := body[at:], body[len(body)-64:len(body)-32]
	sum := sha256.Sum256(slices.Concat([]byte("sessionkit session family v"+version+" handle\x00"), handle[:said], secret))
	copy(handle[said:size], sum[:])
	return body
}

// The attack of W-09, TOK-05. The attacker has a backup of the database, which
// means the refresh key and the session's row, and an access token of the
// session; a session of his own besides. He makes every kind of refresh token
// that the state machine would take for more than a copy, under every family
// secret that he can think of.
func TestKeyRowAndAccessTokenMakeNoRefreshToken(t *testing.T) {
	t.Parallel()
	family := token.NewFamily(now)
	parent := token.NewRefresh(family, hashOf(9), 5, now)
	parentText, parentHash := parent.Seal(refreshKey, issuer, audience)
	currentText, current := token.NewRefresh(parent.Family(), parentHash, 6, now).Seal(refreshKey, issuer, audience)
	known := fieldsOf(t, currentText, refreshKey)

	a := access()
	a.Handle, a.Refresh, a.Parent, a.Gen, a.RefreshIssuedAt = family.Handle(), current, parentHash, 6, now
	own, _ := token.NewRefresh(token.NewFamily(now), models.Hash{}, 0, now).Seal(refreshKey, issuer, audience)
	guesses := map[string][32]byte{
		"zeros": {}, "the key": [32]byte(refreshKey.Secret[:32]), "hash of the handle": sha256.Sum256(known.handle[:]),
		"his own session's": fieldsOf(t, own, refreshKey).family, "his own token's": fieldsOf(t, own, refreshKey).secret,
	}
	for name, hash := range hashesIn(t, mustSign(t, a, accessKey)) {
		guesses[name], guesses["hash of "+name] = hash, sha256.Sum256(hash[:])
	}
	require.Len(t, guesses, 5+2*3)
	require.Equal(t, [32]byte(current), guesses["rt2"])

	positions := map[string]refreshFields{
		"child of the current": {gen: 7, parent: current}, "sibling of the current": {gen: 6, parent: parentHash},
		"far ahead": {gen: 100}, "ahead without end": {gen: models.MaxGeneration, parent: current},
		"first": {},
	}
	for guess, secret := range guesses {
		for position, forged := range positions {
			forged.handle, forged.issuedAt, forged.family = known.handle, now, secret
			_, _, err := token.ParseRefresh(forged.seal(refreshKey), only(refreshKey), issuer, audience)
			require.ErrorIs(t, err, errors.ErrTokenForged, "%s under %q", position, guess)
		}
	}

	// Under the genuine secret each would have been accepted: the test forges well.
	for _, genuine := range []string{parentText, currentText} {
		for position, made := range positions {
			made.handle, made.issuedAt, made.family = known.handle, now, fieldsOf(t, genuine, refreshKey).family
			r, _, err := token.ParseRefresh(made.seal(refreshKey), only(refreshKey), issuer, audience)
			require.NoError(t, err, position)
			require.Equal(t, family, r.Family())
			require.Equal(t, [2]int64{made.gen, now}, [2]int64{r.Gen, r.IssuedAt})
			require.Equal(t, made.parent, r.Parent)
		}
	}
}

// hashesIn reads what a bearer of an access token can read of 32 bytes.
func hashesIn(tb testing.TB, access string) map[string][32]byte {
	tb.Helper()
	var all map[string]any
	require.NoError(tb, json.Unmarshal(decode(tb, strings.Split(access, ".")[1]), &all))
	found := map[string][32]byte{}
	for name, value := range all {
		if text, ok := value.(string); ok && (len(text) == 43 || name == "acs") {
			hash := found[name]
			copy(hash[:], decode(tb, text)) // acs is the half of one
			found[name] = hash
		}
	}
	return found
}

// A session of the attacker's own opens no other, however he changes its handle,
// the time in it included, or its secret.
func TestFamilyIsBoundToItsHandle(t *testing.T) {
	t.Parallel()
	text, _ := token.NewRefresh(token.NewFamily(now), hashOf(1), 3, now).Seal(refreshKey, issuer, audience)
	good := fieldsOf(t, text, refreshKey)
	require.Equal(t, text, good.seal(refreshKey))
	for bit := range 128 {
		f := good
		f.handle[bit/8] ^= 1 << (bit % 8)
		_, _, err := token.ParseRefresh(f.seal(refreshKey), only(refreshKey), issuer, audience)
		require.ErrorIs(t, err, errors.ErrTokenForged, "bit %d of the handle", bit)
	}
	for bit := range 256 {
		f := good
		f.family[bit/8] ^= 1 << (bit % 8)
		_, _, err := token.ParseRefresh(f.seal(refreshKey), only(refreshKey), issuer, audience)
		require.ErrorIs(t, err, errors.ErrTokenForged, "bit %d of the secret", bit)
	}
	// The commitment is to the secret of the family, and says nothing of the rest.
	f := good
	f.gen, f.issuedAt, f.parent, f.secret = 0, 0, models.Hash{}, [32]byte{}
	_, _, err := token.ParseRefresh(f.seal(refreshKey), only(refreshKey), issuer, audience)
	require.NoError(t, err)
	require.Equal(t, sealRaw(committed(decode(t, text)[:2+len(refreshKey.ID)+16+128]), refreshKey.Secret), text)
}

func TestChildrenKeepTheFamily(t *testing.T) {
	t.Parallel()
	r := token.NewRefresh(token.NewFamily(now), models.Hash{}, 0, now)
	want := r.Family()
	var secrets [][32]byte
	for gen := range int64(5) {
		text, hash := r.Seal(refreshKey, issuer, audience)
		got, _, err := token.ParseRefresh(text, only(refreshKey), issuer, audience)
		require.NoError(t, err)
		require.Equal(t, want, got.Family())
		require.Equal(t, want.Handle(), got.Handle())
		f := fieldsOf(t, text, refreshKey)
		require.NotContains(t, secrets, f.secret, "every token has a secret of its own")
		require.NotEqual(t, f.family, f.secret)
		secrets = append(secrets, f.secret)
		r = token.NewRefresh(got.Family(), hash, gen+1, now+gen)
	}
}

// TOK-01: 256 random bits, new for every session.
func TestFamilySecretsAreUniform(t *testing.T) {
	t.Parallel()
	const rounds = 10_000
	seen, ones := make(map[[32]byte]bool, rounds), make([]int, 256)
	for range rounds {
		text, _ := token.NewRefresh(token.NewFamily(now), hashOf(1), 3, now).Seal(refreshKey, issuer, audience)
		secret := fieldsOf(t, text, refreshKey).family
		if seen[secret] {
			t.Fatal("a family secret came twice")
		}
		seen[secret] = true
		countBits(ones, secret[:])
	}
	requireUniform(t, ones, rounds)
}
