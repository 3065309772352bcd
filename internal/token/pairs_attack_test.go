package token_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
)

// pairs are the algorithms with a public half.
func pairs() []token.Algorithm {
	return []token.Algorithm{token.ES256, token.Ed25519, token.RS256}
}

// joseName is the algorithm in a header, as these tests know it from the RFCs.
func joseName(a token.Algorithm) string {
	if a == token.Ed25519 {
		return "EdDSA"
	}
	return string(a)
}

// signerOf is one key for each algorithm: an RSA key takes long to make.
var signerOf = func() func(a token.Algorithm) crypto.Signer {
	made := map[token.Algorithm]func() crypto.Signer{}
	for _, a := range pairs() {
		made[a] = sync.OnceValue(func() crypto.Signer { return newSigner(a) })
	}
	return func(a token.Algorithm) crypto.Signer { return made[a]() }
}()

func newSigner(a token.Algorithm) crypto.Signer {
	pkcs8, err := token.NewSecret(a)
	if err != nil {
		panic(err)
	}
	key, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		panic(err)
	}
	return key.(crypto.Signer)
}

func pairKey(tb testing.TB, a token.Algorithm, signer crypto.Signer) token.Key {
	tb.Helper()
	pkcs8, err := x509.MarshalPKCS8PrivateKey(signer)
	require.NoError(tb, err)
	pair, err := token.ParseKeyPair(a, pkcs8)
	require.NoError(tb, err)
	return token.Key{ID: "access-1", Pair: pair}
}

// signWith signs without our code.
func signWith(signer crypto.Signer, signed string) []byte {
	digest := sha256.Sum256([]byte(signed))
	var signature []byte
	var err error
	switch key := signer.(type) {
	case *ecdsa.PrivateKey:
		r, s, e := ecdsa.Sign(rand.Reader, key, digest[:])
		if err = e; err == nil {
			if n := elliptic.P256().Params().N; new(big.Int).Lsh(s, 1).Cmp(n) > 0 {
				s.Sub(n, s)
			}
			signature = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		}
	case ed25519.PrivateKey:
		signature = ed25519.Sign(key, []byte(signed))
	case *rsa.PrivateKey:
		signature, err = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	}
	if err != nil {
		panic(err)
	}
	return signature
}

func forgeWith(signer crypto.Signer, header, claims string) string {
	signed := encode([]byte(header)) + "." + encode([]byte(claims))
	return signed + "." + encode(signWith(signer, signed))
}

// publicClaims are claims of a token that a pair signs.
func publicClaims(changes ...string) string {
	client := `"` + audience + `"`
	if i := slices.Index(changes, "client_id"); i >= 0 {
		client = changes[i+1]
	}
	text := claims(changes...)
	if client == "" {
		return text
	}
	return strings.TrimSuffix(text, "}") + `,"client_id":` + client + "}"
}

func publicHeader(a token.Algorithm) string {
	return header(`"`+joseName(a)+`"`, `"access-1"`, `"at+jwt"`)
}

// TestPairAttacks_startFromAValidToken: the tables mean nothing otherwise.
func TestPairAttacks_startFromAValidToken(t *testing.T) {
	t.Parallel()
	for _, a := range pairs() {
		key := pairKey(t, a, signerOf(a))
		for _, typ := range []string{`"at+jwt"`, `"JWT"`} {
			text := forgeWith(signerOf(a), header(`"`+joseName(a)+`"`, `"access-1"`, typ), publicClaims())
			got, err := token.ParseAccess(text, only(key), expect())
			require.NoError(t, err, "%s %s", a, typ)
			require.Equal(t, "007", got.UserID)
			require.True(t, token.LooksLikeAccess(text))
			_, err = token.Identify(text, only(key), issuer, []string{audience})
			require.NoError(t, err)
		}
	}
}

