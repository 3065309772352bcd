package keyring

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/gin-sessionkit/sessionkit/internal/problems"
	"github.com/gin-sessionkit/sessionkit/internal/redact"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

// defaultWaitLimit is the default of session.Config.OperationTimeout, which the
// service passes as WaitLimit.
const defaultWaitLimit = 2 * time.Second

// Store is where the keys live. session.KeyStore has the promises that each
// method makes; it is declared once more so that this package lies below
// session.
type Store interface {
	Keys(ctx context.Context, now int64) ([]models.SigningKey, error)
	InsertKey(ctx context.Context, key models.SigningKey) error
	RetireKey(ctx context.Context, id string, at int64) (bool, error)
	SealKey(ctx context.Context, id string, read, sealed []byte) (bool, error)
	DeleteKeys(ctx context.Context, before int64) (int, error)
}

// Provider supplies the access keys in the store's place: the first signs, all
// verify. A call that hangs or fails leaves the keys of the last good one in
// use.
type Provider interface {
	Keys(ctx context.Context) ([]token.Key, error)
}

// Config configures a Ring.
type Config struct {
	// Schedules says which purposes the ring serves; at least one.
	Schedules []Schedule
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Encryption holds key-encryption keys of 32 bytes for AES-256-GCM. The
	// first encrypts, all decrypt. Empty: secrets are stored in clear.
	Encryption [][]byte
	// AllowClearKeys seals rows that are in clear beside Encryption and uses
	// them. Without it they are refused: New fails and names them, and a row
	// that turns up later is left out.
	AllowClearKeys bool
	// Issuer is whose keys these are: encrypted ones open under no other.
	Issuer string
	// Provider, if set, supplies the keys of models.KeyForAccess; the others
	// come from the store.
	Provider Provider
	// WaitLimit is how long a caller waits for the store or the provider,
	// whatever its context says; 0 = 2 s. An operation goes on when its caller
	// has left.
	WaitLimit time.Duration
	// Logger gets what an operator should know; nil is slog.Default().
	Logger *slog.Logger
}

var _ redact.Hidden = Config{}

// String leaves the key-encryption keys out.
func (c Config) String() string {
	return fmt.Sprintf("keyring.Config{schedules %v, %d encryption keys}", c.Schedules, len(c.Encryption))
}

// Format leaves the key-encryption keys out of every verb.
func (c Config) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(c.String())) }

// MarshalText gives JSON and other text encoders what String says.
func (c Config) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// LogValue implements [slog.LogValuer].
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// provided reports whether the keys of p come from the provider.
func (c Config) provided(p models.KeyPurpose) bool {
	return c.Provider != nil && p == models.KeyForAccess
}

// check reports every problem at once, as an [errors.ErrConfig].
func (c Config) check(store Store) error {
	var found problems.List
	if len(c.Schedules) == 0 {
		found.Addf("no key schedule")
	}
	seen := make(map[models.KeyPurpose]bool, len(c.Schedules))
	for _, s := range c.Schedules {
		// The zero byte separates the fields of what an old sealed secret is
		// bound to, see firstBoundTo.
		if s.Purpose == "" || strings.ContainsRune(string(s.Purpose), 0) {
			found.Addf("key purpose %q is empty or holds a zero byte", s.Purpose)
		}
		if seen[s.Purpose] {
			found.Addf("two key schedules for purpose %q", s.Purpose)
		}
		seen[s.Purpose] = true
		if s.Rotation != 0 && s.Rotation < minRotation {
			found.Addf("key rotation of purpose %q is %v: 0 (never) or at least %v", s.Purpose, s.Rotation, minRotation)
		}
		if s.TokenLifetime <= 0 {
			found.Addf("token lifetime of purpose %q is %v: must be positive", s.Purpose, s.TokenLifetime)
		}
		if s.Algorithm != "" && (!s.Algorithm.Known() || s.Purpose != models.KeyForAccess) {
			found.Addf("algorithm %q of purpose %q is not ours", s.Algorithm, s.Purpose)
		}
		if s.Algorithm.Public() && c.provided(s.Purpose) {
			found.Addf("the provider's keys are of %s, and not of %s", token.HS256, s.Algorithm)
		}
		if store == nil && !c.provided(s.Purpose) {
			found.Addf("no store for the keys of purpose %q", s.Purpose)
		}
	}
	if c.WaitLimit < 0 {
		found.Addf("wait limit %v is negative", c.WaitLimit)
	}
	for i, kek := range c.Encryption {
		if len(kek) != kekSize || uniform(kek) {
			found.Addf("key-encryption key %d must be %d random bytes", i, kekSize)
		}
	}
	return found.Err()
}
