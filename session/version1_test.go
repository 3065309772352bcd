package session_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

// oldTables is what the code of commit 8657026 stored and sent: refresh tokens of
// version 1 without a service, and key rows in clear or sealed in the first form.
type oldTables struct {
	Keys []struct {
		ID, Purpose, Algorithm                string
		Slot, CreatedAt, ActiveFrom, RetireAt int64
		Secret                                []byte
	}
	Sessions map[string]struct {
		Handle, UserID, CurHash, PrevHash, Payload, Origin string
		CurIat, Gen, CreatedAt, LastUsedAt, ExpiresAt      int64
		Flags                                              models.SessionFlags
	}
	Jars map[string]struct{ Access, Refresh, AntiCSRF string }
}

// oldKEK is the key-encryption key of the table "sealed".
const oldKEK = "0123456789abcdefghijklmnopqrstuv"

// openOld starts this version of the code on the old tables, at the time at which
// the old one stopped.
func openOld(t *testing.T, name string, change ...func(*session.Config)) (*kit, map[string]*session.Tokens) {
	t.Helper()
	return openRecorded(t, "testdata/version1.json", name, change...)
}

// openRecorded is openOld for the tables in a file.
func openRecorded(t *testing.T, path, name string, change ...func(*session.Config)) (*kit, map[string]*session.Tokens) {
	t.Helper()
	text, err := os.ReadFile(path) //nolint:gosec // our own testdata
	require.NoError(t, err)
	var file struct {
		Clear, Sealed oldTables
		Now           int64
	}
	require.NoError(t, json.Unmarshal(text, &file))
	tables := map[string]oldTables{"clear": file.Clear, "sealed": file.Sealed}[name]
	store := memstore.New()
	for _, k := range tables.Keys {
		require.NoError(t, store.InsertKey(t.Context(), models.SigningKey{
			ID: k.ID, Purpose: models.KeyPurpose(k.Purpose), Slot: k.Slot, Algorithm: k.Algorithm, Secret: k.Secret,
			CreatedAt: k.CreatedAt, ActiveFrom: k.ActiveFrom, RetireAt: k.RetireAt,
		}))
	}
	for _, s := range tables.Sessions {
		row := &models.Session{
			Handle: s.Handle, UserID: s.UserID, Payload: []byte(s.Payload),
			Lineage:   models.Lineage{IssuedAt: s.CurIat, Generation: s.Gen},
			CreatedAt: s.CreatedAt, LastUsedAt: s.LastUsedAt, ExpiresAt: s.ExpiresAt,
			Flags: s.Flags, Origin: s.Origin,
		}
		for hash, text := range map[*models.Hash]string{&row.Lineage.Current: s.CurHash, &row.Lineage.Previous: s.PrevHash} {
			_, err := hex.Decode(hash[:], []byte(text))
			require.NoError(t, err)
		}
		require.NoError(t, store.Insert(t.Context(), row))
	}
	jars := map[string]*session.Tokens{}
	for name, jar := range tables.Jars {
		jars[name] = &session.Tokens{
			Access:   session.Token{Value: jar.Access},
			Refresh:  session.Token{Value: jar.Refresh},
			AntiCSRF: jar.AntiCSRF,
		}
	}
	clock := sessiontest.NewClock(time.UnixMilli(file.Now))
	k := newKitOn(t, store, clock, append([]func(*session.Config){func(c *session.Config) {
		c.Issuer, c.Audiences = "https://shop.example", []string{"shop"}
		if name == "sealed" {
			c.SigningKey.Encryption = [][]byte{[]byte(oldKEK)}
		}
	}}, change...)...)
	return k, jars
}

func versionOf(t *testing.T, refreshToken string) byte {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(refreshToken)
	require.NoError(t, err)
	return raw[0]
}

// A deploy that replaces all instances signs nobody out: tokens and tables of
// before go on, and become those of today by being refreshed.
func TestVersion1_sessionsGoOn(t *testing.T) {
	t.Parallel()
	for _, table := range []string{"clear", "sealed"} {
		for _, jar := range []string{"new", "refreshed, not used", "refreshed and used", "used", "many times"} {
			for _, route := range tokenRoutes(t) {
				t.Run(table+"/"+jar+"/"+route.name, func(t *testing.T) {
					t.Parallel()
					k, jars := openOld(t, table)
					require.EqualValues(t, 1, versionOf(t, jars[jar].Refresh.Value))
					require.NoError(t, route.try(k, jars[jar]))
				})
			}
			t.Run(table+"/"+jar+"/goes on", func(t *testing.T) {
				t.Parallel()
				k, jars := openOld(t, table)
				goesOn(t, k, jars[jar])
			})
			t.Run(table+"/"+jar+"/an hour later", func(t *testing.T) {
				t.Parallel()
				k, jars := openOld(t, table)
				k.clock.Advance(time.Hour)
				goesOn(t, k, jars[jar])
			})
		}
	}
}