// JWT-11: whatever a header says, the key decides.
func TestPairAttacks_areRefused(t *testing.T) {
	t.Parallel()
	for _, a := range pairs() {
		key := pairKey(t, a, signerOf(a))
		rows := slices.Concat(pairHeaderAttacks(a), pairKeyAttacks(t, a), pairClaimAttacks(a), pairSignatureAttacks(t, a))
		require.Greater(t, len(rows), 60)
		for _, row := range rows {
			t.Run(string(a)+"/"+row.name, func(t *testing.T) {
				t.Parallel()
				got, err := token.ParseAccess(row.text, only(key), expect())
				require.ErrorIs(t, err, row.want)
				require.Nil(t, got)
				_, err = token.Identify(row.text, only(key), issuer, []string{audience})
				require.ErrorIs(t, err, row.want)
				c := token.NewCache[struct{}](1 << 20)
				_, _, err = c.ParseAccess(row.text, only(key), expect())
				require.ErrorIs(t, err, row.want)
			})
		}
	}
}

// pairHeaderAttacks are headers that are not ours, rightly signed.
func pairHeaderAttacks(a token.Algorithm) []attack {
	alg, kid, typ := `"`+joseName(a)+`"`, `"access-1"`, `"at+jwt"`
	good := publicHeader(a)
	foreign, malformed := errors.ErrTokenForeign, errors.ErrTokenMalformed
	rows := []attack{
		{"alg missing", `{"kid":"access-1","typ":"at+jwt"}`, foreign},
		{"alg in other case", header(`"`+swapCase(joseName(a))+`"`, kid, typ), foreign},
		{"alg array", header("["+alg+"]", kid, typ), foreign},
		{"alg twice", `{"alg":"none",` + good[1:], foreign},
		{"alg in other case too", `{"ALG":"none",` + good[1:], foreign},
		{"kid missing", `{"alg":` + alg + `,"typ":"at+jwt"}`, foreign},
		{"kid empty", header(alg, `""`, typ), malformed},
		{"kid a path", header(alg, `"../../dev/null"`, typ), malformed},
		{"kid SQL", header(alg, `"' OR 1=1 --"`, typ), malformed},
		{"kid too long", header(alg, `"`+strings.Repeat("k", 33)+`"`, typ), malformed},
		{"kid null", header(alg, `null`, typ), foreign},
		{"typ missing", `{"alg":` + alg + `,"kid":"access-1"}`, foreign},
		{"with trailing data", good + "{}", foreign},
		{"with a space", strings.Replace(good, ":", ": ", 1), foreign},
		{"in another order", `{"typ":"at+jwt","alg":` + alg + `,"kid":"access-1"}`, foreign},
	}
	for _, other := range []string{
		"none", "NoNe", "", "HS384", "HS512", "ES384", "ES512", "ES256K", "PS256", "RS384", "RS512", "Ed25519", "Ed448", "ES256 ",
	} {
		rows = append(rows, attack{"alg " + other, header(`"`+other+`"`, kid, typ), foreign})
	}
	for _, other := range []string{
		"sessionkit+jwt", "application/at+jwt", "AT+JWT", "jwt", "Jwt", "id_token+jwt", "logout+jwt", "dpop+jwt", "",
	} {
		rows = append(rows, attack{"typ " + other, header(alg, kid, `"`+other+`"`), foreign})
	}
	for _, member := range []string{
		`"jwk":{"kty":"oct","k":"AAAA"}`, `"jku":"https://evil.example"`, `"x5u":"https://evil.example"`,
		`"x5c":["AAAA"]`, `"crit":["exp"]`, `"b64":false`, `"zip":"DEF"`, `"cty":"JWT"`,
	} {
		rows = append(rows,
			attack{"header with " + member, strings.TrimSuffix(good, "}") + "," + member + "}", foreign},
			attack{"header led by " + member, "{" + member + "," + good[1:], foreign})
	}
	for i := range rows {
		rows[i].text = forgeWith(signerOf(a), rows[i].text, publicClaims())
	}
	unsigned := encode([]byte(publicClaims())) + "."
	return append(rows,
		attack{"alg none, no signature", encode([]byte(header(`"none"`, kid, typ))) + "." + unsigned, foreign},
		attack{"no signature", encode([]byte(good)) + "." + unsigned, malformed})
}

func swapCase(s string) string {
	if lower := strings.ToLower(s); lower != s {
		return lower
	}
	return strings.ToUpper(s)
}

