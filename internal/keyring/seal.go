package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

const (
	kekSize = 32

	// The first byte of a stored secret says what follows, so that forms can
	// change while older rows are in use. Zero is none of them, so that a blank
	// column is not mistaken for one.
	formClear       = 1 // the secret
	formSealedFirst = 2 // as formSealed with less additional data: read, never written
	formSealed      = 3 // nonce (12 bytes), ciphertext, tag (16 bytes): AES-256-GCM
)

// errClearKey is the reason for refusing a row that anybody could have written.
var errClearKey = errors.New("signing key stored in clear although Encryption is set")

// sealer turns secrets into what is stored, and back. It has no state: what was
// sealed with one is opened with another of the same configuration.
type sealer struct {
	keks       []cipher.AEAD // key-encryption keys; the first encrypts, all decrypt
	allowClear bool
	issuer     string
}

func newSealer(cfg Config) (*sealer, error) {
	s := &sealer{allowClear: cfg.AllowClearKeys, issuer: cfg.Issuer}
	for i, key := range cfg.Encryption {
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, errors.WithReason(errors.ErrConfig, fmt.Errorf("key-encryption key %d: %w", i, err))
		}
		kek, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, errors.WithReason(errors.ErrConfig, fmt.Errorf("key-encryption key %d: %w", i, err))
		}
		s.keks = append(s.keks, kek)
	}
	return s, nil
}

func (s *sealer) encrypts() bool { return len(s.keks) > 0 }

// refusesClear reports whether rows in clear are refused. With encryption on, a
// row that opens proves that its author had a key-encryption key. A row in
// clear proves nothing: whoever can write the table could put in a key of his
// own with it, and sign in as anybody.
func (s *sealer) refusesClear() bool { return s.encrypts() && !s.allowClear }

// seal returns the stored form of k's secret.
func (s *sealer) seal(k models.SigningKey) []byte {
	if !s.encrypts() {
		return append([]byte{formClear}, k.Secret...)
	}
	return s.keks[0].Seal([]byte{formSealed}, nil, k.Secret, s.boundTo(k)) //nolint:gosec // the AEAD draws a random nonce itself
}

// unseal returns the secret that k stores, a copy, and whether it lay there in
// clear.
func (s *sealer) unseal(k models.SigningKey) (secret []byte, inClear bool, err error) {
	if len(k.Secret) == 0 {
		return nil, false, errors.New("secret is empty")
	}
	stored := k.Secret[1:]
	switch k.Secret[0] {
	case formClear:
		return append([]byte(nil), stored...), true, nil
	case formSealedFirst:
		if token.Algorithm(k.Algorithm).Public() {
			// That form does not bind the algorithm, and is older than pairs.
			return nil, false, errors.New("secret is stored in a form that no key pair had")
		}
		secret, err = s.open(stored, firstBoundTo(k))
	case formSealed:
		secret, err = s.open(stored, s.boundTo(k))
	default:
		err = errors.New("secret is stored in an unknown form")
	}
	return secret, false, err
}

// open tries all key-encryption keys. GCM authenticates, so a wrong one fails
// rather than giving a wrong secret. Which one it was is stored nowhere: there
// are few, and a load opens a handful of rows.
func (s *sealer) open(stored, data []byte) ([]byte, error) {
	for _, kek := range s.keks {
		if secret, err := kek.Open(nil, nil, stored, data); err == nil {
			return secret, nil
		}
	}
	return nil, errors.New("no key-encryption key opens the secret: it has another one, another Issuer, or was moved to this row")
}

// boundTo is the additional data that ties a ciphertext to its row and issuer:
// nobody with write access to the table can move a secret to another row, or
// make a key sign at another time. RetireAt is not in it, as Retire may move
// it. Each text comes after its length, so that no two rows give the same
// bytes.
func (s *sealer) boundTo(k models.SigningKey) []byte {
	data := []byte("sessionkit signing key v2\x00")
	for _, text := range [...]string{s.issuer, string(k.Purpose), k.ID, k.Algorithm} {
		data = binary.BigEndian.AppendUint64(data, uint64(len(text)))
		data = append(data, text...)
	}
	for _, n := range [...]int64{k.Slot, k.ActiveFrom} {
		data = binary.BigEndian.AppendUint64(data, uint64(n)) //nolint:gosec // any one-to-one form will do
	}
	return data
}

// firstBoundTo is the additional data of formSealedFirst. A zero byte
// separates: purpose and id hold none, and the version comes last. It binds
// neither the issuer nor the times, which is why nothing is written in that
// form any more.
func firstBoundTo(k models.SigningKey) []byte {
	return []byte(strings.Join([]string{"sessionkit signing key", string(k.Purpose), k.ID, string(rune(formSealedFirst))}, "\x00"))
}

// uniform reports whether all bytes are the same, as in a key that was never
// filled in.
func uniform(b []byte) bool {
	for _, c := range b {
		if c != b[0] {
			return false
		}
	}
	return true
}
