package storetest

import (
	"fmt"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

// key returns a signing key that stays valid for a day.
func (tr *trial) key(changes ...func(*models.SigningKey)) models.SigningKey {
	tr.made++
	secret := tr.hash()
	key := models.SigningKey{
		ID: fmt.Sprintf("kid_%d-%x", tr.made, secret[:8]), Purpose: models.KeyForAccess,
		Slot: created + int64(tr.made)*day, Algorithm: "HS256", Secret: secret[:],
		CreatedAt: created, ActiveFrom: created + minute, RetireAt: created + day,
	}
	for _, change := range changes {
		change(&key)
	}
	return key
}

func (tr *trial) insertKey(changes ...func(*models.SigningKey)) models.SigningKey {
	tr.Helper()
	key := tr.key(changes...)
	require.NoError(tr, tr.store.InsertKey(tr.Context(), key))

	return key
}

// requireKeys asks for exactly these keys, in any order. The failure message
// tells no secrets, but for a test's own they would be no loss.
func (tr *trial) requireKeys(now int64, want ...models.SigningKey) {
	tr.Helper()
	keys, err := tr.store.Keys(tr.Context(), now)
	require.NoError(tr, err)
	require.ElementsMatch(tr, want, keys)
}

func keyChecks() []check {
	return []check{
		{"InsertKey never overwrites a key of that purpose and slot", keyOverwrite},
		{"InsertKey never overwrites a key of that id", keySameID},
		{"InsertKey converges to one key among the racers", keyRace},
		{"InsertKey keeps purposes and slots apart", keyApart},
		{"InsertKey keeps every field exactly", keyExact},
		{"InsertKey and Keys copy deeply", keyCopies},
	}
}

func keyOverwrite(tr *trial) {
	first := tr.insertKey()
	for range 2 {
		tr.insertKey(func(k *models.SigningKey) { k.Slot = first.Slot })
		tr.requireKeys(during, first)
	}
	again := first
	again.Secret = []byte("another secret of the same key id")
	require.NoError(tr, tr.store.InsertKey(tr.Context(), again))
	tr.requireKeys(during, first)

	retired := tr.insertKey(func(k *models.SigningKey) { k.RetireAt = during - 1 })
	tr.insertKey(func(k *models.SigningKey) { k.Slot = retired.Slot })
	tr.requireKeys(during, first) // the slot of a retired key stays taken
}

// keySameID: ids are random, so this is no race of two servers. Whether the
// store fails or ignores it, a known id never gets another secret.
func keySameID(tr *trial) {
	first := tr.insertKey()
	second := tr.key(func(k *models.SigningKey) { k.ID = first.ID })
	if err := tr.store.InsertKey(tr.Context(), second); err != nil {
		require.ErrorIs(tr, err, errors.ErrGeneral)
		require.NotContains(tr, err.Error(), string(second.Secret))
	}
	tr.requireKeys(during, first)
}

func keyRace(tr *trial) {
	const servers = 32
	for range tr.fewRounds() {
		slot := tr.key().Slot
		keys := make([]models.SigningKey, servers)
		for i := range keys {
			keys[i] = tr.key(func(k *models.SigningKey) { k.Slot = slot })
		}
		seen := make([]string, servers)
		tr.race(servers, func(i int) (bool, error) {
			if err := tr.store.InsertKey(tr.Context(), keys[i]); err != nil {
				return false, err
			}
			stored, err := tr.store.Keys(tr.Context(), during)
			for _, key := range stored {
				if key.Slot == slot {
					seen[i] += key.ID + string(key.Secret)
				}
			}
			return true, err
		})
		for _, key := range seen {
			require.NotEmpty(tr, key)
			require.Equal(tr, seen[0], key, "everybody has the same key")
		}
	}
}

func keyApart(tr *trial) {
	access := tr.insertKey()
	refresh := tr.insertKey(func(k *models.SigningKey) { k.Slot, k.Purpose = access.Slot, models.KeyForRefresh })
	upper := tr.insertKey(func(k *models.SigningKey) { k.ID = "AbCdEf" })
	lower := tr.insertKey(func(k *models.SigningKey) { k.ID = "aBcDeF" })
	tr.requireKeys(during, access, refresh, upper, lower)

	tr.requireMatch(true, "retire")(tr.store.RetireKey(tr.Context(), lower.ID, during))
	tr.requireKeys(during, access, refresh, upper)
}

func keyExact(tr *trial) {
	const year2100 = 4_102_444_800_000
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	tr.requireKeys(
		during,
		tr.insertKey(),
		tr.insertKey(func(k *models.SigningKey) { k.Secret = every }),
		tr.insertKey(func(k *models.SigningKey) { k.Secret = []byte("trailing \x00 \x00") }),
		tr.insertKey(func(k *models.SigningKey) { k.ID = strings.Repeat("k", 32) }),
		tr.insertKey(func(k *models.SigningKey) { k.ID, k.Slot = "-", 0 }),
		tr.insertKey(func(k *models.SigningKey) {
			k.Slot, k.CreatedAt, k.ActiveFrom, k.RetireAt = year2100, year2100+1, year2100+2, year2100+3
		}),
	)
}

func keyCopies(tr *trial) {
	want := tr.key()
	given := want
	given.Secret = []byte(string(want.Secret))
	require.NoError(tr, tr.store.InsertKey(tr.Context(), given))
	given.Secret[0] ^= 1
	tr.requireKeys(during, want)

	keys, err := tr.store.Keys(tr.Context(), during)
	require.NoError(tr, err)
	require.Len(tr, keys, 1)
	keys[0].Secret[0] ^= 1
	tr.requireKeys(during, want)
}

func keyRetirementChecks() []check {
	return []check{
		{"Keys leaves out a key from its retirement on", keysRetired},
		{"RetireKey moves the end to an earlier time only", retireEarlier},
		{"SealKey replaces exactly what was read", sealKey},
		{"DeleteKeys removes keys that retired before and no other", deleteKeys},
	}
}

func keysRetired(tr *trial) {
	key := tr.insertKey()
	tr.requireKeys(key.RetireAt-1, key)
	tr.requireKeys(key.RetireAt)
	tr.requireKeys(key.RetireAt + 1)
	tr.requireKeys(0, key) // keys that are not active yet are wanted, too
}

func retireEarlier(tr *trial) {
	key, bystander := tr.insertKey(), tr.insertKey()
	tr.requireMatch(false, "unknown")(tr.store.RetireKey(tr.Context(), "unknown", during))
	tr.requireMatch(false, "later")(tr.store.RetireKey(tr.Context(), key.ID, key.RetireAt+1))
	tr.requireMatch(false, "same")(tr.store.RetireKey(tr.Context(), key.ID, key.RetireAt))
	tr.requireKeys(during, key, bystander)

	for _, at := range []int64{key.RetireAt - 1, during + 1} {
		tr.requireMatch(true, "earlier")(tr.store.RetireKey(tr.Context(), key.ID, at))
		key.RetireAt = at
		tr.requireKeys(during, key, bystander)
	}
	tr.requireMatch(false, "back")(tr.store.RetireKey(tr.Context(), key.ID, bystander.RetireAt))
	tr.requireMatch(true, "now")(tr.store.RetireKey(tr.Context(), key.ID, during))
	tr.requireKeys(during, bystander)
}

func sealKey(tr *trial) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	read := []byte("the form A that was read \x00 ")
	key := tr.insertKey(func(k *models.SigningKey) { k.Secret = read })
	bystander := tr.insertKey(func(k *models.SigningKey) { k.Secret = read })
	upper := tr.insertKey(func(k *models.SigningKey) { k.ID, k.Secret = "SeaLed", read })
	tr.requireMatch(false, "unknown")(tr.store.SealKey(tr.Context(), "unknown", read, every))
	for name, other := range map[string][]byte{
		"other case": []byte("the form a that was read \x00 "), "without the last space": read[:len(read)-1],
		"one byte more": append(append([]byte(nil), read...), ' '), "nothing": {}, "what is to be": every,
	} {
		tr.requireMatch(false, name)(tr.store.SealKey(tr.Context(), key.ID, other, every))
	}
	tr.requireMatch(false, "id in other case")(tr.store.SealKey(tr.Context(), "sEAlED", read, every))
	tr.requireKeys(during, key, bystander, upper)

	given := []byte(string(every))
	tr.requireMatch(true, "as read")(tr.store.SealKey(tr.Context(), key.ID, read, given))
	given[0] ^= 1
	key.Secret = every
	tr.requireKeys(during, key, bystander, upper)
	tr.requireMatch(false, "again")(tr.store.SealKey(tr.Context(), key.ID, read, []byte("another form")))
	tr.requireKeys(during, key, bystander, upper)
}

func deleteKeys(tr *trial) {
	before := tr.insertKey(func(k *models.SigningKey) { k.RetireAt = during - 1 })
	at := tr.insertKey(func(k *models.SigningKey) { k.RetireAt = during })
	after := tr.insertKey(func(k *models.SigningKey) { k.RetireAt = during + 1 })
	tr.requireKeys(0, before, at, after)

	for _, want := range []int{1, 0} {
		count, err := tr.store.DeleteKeys(tr.Context(), during)
		require.NoError(tr, err)
		require.Equal(tr, want, count)
		tr.requireKeys(0, at, after)
	}
}