// pairKeyAttacks make one key pass for one of another algorithm (RFC 8725,
// section 2.1). Everybody has the public half.
func pairKeyAttacks(t *testing.T, a token.Algorithm) []attack {
	t.Helper()
	public := signerOf(a).Public()
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	secrets := map[string][]byte{
		"DER": der,
		"PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
	}
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		secrets["point"], err = key.Bytes()
		require.NoError(t, err)
		secrets["x"] = secrets["point"][1:33]
	case ed25519.PublicKey:
		secrets["x"] = key
	case *rsa.PublicKey:
		secrets["n"] = key.N.Bytes()
		secrets["PKCS #1"] = x509.MarshalPKCS1PublicKey(key)
	}
	secrets["without its line feed"] = bytes.TrimSpace(secrets["PEM"])
	var rows []attack
	for name, secret := range secrets {
		rows = append(rows,
			attack{"public key as a secret: " + name, forge(goodHeader, claims(), secret), errors.ErrTokenForeign},
			attack{"public key as a secret, own header: " + name, forge(publicHeader(a), publicClaims(), secret), wantBySize(token.HS256, a, errors.ErrTokenForged)},
		)
	}
	for _, other := range pairs() {
		stranger := forgeWith(newSigner(other), publicHeader(a), publicClaims())
		rows = append(rows, attack{"signed by a key of " + string(other), stranger, wantBySize(other, a, errors.ErrTokenForged)})
		if other != a {
			claimed := forgeWith(signerOf(a), publicHeader(other), publicClaims())
			rows = append(rows, attack{"said to be " + string(other), claimed, wantBySize(a, other, errors.ErrTokenForeign)})
			honest := forgeWith(signerOf(other), publicHeader(other), publicClaims())
			rows = append(rows, attack{"of " + string(other) + " under this key's id", honest, errors.ErrTokenForeign})
		}
	}
	unknown := header(`"`+joseName(a)+`"`, `"other"`, `"at+jwt"`)
	return append(rows, attack{"unknown key", forgeWith(signerOf(a), unknown, publicClaims()), errors.ErrKeyUnknown})
}

// wantBySize is want where signatures of the two algorithms have one length.
func wantBySize(signed, said token.Algorithm, want error) error {
	size := map[token.Algorithm]int{token.HS256: 32, token.ES256: 64, token.Ed25519: 64, token.RS256: 256}
	if size[signed] != size[said] {
		return errors.ErrTokenMalformed
	}
	return want
}

func pairClaimAttacks(a token.Algorithm) []attack {
	foreign, malformed := errors.ErrTokenForeign, errors.ErrTokenMalformed
	rows := []attack{
		{"another issuer", publicClaims("iss", `"https://app.example.evil"`), foreign},
		{"issuer with a slash", publicClaims("iss", `"`+issuer+`/"`), foreign},
		{"another audience", publicClaims("aud", `"other"`, "client_id", `"other"`), foreign},
		{"another audience alone", publicClaims("aud", `"other"`), malformed},
		{"audience array", publicClaims("aud", `["app"]`), malformed},
		{"another client", publicClaims("client_id", `"other"`), malformed},
		{"client missing", publicClaims("client_id", ""), malformed},
		{"client empty", publicClaims("client_id", `""`), malformed},
		{"client array", publicClaims("client_id", `["app"]`), malformed},
		{"client null", publicClaims("client_id", `null`), malformed},
		{"client twice", strings.TrimSuffix(publicClaims(), "}") + `,"client_id":"app"}`, malformed},
		{"client in other case", publicClaims("client_id", `"app","Client_ID":"x"`), malformed},
		{"sub empty", publicClaims("sub", `""`), malformed},
		{"exp twice", strings.TrimSuffix(publicClaims(), "}") + `,"exp":9999999999}`, malformed},
		{"no claims", "{}", malformed},
		{"not JSON", "\xff", malformed},
	}
	for i := range rows {
		rows[i].text = forgeWith(signerOf(a), publicHeader(a), rows[i].text)
	}
	return rows
}

