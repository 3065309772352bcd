package token_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
)

// What a pair signs reads as it was, by its own code and by the standard library's.
func TestPairs_signAndVerify(t *testing.T) {
	t.Parallel()
	for _, a := range pairs() {
		key := pairKey(t, a, signerOf(a))
		require.Equal(t, a, key.Algorithm())
		public, err := token.NewPublicKey(a, signerOf(a).Public())
		require.NoError(t, err)
		for _, asJWT := range []bool{false, true} {
			typ := map[bool]string{false: `"at+jwt"`, true: `"JWT"`}[asJWT]
			for range 8 { // half of all ES256 signatures have to be put right
				claims := access()
				claims.AsJWT = asJWT
				text := mustSign(t, claims, key)
				part := strings.Split(text, ".")
				require.Equal(t, header(`"`+joseName(a)+`"`, `"access-1"`, typ), string(decode(t, part[0])))
				require.Contains(t, string(decode(t, part[1])), `"client_id":"`+audience+`"`)
				longest := access()
				require.LessOrEqual(t, len(text), longest.Lengthen(a))

				for _, keys := range []token.Keys{only(key), only(token.Key{ID: key.ID, Pair: public})} {
					got, err := token.ParseAccess(text, keys, expect())
					require.NoError(t, err)
					require.Equal(t, claims, got)
				}
			}
		}
		_, err = access().Sign(token.Key{ID: key.ID, Pair: public})
		require.ErrorIs(t, err, errors.ErrKeyUnknown, "a public key signs nothing")
	}
}

// A token that is remembered is good as long as its key is the same.
func TestPairs_cache(t *testing.T) {
	t.Parallel()
	for _, a := range pairs() {
		key := pairKey(t, a, signerOf(a))
		text := mustSign(t, promoted("one"), key)
		c := token.NewCache[struct{}](1 << 20)
		first, _, err := c.ParseAccess(text, only(key), expect())
		require.NoError(t, err)
		// A load of the keys makes new ones in memory.
		again, _, err := c.ParseAccess(text, only(pairKey(t, a, signerOf(a))), expect())
		require.NoError(t, err)
		require.Same(t, first, again)

		_, _, err = c.ParseAccess(text, only(pairKey(t, a, newSigner(a))), expect())
		require.ErrorIs(t, err, errors.ErrTokenForged)
		_, _, err = c.ParseAccess(text, only(accessKey), expect())
		require.ErrorIs(t, err, errors.ErrTokenForeign)
		secret := mustSign(t, promoted("two"), accessKey)
		_, _, err = c.ParseAccess(secret, only(accessKey), expect())
		require.NoError(t, err)
		_, _, err = c.ParseAccess(secret, only(key), expect())
		require.ErrorIs(t, err, errors.ErrTokenForeign)
	}
}

// What is stored is a key of its algorithm, or none.
func TestParseKeyPair_refuses(t *testing.T) {
	t.Parallel()
	stored := map[string][]byte{"HS256": accessKey.Secret, "empty": nil}
	for _, a := range pairs() {
		secret, err := token.NewSecret(a)
		require.NoError(t, err)
		stored[string(a)] = secret
	}
	curve, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	large, err := rsa.GenerateKey(rand.Reader, 3072)
	require.NoError(t, err)
	for name, key := range map[string]any{"P-384": curve, "RSA of 3,072 bits": large} {
		stored[name], err = x509.MarshalPKCS8PrivateKey(key)
		require.NoError(t, err)
	}
	for name, secret := range stored {
		for _, a := range append(pairs(), token.HS256, "none", "") {
			_, err := token.ParseKeyPair(a, secret)
			require.Equal(t, name == string(a) && a.Public(), err == nil, "%s as %s", name, a)
		}
	}
	for _, a := range pairs() {
		for i := range 40 {
			_, err := token.ParseKeyPair(a, stored[string(a)][:i])
			require.Error(t, err)
		}
	}
}

// A pair is no secret of any other token, and prints nothing.
func TestPairs_areNoSecrets(t *testing.T) {
	t.Parallel()
	for _, a := range pairs() {
		key := pairKey(t, a, signerOf(a))
		text, _ := token.NewRefresh(token.NewFamily(now), hashOf(1), 3, now).Seal(token.Key{ID: key.ID, Secret: accessKey.Secret}, issuer, audience)
		_, _, err := token.ParseRefresh(text, only(token.Key{ID: key.ID, Secret: accessKey.Secret}), issuer, audience)
		require.NoError(t, err)
		_, _, err = token.ParseRefresh(text, only(token.Key{ID: key.ID, Secret: accessKey.Secret, Pair: key.Pair}), issuer, audience)
		require.ErrorIs(t, err, errors.ErrKeyUnknown)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			require.NotContains(t, fmt.Sprintf(verb, key), "Pair")
			require.Equal(t, "[key pair]", fmt.Sprintf(verb, key.Pair))
		}
	}
}

func BenchmarkPairs(b *testing.B) {
	for _, a := range pairs() {
		key := pairKey(b, a, signerOf(a))
		text := mustSign(b, access(), key)
		b.Run(string(a)+" sign", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := access().Sign(key); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(string(a)+" parse", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := token.ParseAccess(text, only(key), expect()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
