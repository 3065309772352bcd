package models

import (
	"fmt"
	"log/slog"

	"github.com/gin-sessionkit/sessionkit/internal/redact"
)

// KeyPurpose keeps keys of different use apart: none is ever used for two.
type KeyPurpose string

// The purposes of the kit's own keys.
const (
	// KeyForAccess signs access tokens.
	KeyForAccess KeyPurpose = "access"
	// KeyForRefresh authenticates refresh tokens.
	KeyForRefresh KeyPurpose = "refresh"
	// KeyForDevice authenticates device cookies, of which no access follows.
	KeyForDevice KeyPurpose = "device"
)

// SigningKey is one row of the signing keys table. Rows are inserted once and
// never change, with two exceptions: RetireAt may move to an earlier time, and
// a secret that was stored in clear may be replaced by its encrypted form.
type SigningKey struct {
	// ID is the kid: 1 to 32 characters of A-Z a-z 0-9 _ -.
	ID string `gorm:"column:id;primaryKey"`
	// Purpose and Slot are unique together: one key per purpose and period,
	// whoever inserts first. Slot is the start of the period in milliseconds.
	Purpose KeyPurpose `gorm:"column:purpose"`
	Slot    int64      `gorm:"column:slot"`
	// Algorithm names the use of the secret: HS256, ES256, Ed25519 or RS256 of access
	// tokens, HMAC-SHA256 of all others.
	Algorithm string `gorm:"column:algorithm"`
	// Secret is the key, of a pair its private half by PKCS #8, encrypted when the
	// service has a key-encryption key.
	Secret []byte `gorm:"column:secret"`

	// CreatedAt is when the row was made, for an operator to see.
	CreatedAt int64 `gorm:"column:created_at;autoCreateTime:false"`
	// ActiveFrom is the time from which the key may sign. Until then it only
	// verifies.
	ActiveFrom int64 `gorm:"column:active_from"`
	// RetireAt is the time from which the key no longer verifies.
	RetireAt int64 `gorm:"column:retire_at"`
}

var _ redact.Hidden = SigningKey{}

// String leaves the secret out.
func (k SigningKey) String() string {
	return fmt.Sprintf("SigningKey{id %s, purpose %s, slot %d}", k.ID, k.Purpose, k.Slot)
}

// MarshalText gives JSON and other text encoders what String says.
func (k SigningKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Format leaves the secret out of every verb.
func (k SigningKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(k.String())) }

// LogValue implements [slog.LogValuer].
func (k SigningKey) LogValue() slog.Value { return slog.StringValue(k.String()) }
