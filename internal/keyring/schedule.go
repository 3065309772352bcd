package keyring

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

const (
	// minRotation keeps the spare slots of one period out of the next.
	minRotation = time.Second
	// maxLead is the longest time before its slot in which a key is published.
	maxLead = 10 * time.Minute
	// minInterval and maxInterval bound the time between two reloads. The
	// longer one is also how soon Retire reaches the other instances.
	minInterval = 100 * time.Millisecond
	maxInterval = time.Minute

	// skewAllowance is how far the clocks of two instances may differ.
	skewAllowance = 120 * time.Second
	// forever is the life of a key that is never rotated: not the end of int64,
	// so that sums with it do not overflow.
	forever = 100 * 365 * 24 * time.Hour
	// spareSlots is how many slots after its own a key may take when its own is
	// taken by a key that can no longer sign. They are the milliseconds that
	// follow it: with rotations of at least a second none of them is the next
	// period's.
	spareSlots = 999
	// deleteAfter is how long a retired key stays in the table, for an operator
	// to see and for instances whose clocks are far behind.
	deleteAfter = 24 * time.Hour
)

// Schedule says how the keys of one purpose come and go; see the drawing in the
// package's comment.
type Schedule struct {
	// Purpose is that of the keys; two schedules never have the same.
	Purpose models.KeyPurpose
	// Algorithm is that of new keys for access tokens; empty = HS256. All others
	// are of HMAC-SHA-256.
	Algorithm token.Algorithm
	// Rotation is how long a key signs before its successor does: 0 = always,
	// otherwise at least one second.
	Rotation time.Duration
	// TokenLifetime is the longest life of a token signed with such a key,
	// leeway included.
	TokenLifetime time.Duration
}

// lead is how long before its slot a key is published: half of a short
// rotation, so that the current key has signed for a while before the next one
// is made.
func (s Schedule) lead() time.Duration {
	if s.Rotation == 0 {
		return maxLead
	}
	return min(s.Rotation/2, maxLead)
}

// interval is the longest time between two reloads. A key is published at least
// three of them before it signs: one may fail, and clocks differ a little.
func (s Schedule) interval() time.Duration {
	return min(max(s.lead()/4, minInterval), maxInterval)
}

// slot is the period that a key inserted now is for, as the time of its begin:
// the current one, or the next when it begins within lead.
func (s Schedule) slot(now int64) int64 {
	period := s.Rotation.Milliseconds()
	if period == 0 {
		return 0
	}
	at := now + s.lead().Milliseconds()
	return at - at%period
}

// covers reports whether a key of the given slot makes one for the wanted slot
// needless. Clocks that run ahead may have published a later one already, which
// will do. A slot of the far future is somebody's broken clock and counts for
// nothing: waiting for its time would leave everybody without a successor.
func (s Schedule) covers(slot, wanted int64) bool { return slot >= wanted && !s.beyond(slot, wanted) }

// beyond reports whether a slot is one of the far future.
func (s Schedule) beyond(slot, wanted int64) bool {
	ahead := int64(spareSlots)
	if s.Rotation > 0 {
		ahead = (s.Rotation + maxLead).Milliseconds()
	}
	return slot > wanted && slot-wanted > ahead
}

// activeFrom is the time from which a key inserted now may sign. It leaves
// every instance three reloads to learn of it, unless the key is alone: when no
// other can sign, a token that some instance cannot verify yet is better than
// none.
func (s Schedule) activeFrom(slot, now int64, alone bool) int64 {
	if alone {
		return now
	}
	return max(slot, now+(s.lead()-s.interval()).Milliseconds())
}

// retireAt is the time from which a key no longer verifies. Its successor takes
// over after one rotation; the second one is reserve for a time in which nobody
// can insert.
func (s Schedule) retireAt(activeFrom int64) int64 {
	if s.Rotation == 0 {
		return activeFrom + forever.Milliseconds()
	}
	return activeFrom + 2*s.Rotation.Milliseconds() + s.TokenLifetime.Milliseconds() + skewAllowance.Milliseconds()
}

// hmacName is the algorithm of keys that sign no access tokens.
const hmacName = "HMAC-SHA256"

// algorithm names what the secret of a new key is used for.
func (s Schedule) algorithm() string {
	if s.Purpose == models.KeyForAccess {
		return string(cmp.Or(s.Algorithm, token.HS256))
	}
	return hmacName
}

// reads reports whether keys of the named algorithm are ours. A row with another
// name is skipped: a newer version may keep keys of another kind in the same table.
func (s Schedule) reads(name string) bool {
	if s.Purpose == models.KeyForAccess {
		return token.Algorithm(name).Known()
	}
	return name == hmacName
}

// keyIDLen is the length of a key's id, which every access token carries. Its 60 bits
// only have to differ from those of the few keys beside it: the id is no secret.
const keyIDLen = 12

// newKey makes a random key that signs from active on, its secret still in clear.
func (s Schedule) newKey(slot, now, active int64) (models.SigningKey, error) {
	secret, err := token.NewSecret(token.Algorithm(s.algorithm()))
	if err != nil {
		return models.SigningKey{}, errors.WithReason(errors.ErrGeneral, fmt.Errorf("making a signing key: %w", err))
	}
	return models.SigningKey{
		ID: rand.Text()[:keyIDLen], Purpose: s.Purpose, Slot: slot, Algorithm: s.algorithm(), Secret: secret,
		CreatedAt: now, ActiveFrom: active, RetireAt: s.retireAt(active),
	}, nil
}
