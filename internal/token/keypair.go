package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"math/big"
	"slices"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/redact"
)

// rsaBits is the size of RSA keys. NIST SP 800-57 grants it until 2030, and keys
// here live for days; a larger one would not leave a cookie much for the payload.
const rsaBits = 2048

// KeyPair signs with its private half, and verifies with its public one. It
// shows nothing of either.
type KeyPair struct {
	redact.As[keyPairText]

	algorithm Algorithm
	private   crypto.Signer // nil: it only verifies
	public    crypto.PublicKey
	// fingerprint is the hash of the public half: what tells two pairs apart.
	fingerprint [sha256.Size]byte
}

type keyPairText struct{}

func (keyPairText) String() string { return "[key pair]" }

// NewSecret makes the secret of a new key as a key row stores it: 32 random
// bytes of a symmetric one, PKCS #8 (RFC 5958) of a pair.
func NewSecret(a Algorithm) ([]byte, error) {
	var private any
	var err error
	switch a {
	case ES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case Ed25519:
		_, private, err = ed25519.GenerateKey(rand.Reader)
	case RS256:
		private, err = rsa.GenerateKey(rand.Reader, rsaBits)
	default:
		secret := random32()
		return secret[:], nil
	}
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKCS8PrivateKey(private)
}

// errOtherKey is about a key that is not of the algorithm that it is said to be.
// It tells nothing of the key.
var errOtherKey = errors.New("secret is no PKCS #8 key of the algorithm")

// ParseKeyPair reads what [NewSecret] made for a. The error tells no bytes.
func ParseKeyPair(a Algorithm, pkcs8 []byte) (*KeyPair, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return nil, errOtherKey
	}
	private, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, errOtherKey
	}
	pair, err := NewPublicKey(a, private.Public())
	if err != nil {
		return nil, errOtherKey
	}
	pair.private = private
	return pair, nil
}

// NewPublicKey makes a pair that only verifies. It refuses a key of another
// kind, curve or size than a's.
func NewPublicKey(a Algorithm, public crypto.PublicKey) (*KeyPair, error) {
	ok := false
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		ok = a == ES256 && key.Curve == elliptic.P256()
	case ed25519.PublicKey:
		ok = a == Ed25519 && len(key) == ed25519.PublicKeySize
	case *rsa.PublicKey:
		ok = a == RS256 && key.N.BitLen() == rsaBits && key.E == 1<<16+1
	}
	if !ok {
		return nil, errOtherKey
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, errOtherKey
	}
	return &KeyPair{algorithm: a, public: public, fingerprint: sha256.Sum256(der)}, nil
}

// Public is the public half.
func (p *KeyPair) Public() crypto.PublicKey { return p.public }

// sign signs text with the private half.
func (p *KeyPair) sign(text string) ([]byte, error) {
	signature, err := p.algorithm.method().Sign(text, p.private)
	if err == nil && p.algorithm == ES256 && !lowS(signature) {
		negateS(signature)
	}
	return signature, err
}

// verifies reports whether signature is that of text.
func (p *KeyPair) verifies(text string, signature []byte) bool {
	if p.algorithm == ES256 && !lowS(signature) {
		return false
	}
	// A copy, so that the caller's bytes need not be on the heap: a secret's
	// signature, the usual one, is verified without.
	return p.algorithm.method().Verify(text, slices.Clone(signature), p.public) == nil
}

// lowS reports whether the second half of an ES256 signature (r, s) is the
// smaller one of s and n - s. Both verify: whoever has a token could make a
// second text of it without the key. Ours always has the smaller, and anything
// else is not ours. Other verifiers take either.
func lowS(signature []byte) bool {
	s := new(big.Int).SetBytes(signature[len(signature)/2:])
	return s.Lsh(s, 1).Cmp(elliptic.P256().Params().N) <= 0
}

// negateS replaces s by n - s.
func negateS(signature []byte) {
	half := signature[len(signature)/2:]
	s := new(big.Int).SetBytes(half)
	s.Sub(elliptic.P256().Params().N, s).FillBytes(half)
}
