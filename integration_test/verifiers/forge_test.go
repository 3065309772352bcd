//go:build verifiers

package verifiers_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/internal/jwk"
	"github.com/gin-sessionkit/sessionkit/jwks"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

const issuer, audience = "https://app.example", "app"

// anotherType is the attack that only some see.
const anotherType = "another type"

// forge makes the tokens of one algorithm, with the private key of the service: what an
// attacker has not, but another kind of token of the same service would be signed by.
type forge struct {
	t       *testing.T
	name    string
	method  jwt.SigningMethod
	svc     *session.Service
	kid     string
	private crypto.PrivateKey
	public  crypto.PublicKey
	// fresh and renewed are tokens as a sign-in and a refresh give them.
	fresh, renewed *session.Tokens
	claims         jwt.MapClaims // of fresh
}

func newForge(t *testing.T, a session.Algorithm) *forge {
	t.Helper()
	store := memstore.New()
	f := &forge{t: t, svc: newService(t, store, a)}
	f.fresh, f.renewed = f.signIn(f.svc)
	keys, err := store.Keys(t.Context(), time.Now().UnixMilli())
	require.NoError(t, err)
	for _, key := range keys {
		if key.Purpose == models.KeyForAccess {
			f.kid = key.ID
			// Behind the byte that says it lies there in clear.
			f.private, err = x509.ParsePKCS8PrivateKey(key.Secret[1:])
			require.NoError(t, err)
		}
	}
	switch private := f.private.(type) {
	case *ecdsa.PrivateKey:
		f.name, f.method, f.public = "ES256", jwt.SigningMethodES256, private.Public()
	case ed25519.PrivateKey:
		f.name, f.method, f.public = "Ed25519", jwt.SigningMethodEdDSA, private.Public()
	case *rsa.PrivateKey:
		f.name, f.method, f.public = "RS256", jwt.SigningMethodRS256, private.Public()
	}
	f.claims = jwt.MapClaims{}
	token, _, err := jwt.NewParser().ParseUnverified(f.fresh.Access.Value, f.claims)
	require.NoError(t, err)
	require.Equal(t, f.kid, token.Header["kid"])
	require.Equal(t, f.method.Alg(), token.Header["alg"])
	return f
}