// goesOn refreshes and uses a session for three generations, losing one answer.
func goesOn(t *testing.T, k *kit, old *session.Tokens) {
	t.Helper()
	tokens := old
	for range 3 {
		k.clock.Advance(time.Second)
		_, err := k.Refresh(t.Context(), tokens.Refresh.Value)
		require.NoError(t, err)
		if tokens, err = k.Refresh(t.Context(), tokens.Refresh.Value); err != nil {
			require.NoError(t, err)
		}
		require.EqualValues(t, 2, versionOf(t, tokens.Refresh.Value))
		sess, replacement, err := k.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
		require.NoError(t, err)
		require.NotNil(t, replacement)
		require.Equal(t, "ada", sess.UserID())
	}
	_, err := k.Refresh(t.Context(), old.Refresh.Value)
	require.ErrorIs(t, err, errors.ErrTokenTheft, "the old token was replaced, and no version forgets it")
}

// What an old token meant it means still.
func TestVersion1_theftAndSiblings(t *testing.T) {
	t.Parallel()
	for _, table := range []string{"clear", "sealed"} {
		k, jars := openOld(t, table)
		_, _, err := k.Verify(t.Context(), jars["sibling of used"].Access.Value, jars["sibling of used"].AntiCSRF)
		require.ErrorIs(t, err, errors.ErrTokenRotatedOut)
		_, err = k.Refresh(t.Context(), jars["replaced"].Refresh.Value)
		require.ErrorIs(t, err, errors.ErrTokenTheft)
		_, err = k.Refresh(t.Context(), jars["used"].Refresh.Value)
		require.ErrorIs(t, err, errors.ErrSessionRevoked)

		// A parallel tab whose answer is older than the deploy.
		k, jars = openOld(t, table, func(c *session.Config) { c.ConcurrentRefreshWindow = time.Minute })
		_, _, err = k.Verify(t.Context(), jars["sibling of used"].Access.Value, jars["sibling of used"].AntiCSRF)
		require.NoError(t, err)
		swapped, err := k.Refresh(t.Context(), jars["sibling of used"].Refresh.Value)
		require.NoError(t, err)
		_, _, err = k.Verify(t.Context(), swapped.Access.Value, swapped.AntiCSRF)
		require.NoError(t, err)
	}
}

// A copy with another version byte is no token at all.
func TestVersion1_isNotMadeOfVersion2(t *testing.T) {
	t.Parallel()
	k, jars := openOld(t, "clear")
	fresh, err := k.Refresh(t.Context(), jars["new"].Refresh.Value)
	require.NoError(t, err)
	for _, text := range []string{fresh.Refresh.Value, jars["used"].Refresh.Value} {
		raw, err := base64.RawURLEncoding.DecodeString(text)
		require.NoError(t, err)
		kidEnd := 2 + int(raw[1])
		var changed []byte
		if raw[0] == 2 {
			changed = append(append(changed, raw[:kidEnd]...), raw[kidEnd+16:]...)
		} else {
			changed = append(append(append(changed, raw[:kidEnd]...), make([]byte, 16)...), raw[kidEnd:]...)
		}
		changed[0] = 3 - raw[0]
		w := httptest.NewRecorder()
		_, err = k.RefreshHTTP(w, request(t, nil, "sRefreshToken="+base64.RawURLEncoding.EncodeToString(changed)))
		require.ErrorIs(t, err, errors.ErrUnauthorised)
	}
}

// Turning Encryption on over a table in clear signs nobody out either.
func TestVersion1_encryptionIsTurnedOn(t *testing.T) {
	t.Parallel()
	k, jars := openOld(t, "clear", func(c *session.Config) {
		c.SigningKey.Encryption, c.SigningKey.AllowClearKeys = [][]byte{[]byte(oldKEK)}, true
	})
	goesOn(t, k, jars["many times"])
	next := newKitOn(t, k.store, k.clock, func(c *session.Config) {
		c.Issuer, c.Audiences = "https://shop.example", []string{"shop"}
		c.SigningKey.Encryption = [][]byte{[]byte(oldKEK)}
	})
	goesOn(t, next, jars["new"])
	keys, err := k.store.Keys(t.Context(), k.clock.Now().UnixMilli())
	require.NoError(t, err)
	for _, key := range keys {
		require.EqualValues(t, 3, key.Secret[0])
	}
}
