package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"strings"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

const (
	kekSize    = 32
	secretSize = 32

	// The first byte of a stored secret says what follows. Zero is no form, so
	// that a blank column is not mistaken for one.
	formClear  = 1 // the secret
	formSealed = 2 // nonce (12 bytes), ciphertext, tag (16 bytes): AES-256-GCM
)

// vault turns secrets into what is stored, and back.
type vault struct {
	keks []cipher.AEAD // the first encrypts, all decrypt
}

func newVault(keys [][]byte) (*vault, error) {
	v := &vault{}
	for i, key := range keys {
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, errors.WithReason(errors.ErrConfig, fmt.Errorf("key-encryption key %d: %w", i, err))
		}
		kek, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, errors.WithReason(errors.ErrConfig, fmt.Errorf("key-encryption key %d: %w", i, err))
		}
		v.keks = append(v.keks, kek)
	}
	return v, nil
}

func (v *vault) encrypts() bool { return len(v.keks) > 0 }

// lock returns the stored form of k's secret.
func (v *vault) lock(k models.SigningKey) []byte {
	if !v.encrypts() {
		return append([]byte{formClear}, k.Secret...)
	}
	return v.keks[0].Seal([]byte{formSealed}, nil, k.Secret, boundTo(k)) //nolint:gosec // the AEAD draws a random nonce itself
}

// unlock returns the secret that k stores, a copy, and whether it was encrypted.
func (v *vault) unlock(k models.SigningKey) (secret []byte, encrypted bool, err error) {
	if len(k.Secret) == 0 {
		return nil, false, errors.New("secret is empty")
	}
	stored := k.Secret[1:]
	switch k.Secret[0] {
	case formClear:
		return append([]byte(nil), stored...), false, nil
	case formSealed:
		for _, kek := range v.keks {
			if secret, err := kek.Open(nil, nil, stored, boundTo(k)); err == nil {
				return secret, true, nil
			}
		}
		return nil, true, errors.New("no key-encryption key opens the secret")
	default:
		return nil, false, errors.New("secret is stored in an unknown form")
	}
}

// boundTo is the additional data that ties a ciphertext to its row, so that
// nobody with write access to the table can move it to another. A zero byte
// separates: purpose and id hold none, and the version is the last.
func boundTo(k models.SigningKey) []byte {
	return []byte(strings.Join([]string{"sessionkit signing key", string(k.Purpose), k.ID, string(rune(formSealed))}, "\x00"))
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