func newService(t *testing.T, store session.Store, a session.Algorithm) *session.Service {
	t.Helper()
	svc, err := session.New(t.Context(), store, session.Config{
		Issuer: issuer, Audiences: []string{audience}, SigningKey: session.SigningKeyConfig{Algorithm: a}, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	t.Cleanup(svc.Close)
	return svc
}

func (f *forge) signIn(svc *session.Service) (fresh, renewed *session.Tokens) {
	fresh, err := svc.Create(f.t.Context(), "ada", session.WithPayload(map[string]any{"plan": "pro"}), session.Level(2), session.Authenticated("pwd", "otp"))
	require.NoError(f.t, err)
	renewed, err = svc.Refresh(f.t.Context(), fresh.Refresh.Value)
	require.NoError(f.t, err)
	return fresh, renewed
}

// sign makes a token; header and claims replace those of a good one.
func (f *forge) sign(method jwt.SigningMethod, key any, header map[string]any, claims jwt.MapClaims) string {
	all := maps.Clone(f.claims)
	maps.Copy(all, claims)
	token := jwt.NewWithClaims(method, all)
	token.Header["kid"], token.Header["typ"] = f.kid, "at+jwt"
	maps.Copy(token.Header, header)
	for {
		text, err := token.SignedString(key)
		require.NoError(f.t, err)
		if method != jwt.SigningMethodES256 || hasSmallS(text) {
			return text
		}
	}
}

// hasSmallS reports whether an ES256 signature is the one of its two forms that we write:
// docs/protocol.md.
func hasSmallS(text string) bool {
	signature, _ := base64.RawURLEncoding.DecodeString(text[strings.LastIndexByte(text, '.')+1:])
	s, half := new(big.Int).SetBytes(signature[32:]), new(big.Int).Rsh(elliptic.P256().Params().N, 1)
	return s.Cmp(half) <= 0
}

func isGood(name string) bool { return strings.HasPrefix(name, "good: ") }

// corpus is what is good, and every attack, by name.
func (f *forge) corpus() map[string]string {
	now := time.Now().Unix()
	good := f.fresh.Access.Value
	head, rest, _ := strings.Cut(good, ".")
	body, signature, _ := strings.Cut(rest, ".")
	ours := func(header map[string]any, claims jwt.MapClaims) string {
		return f.sign(f.method, f.private, header, claims)
	}
	tokens := map[string]string{
		"good: a sign-in's":   good,
		"good: a refresh's":   f.renewed.Access.Value,
		"good: made here too": ours(nil, nil), // or else the rest would show nothing
		"good: for two":       ours(nil, jwt.MapClaims{"aud": []string{audience, "billing"}}),

		anotherType:               ours(map[string]any{"typ": "secevent+jwt"}, nil),
		"another audience":        ours(nil, jwt.MapClaims{"aud": "other", "client_id": "other"}),
		"two other audiences":     ours(nil, jwt.MapClaims{"aud": []string{"other", "billing"}, "client_id": "other"}),
		"no audience":             ours(nil, jwt.MapClaims{"aud": nil}),
		"another issuer":          ours(nil, jwt.MapClaims{"iss": "https://evil.example"}),
		"no issuer":               ours(nil, jwt.MapClaims{"iss": nil}),
		"expired":                 ours(nil, jwt.MapClaims{"iat": now - 7200, "exp": now - 3600}),
		"an unknown key":          ours(map[string]any{"kid": "unknown"}, nil),
		"a changed signature":     head + "." + body + "." + flipped(signature),
		"no signature":            head + "." + body + ".",
		"changed claims":          head + "." + segment(f.t, f.claims, "sub", "eve") + "." + signature,
		"alg none":                f.sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil, nil),
		"alg none, other case":    f.sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, map[string]any{"alg": "nOnE"}, nil),
		"alg none, signed":        segment(f.t, map[string]any{"alg": "none", "kid": f.kid, "typ": "at+jwt"}, "", "") + "." + body + "." + signature,
		"the public key as PEM":   f.sign(jwt.SigningMethodHS256, f.publicPEM(), nil, nil),
		"the public key as DER":   f.sign(jwt.SigningMethodHS256, f.publicDER(), nil, nil),
		"the public key as JWK":   f.sign(jwt.SigningMethodHS256, f.publicJWK(), nil, nil),
		"an empty secret":         f.sign(jwt.SigningMethodHS256, []byte{}, nil, nil),
		"another key by its name": f.byAnother(false),
		"a key in the header":     f.byAnother(true),
	}
	hmac := newService(f.t, memstore.New(), session.HS256)
	fresh, _ := f.signIn(hmac)
	tokens["HS256, of ours"] = fresh.Access.Value
	tokens["HS256 by this key's name"] = f.sign(jwt.SigningMethodHS256, []byte("0123456789abcdef0123456789abcdef"), nil, nil)
	return tokens
}

// byAnother is a token of the same algorithm by an attacker's key, which may come with
// it (RFC 7515, section 4.1.3).
func (f *forge) byAnother(embedded bool) string {
	var key crypto.Signer
	var err error
	switch f.private.(type) {
	case *ecdsa.PrivateKey:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case ed25519.PrivateKey:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	require.NoError(f.t, err)
	header := map[string]any{}
	if embedded {
		set, err := jwk.Encode([]jwk.Public{{ID: f.kid, Key: key.Public()}})
		require.NoError(f.t, err)
		header["jwk"] = onlyKey(f.t, set)
	}
	return f.sign(f.method, key, header, nil)
}

func (f *forge) publicDER() []byte {
	der, err := x509.MarshalPKIXPublicKey(f.public)
	require.NoError(f.t, err)
	return der
}

func (f *forge) publicPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: f.publicDER()})
}

// publicJWK is the text of the key in the set.
func (f *forge) publicJWK() []byte {
	rec := httptest.NewRecorder()
	jwks.Handler(f.svc).ServeHTTP(rec, httptest.NewRequestWithContext(f.t.Context(), http.MethodGet, "/", nil))
	return onlyKey(f.t, rec.Body.Bytes())
}

func onlyKey(t *testing.T, text []byte) json.RawMessage {
	t.Helper()
	var set struct{ Keys []json.RawMessage }
	require.NoError(t, json.Unmarshal(text, &set))
	require.Len(t, set.Keys, 1)
	return set.Keys[0]
}

// flipped is a signature with its first byte changed.
func flipped(signature string) string {
	data, _ := base64.RawURLEncoding.DecodeString(signature)
	data[0] ^= 1
	return base64.RawURLEncoding.EncodeToString(data)
}

// segment is the JSON of an object, in which one member may be replaced.
func segment(t *testing.T, object map[string]any, member, value string) string {
	t.Helper()
	object = maps.Clone(object)
	if member != "" {
		object[member] = value
	}
	data, err := json.Marshal(object)
	require.NoError(t, err)
	return base64.RawURLEncoding.EncodeToString(data)
}
