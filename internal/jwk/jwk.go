// Package jwk writes and reads public keys as other services do: a JWK Set (RFC
// 7517). No secret has a place in it, by type.
package jwk

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
)

// set is a JWK Set.
type set struct {
	Keys []key `json:"keys"`
}

// key has the members of all three kinds (RFC 7518, section 6; RFC 8037, section 2).
type key struct {
	Kty string `json:"kty"`
	Use string `json:"use,omitempty"`
	Alg string `json:"alg,omitempty"`
	Kid string `json:"kid"`
	Crv string `json:"crv,omitempty"`
	X   string `json:"x,omitempty"`
	Y   string `json:"y,omitempty"`
	N   string `json:"n,omitempty"`
	E   string `json:"e,omitempty"`
	// D is there to be noticed: the private half.
	D string `json:"d,omitempty"`
}

// Public is one key.
type Public struct {
	ID  string
	Key crypto.PublicKey
}

// Encode writes a set of keys of our three algorithms.
func Encode(keys []Public) ([]byte, error) {
	out := set{Keys: []key{}}
	for _, k := range keys {
		encoded, err := encode(k)
		if err != nil {
			return nil, err
		}
		out.Keys = append(out.Keys, encoded)
	}
	return json.Marshal(out)
}

func encode(k Public) (key, error) {
	text := base64.RawURLEncoding.EncodeToString
	out := key{Use: "sig", Kid: k.ID}
	switch public := k.Key.(type) {
	case *ecdsa.PublicKey:
		point, err := public.Bytes()
		if err != nil || public.Curve != elliptic.P256() {
			return key{}, fmt.Errorf("key %q is of no curve of ours", k.ID)
		}
		out.Kty, out.Alg, out.Crv = "EC", "ES256", "P-256"
		out.X, out.Y = text(point[1:33]), text(point[33:])
	case ed25519.PublicKey:
		// EdDSA and not Ed25519, as in the headers: see package token.
		out.Kty, out.Alg, out.Crv, out.X = "OKP", "EdDSA", "Ed25519", text(public)
	case *rsa.PublicKey:
		out.Kty, out.Alg = "RSA", "RS256"
		out.N, out.E = text(public.N.Bytes()), text(big.NewInt(int64(public.E)).Bytes())
	default:
		return key{}, fmt.Errorf("key %q is of no kind of ours", k.ID)
	}
	return out, nil
}

// Decode reads a set. Keys of another kind or for another use are left out, as
// RFC 7517, section 5, has it. Ids that are there twice, and a private half, make
// the whole set none: nobody can say what its author meant.
func Decode(data []byte) (map[string]token.Key, error) {
	var in set
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, errors.New("no JWK Set")
	}
	seen, keys := make(map[string]bool, len(in.Keys)), make(map[string]token.Key, len(in.Keys))
	for _, k := range in.Keys {
		switch {
		case k.D != "":
			return nil, errors.New("JWK Set with a private key")
		case seen[k.Kid]:
			return nil, errors.New("JWK Set with a key id twice")
		}
		seen[k.Kid] = true
		if k.Use != "" && k.Use != "sig" || !token.ValidKeyID(k.Kid) {
			continue
		}
		if pair, ok := k.pair(); ok {
			keys[k.Kid] = token.Key{ID: k.Kid, Pair: pair}
		}
	}
	return keys, nil
}

// pair is the key, if it is of ours, and of the algorithm that it says.
func (k key) pair() (*token.KeyPair, bool) {
	var public crypto.PublicKey
	var algorithm token.Algorithm
	x, errX := base64.RawURLEncoding.DecodeString(k.X + k.N)
	y, errY := base64.RawURLEncoding.DecodeString(k.Y + k.E)
	if errX != nil || errY != nil {
		return nil, false
	}
	switch {
	case k.Kty == "EC" && k.Crv == "P-256" && says(k.Alg, "ES256") && len(x) == 32 && len(y) == 32:
		point, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
		if err != nil {
			return nil, false
		}
		algorithm, public = token.ES256, point
	case k.Kty == "OKP" && k.Crv == "Ed25519" && (says(k.Alg, "EdDSA") || k.Alg == "Ed25519"):
		algorithm, public = token.Ed25519, ed25519.PublicKey(x)
	case k.Kty == "RSA" && says(k.Alg, "RS256") && len(y) <= 4:
		algorithm, public = token.RS256, &rsa.PublicKey{N: new(big.Int).SetBytes(x), E: int(new(big.Int).SetBytes(y).Int64())}
	default:
		return nil, false
	}
	pair, err := token.NewPublicKey(algorithm, public)
	return pair, err == nil
}

// says reports whether alg, which may be absent, is the wanted one.
func says(alg, want string) bool { return alg == "" || alg == want }
