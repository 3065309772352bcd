package jwk_test

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/internal/jwk"
	"github.com/gin-sessionkit/sessionkit/internal/token"
)

// signer makes a key.
func signer(tb testing.TB, a token.Algorithm) crypto.Signer {
	tb.Helper()
	pkcs8, err := token.NewSecret(a)
	require.NoError(tb, err)
	key, err := x509.ParsePKCS8PrivateKey(pkcs8)
	require.NoError(tb, err)
	return key.(crypto.Signer)
}

func TestEncode_isReadAgain(t *testing.T) {
	t.Parallel()
	var keys []jwk.Public
	algorithms := []token.Algorithm{token.ES256, token.Ed25519, token.RS256}
	for _, a := range algorithms {
		keys = append(keys, jwk.Public{ID: string(a), Key: signer(t, a).Public()})
	}
	data, err := jwk.Encode(keys)
	require.NoError(t, err)
	require.NotContains(t, string(data), `"d":`)
	read, err := jwk.Decode(data)
	require.NoError(t, err)
	require.Len(t, read, 3)
	for i, a := range algorithms {
		require.Equal(t, a, read[string(a)].Algorithm())
		require.Equal(t, keys[i].Key, read[string(a)].Pair.Public())
	}
	none, err := jwk.Encode(nil)
	require.NoError(t, err)
	require.JSONEq(t, `{"keys":[]}`, string(none))
}

// Nothing but the three kinds of public key has a form.
func TestEncode_refuses(t *testing.T) {
	t.Parallel()
	for _, key := range []crypto.PublicKey{[]byte("a secret of thirty-two bytes ....."), "text", nil, signer(t, token.ES256), signer(t, token.RS256)} {
		_, err := jwk.Encode([]jwk.Public{{ID: "k", Key: key}})
		require.Error(t, err)
		require.NotContains(t, err.Error(), "secret")
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	one, err := jwk.Encode([]jwk.Public{{ID: "k", Key: signer(t, token.ES256).Public()}})
	require.NoError(t, err)
	good := strings.TrimSuffix(strings.TrimPrefix(string(one), `{"keys":[`), `]}`)
	other := strings.Replace(good, `"kid":"k"`, `"kid":"other"`, 1)
	for _, row := range []struct {
		name, keys string
		n          int // of keys read; -1: none at all
	}{
		{"one", good, 1},
		{"two", good + "," + other, 2},
		{"an id twice", good + "," + good, -1},
		{"an id twice, once of another kind", good + `,{"kty":"oct","k":"AAAA","kid":"k"}`, -1},
		{"a private half", good + "," + strings.Replace(other, `"x"`, `"d":"AAAA","x"`, 1), -1},
		{"a secret", `{"kty":"oct","k":"` + strings.Repeat("A", 43) + `","kid":"k","alg":"HS256"}`, 0},
		{"for encryption", strings.Replace(good, `"sig"`, `"enc"`, 1), 0},
		{"no id", strings.Replace(good, `"k"`, `""`, 1), 0},
		{"a malformed id", strings.Replace(good, `"kid":"k"`, `"kid":"../k"`, 1), 0},
		{"another algorithm", strings.Replace(good, "ES256", "ES384", 1), 0},
		{"HS256 said", strings.Replace(good, "ES256", "HS256", 1), 0},
		{"another curve", strings.Replace(good, "P-256", "P-384", 1), 0},
		{"a point off the curve", fmt.Sprintf(`{"kty":"EC","crv":"P-256","kid":"k","x":"%s","y":"%s"}`, strings.Repeat("A", 43), strings.Repeat("B", 42)+"A"), 0},
		{"RSA of 1,024 bits", `{"kty":"RSA","kid":"k","n":"` + strings.Repeat("_", 170) + `8","e":"AQAB"}`, 0},
		{"RSA with exponent 3", `{"kty":"RSA","kid":"k","n":"` + strings.Repeat("_", 341) + `w","e":"Aw"}`, 0},
		{"Ed25519, short", `{"kty":"OKP","crv":"Ed25519","kid":"k","x":"AAAA"}`, 0},
		{"Ed25519, fully named", `{"kty":"OKP","crv":"Ed25519","alg":"Ed25519","kid":"k","x":"` + strings.Repeat("A", 43) + `"}`, 1},
		{"members that nobody knows", strings.Replace(good, `"kid"`, `"later":{"a":[1]},"kid"`, 1), 1},
		{"null", "null", 0},
		{"no object", "7", -1},
		{"none", "", 0},
	} {
		keys, err := jwk.Decode([]byte(`{"keys":[` + row.keys + `]}`))
		require.Equal(t, row.n < 0, err != nil, row.name)
		require.Len(t, keys, max(row.n, 0), row.name)
	}
	for _, text := range []string{"", "[]", "x", `{"keys":{}}`, `{"keys":[`} {
		_, err := jwk.Decode([]byte(text))
		require.Error(t, err, text)
	}
}