// pairSignatureAttacks are other texts, or other signatures, for what is signed.
func pairSignatureAttacks(t *testing.T, a token.Algorithm) []attack {
	t.Helper()
	good := forgeWith(signerOf(a), publicHeader(a), publicClaims())
	signed := good[:strings.LastIndexByte(good, '.')]
	signature := signWith(signerOf(a), signed)
	digest := sha256.Sum256([]byte(signed))
	forged, malformed := errors.ErrTokenForged, errors.ErrTokenMalformed
	with := func(b []byte) string { return signed + "." + encode(b) }
	rows := []attack{
		{"zeros", with(make([]byte, len(signature))), forged},
		{"ones", with(bytes.Repeat([]byte{0xff}, len(signature))), forged},
		{"short by one", with(signature[1:]), malformed},
		{"long by one", with(append([]byte{0}, signature...)), malformed},
		{"empty", signed + ".", malformed},
		{"padded", good + "=", malformed},
		{"trailing bits", good[:len(good)-1] + sibling(good[len(good)-1]), malformed},
		{"claims exchanged", strings.Split(good, ".")[0] + "." + encode([]byte(publicClaims("sub", `"admin"`))) + "." + encode(signature), forged},
	}
	switch key := signerOf(a).(type) {
	case *ecdsa.PrivateKey:
		n := elliptic.P256().Params().N
		high := slices.Clone(signature)
		new(big.Int).Sub(n, new(big.Int).SetBytes(signature[32:])).FillBytes(high[32:])
		der, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
		require.NoError(t, err)
		rn := slices.Concat(n.FillBytes(make([]byte, 32)), signature[32:])
		one := slices.Concat(signature[:32], big.NewInt(1).FillBytes(make([]byte, 32)))
		rows = append(rows, attack{"n - s", with(high), forged}, attack{"DER", with(der), malformed},
			attack{"r of n", with(rn), forged}, attack{"s of 1", with(one), forged})
	case ed25519.PrivateKey:
		order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
		s := slices.Clone(signature[32:])
		slices.Reverse(s)
		more := new(big.Int).Add(new(big.Int).SetBytes(s), order).FillBytes(make([]byte, 32))
		slices.Reverse(more)
		rows = append(rows, attack{"s plus the order", with(append(signature[:32:32], more...)), forged})
	case *rsa.PrivateKey:
		pss, err := rsa.SignPSS(rand.Reader, key, crypto.SHA256, digest[:], nil)
		require.NoError(t, err)
		long := crypto.SHA512.New()
		long.Write([]byte(signed))
		other, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA512, long.Sum(nil))
		require.NoError(t, err)
		rows = append(rows, attack{"PSS", with(pss), forged}, attack{"RS512", with(other), forged},
			attack{"n", with(key.N.Bytes()), forged}, attack{"1", with(big.NewInt(1).FillBytes(make([]byte, 256))), forged})
	}
	return rows
}

// A header of a pair's algorithm makes no pair of a secret.
func TestPairAttacks_onASecret(t *testing.T) {
	t.Parallel()
	for _, a := range pairs() {
		for _, typ := range []string{`"at+jwt"`, `"JWT"`} {
			h := header(`"`+joseName(a)+`"`, `"access-1"`, typ)
			_, err := token.ParseAccess(forgeWith(newSigner(a), h, publicClaims()), only(accessKey), expect())
			require.ErrorIs(t, err, errors.ErrTokenForeign)
		}
	}
	// client_id is a claim of tokens that pairs sign.
	_, err := token.ParseAccess(forge(goodHeader, publicClaims(), accessKey.Secret), only(accessKey), expect())
	require.ErrorIs(t, err, errors.ErrTokenMalformed)
}

// Every single bit of a token counts.
func TestPairAttacks_flippedBits(t *testing.T) {
	t.Parallel()
	for _, a := range pairs() {
		key := pairKey(t, a, signerOf(a))
		text := mustSign(t, access(), key)
		for i := range len(text) {
			changed := []byte(text)
			changed[i] ^= 1 << (i % 7)
			_, err := token.ParseAccess(string(changed), only(key), expect())
			require.Error(t, err, "%s: byte %d", a, i)
		}
	}
}
