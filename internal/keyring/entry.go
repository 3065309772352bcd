package keyring

import (
	"cmp"
	"fmt"
	"math"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

// entry is one key in memory. A zero key is a row that could not be read: it
// occupies its slot and its id, and neither signs nor verifies.
type entry struct {
	id         string
	purpose    models.KeyPurpose
	slot       int64
	key        token.Key
	activeFrom int64
	retireAt   int64
}

// decode reads a row of the schedule, and reports whether the secret lies there
// in clear. The entry is good even with an error: it has no key then, but it takes
// its slot, so that nobody inserts a second key there. The error tells the reason
// and no bytes.
//
// A key verifies by the algorithm of its row, whichever this instance signs with.
func (s *sealer) decode(sched Schedule, row models.SigningKey) (e entry, inClear bool, err error) {
	e = entry{id: row.ID, purpose: row.Purpose, slot: row.Slot, activeFrom: row.ActiveFrom, retireAt: row.RetireAt}
	if !token.ValidKeyID(row.ID) {
		return e, false, errors.New("id is malformed")
	}
	if !sched.reads(row.Algorithm) {
		return e, false, errors.New("algorithm is not ours")
	}
	secret, inClear, err := s.unseal(row)
	if err != nil {
		return e, inClear, err
	}
	key, err := keyOf(row, secret)
	if err != nil {
		return e, inClear, err
	}
	// Last, so that a broken row is called broken and not refused:
	// requireSealed would tell the operator to start with AllowClearKeys, which
	// does not help.
	if inClear && s.refusesClear() {
		return e, inClear, errClearKey
	}
	e.key = key
	return e, inClear, nil
}

// keyOf makes the key of a row from its secret.
func keyOf(row models.SigningKey, secret []byte) (token.Key, error) {
	if a := token.Algorithm(row.Algorithm); a.Public() {
		pair, err := token.ParseKeyPair(a, secret)
		return token.Key{ID: row.ID, Pair: pair}, err
	}
	return token.Key{ID: row.ID, Secret: secret}, checkSecret(secret)
}

// checkSecret refuses what is too short or was never filled in (RFC 8725,
// section 3.5).
func checkSecret(secret []byte) error {
	if len(secret) < token.MinSecretLen {
		return errors.New("secret is shorter than 32 bytes")
	}
	if uniform(secret) {
		return errors.New("secret is one byte repeated")
	}
	return nil
}

// checkProvided checks what a provider returned. All or nothing: half a list
// would end the sessions of the other half.
func checkProvided(keys []token.Key) ([]entry, error) {
	if len(keys) == 0 {
		return nil, errors.WithReason(errors.ErrConfig, errors.New("provider returned no key"))
	}
	entries := make([]entry, 0, len(keys))
	seen := make(map[string]bool, len(keys))
	for i, key := range keys {
		err := checkSecret(key.Secret)
		switch {
		case !token.ValidKeyID(key.ID):
			err = errors.New("id is malformed")
		case seen[key.ID]:
			err = errors.New("id is there twice")
		}
		if err != nil {
			return nil, errors.WithReason(errors.ErrConfig, fmt.Errorf("key %d of the provider: %w", i, err))
		}
		seen[key.ID] = true
		entries = append(entries, entry{
			id: key.ID, purpose: models.KeyForAccess,
			// A copy, as the provider may use its bytes for something else.
			key: token.Key{ID: key.ID, Secret: append([]byte(nil), key.Secret...)},
			// It says when each key ends by no longer returning it.
			retireAt:   math.MaxInt64,
			activeFrom: int64(-i), // long ago, and the first is the newest: it signs
		})
	}
	return entries, nil
}

// readable reports whether there is a key.
func (e entry) readable() bool { return e.key.ID != "" }

// signable reports whether a token signed now dies before the key does. It does
// not ask whether the key is active yet; see snapshot.signer.
func (e entry) signable(now, lifetime int64) bool {
	return e.readable() && e.retireAt > now && e.retireAt-now >= lifetime
}

// newestFirst orders keys so that all instances choose the same one. Keys that
// became active at once, in the same millisecond, are ordered by their ids.
func newestFirst(a, b entry) int {
	return cmp.Or(cmp.Compare(b.activeFrom, a.activeFrom), cmp.Compare(a.id, b.id))
}
