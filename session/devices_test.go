package session_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// handleOf returns the handle of a new session.
func (k *kit) handleOf(t *testing.T, user string) string {
	t.Helper()
	tokens, err := k.Create(t.Context(), user)
	require.NoError(t, err)
	return tokens.Session.Handle()
}

// A handle from a form may be anybody's: only the user's own ends, and the answers for a
// foreign one, an absent one and an ended one are the same.
func TestRevokeOf_endsTheUsersOwnOnly(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	ada, bob := k.handleOf(t, "ada"), k.handleOf(t, "bob")
	for _, row := range [][2]string{
		{"ada", bob},
		{"Bob", bob},
		{"bob ", bob},
		{"ada", "nothing"},
		{"ada", ""},
		{"ada", bob + " "},
		{"ada", "' OR '1'='1"},
		{"ada", strings.Repeat("x", 1000)},
		{"ada", "\x00"},
		{"ada", "\xff"},
	} {
		ended, err := k.RevokeOf(t.Context(), row[0], row[1])
		require.NoError(t, err, "%q", row)
		require.False(t, ended, "%q", row)
	}
	for _, nobody := range []string{"", strings.Repeat("u", models.MaxUserID+1), "\xff"} {
		_, err := k.RevokeOf(t.Context(), nobody, bob)
		require.ErrorIs(t, err, errors.ErrInvalidInput, "%q does not mean everybody", nobody)
		require.ErrorIs(t, err, errors.ErrUserIDInvalid)
	}
	info, err := k.Get(t.Context(), bob)
	require.NoError(t, err)
	require.Equal(t, "bob", info.UserID)
	require.Empty(t, k.Events(session.EventRevoked))

	for i, want := range []bool{true, false} {
		ended, err := k.RevokeOf(t.Context(), "ada", ada)
		require.NoError(t, err)
		require.Equal(t, want, ended, "call %d", i)
	}
	seen := k.Events(session.EventRevoked)
	require.Len(t, seen, 1)
	require.Equal(t, []any{ada, "ada", 1}, []any{seen[0].Handle, seen[0].UserID, seen[0].Count})
}

// An unknown outcome is looked up, and not for somebody else's session.
func TestRevokeOf_afterALostAnswer(t *testing.T) {
	t.Parallel()
	for _, mode := range []storetest.FaultMode{storetest.ErrorBefore, storetest.ErrorAfter} {
		k := newKit(t)
		ada, bob := k.handleOf(t, "ada"), k.handleOf(t, "bob")
		_, err := k.Revoke(t.Context(), bob) // in this very millisecond, for the same reason
		require.NoError(t, err)
		k.store.Arm(storetest.Fault{Method: "Revoke", Mode: mode})
		ended, err := k.RevokeOf(t.Context(), "ada", bob)
		require.ErrorIs(t, err, errors.ErrUnavailable)
		require.False(t, ended)
		ended, err = k.RevokeOf(t.Context(), "ada", ada)
		require.Equal(t, mode == storetest.ErrorAfter, ended)
		require.Equal(t, mode == storetest.ErrorBefore, errors.Is(err, errors.ErrUnavailable))
	}
}

func TestGet(t *testing.T) {
	t.Parallel()
	k := newKit(t, func(cfg *session.Config) { cfg.IPAddresses = session.IPFull })
	tokens, err := k.Create(t.Context(), "ada", session.WithDevice("Agent", "192.0.2.1"))
	require.NoError(t, err)
	handle := tokens.Session.Handle()
	info, err := k.Get(t.Context(), handle)
	require.NoError(t, err)
	list, err := k.List(t.Context(), "ada")
	require.NoError(t, err)
	require.Equal(t, []session.Device{info}, list)
	require.Equal(t, []string{"ada", "Agent", "192.0.2.1"}, []string{info.UserID, info.UserAgent, info.IP})
	require.True(t, info.CreatedAt.Equal(k.clock.Now()))

	_, err = k.Revoke(t.Context(), handle)
	require.NoError(t, err)
	expired := k.handleOf(t, "bob")
	k.clock.Advance(101 * 24 * time.Hour)
	for _, dead := range []string{handle, expired, "absent", ""} {
		_, err = k.Get(t.Context(), dead)
		require.ErrorIs(t, err, errors.ErrUnauthorised)
		require.ErrorIs(t, err, errors.ErrSessionNotFound)
	}
	k.store.Arm(storetest.Fault{Method: "Find"})
	_, err = k.Get(t.Context(), handle)
	require.ErrorIs(t, err, errors.ErrUnavailable)
}

// The event of RevokeOthers says whom it kept; that of RevokeAll keeps nobody.
func TestRevokeOthers_saysWhomItKept(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	kept, other := k.handleOf(t, "ada"), k.handleOf(t, "ada")
	n, err := k.RevokeOthers(t.Context(), "ada", kept)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	_, err = k.Get(t.Context(), other)
	require.ErrorIs(t, err, errors.ErrUnauthorised)
	_, err = k.RevokeAll(t.Context(), "ada")
	require.NoError(t, err)
	seen := k.Events(session.EventRevoked)
	require.Len(t, seen, 2)
	require.Equal(t, kept, seen[0].Kept)
	require.Empty(t, seen[1].Kept)
}

// insertMany stores live sessions of one user, two in each millisecond, and every third
// one expired.
func (k *kit) insertMany(t *testing.T, user string, size int) (live []string) {
	t.Helper()
	now := k.clock.Now().UnixMilli()
	for i := range size {
		row := &models.Session{
			Handle: fmt.Sprintf("h%06d", i), UserID: user, CreatedAt: now - int64(size-i/2), ExpiresAt: now + 1000,
		}
		if i%3 == 2 {
			row.ExpiresAt = now
		} else {
			live = append(live, row.Handle)
		}
		require.NoError(t, k.store.Insert(t.Context(), row))
	}
	k.store.Arm()
	return live
}

// However many there are, all end; the count comes together with an error, and calling
// again goes on with the rest.
func TestRevokeAll_ofVeryManySessions(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	live := k.insertMany(t, "ada", 4500)
	k.store.Arm(storetest.Fault{Method: "RevokeAll", Call: 3})
	some, err := k.RevokeAll(t.Context(), "ada")
	require.ErrorIs(t, err, errors.ErrUnavailable)
	require.Greater(t, some, 1000)
	require.Less(t, some, len(live))

	rest, err := k.RevokeAll(t.Context(), "ada")
	require.NoError(t, err)
	require.Equal(t, len(live), some+rest)
	list, err := k.List(t.Context(), "ada")
	require.NoError(t, err)
	require.Empty(t, list)
}

// The bound of one operation is a statement's, the caller's context the whole's.
func TestRevokeAll_isBoundedByItsContext(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.insertMany(t, "ada", 2500)
	ctx, cancel := context.WithCancel(t.Context())
	k.store.Arm(storetest.Fault{Method: "RevokeAll", Call: 2, Mode: storetest.Hang})
	cancel()
	n, err := k.RevokeAll(ctx, "ada")
	require.ErrorIs(t, err, errors.ErrUnavailable)
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, n)
}

func TestListPage(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	live := k.insertMany(t, "ada", 3100)
	k.handleOf(t, "bob")
	list, err := k.List(t.Context(), "ada")
	require.NoError(t, err)
	require.Equal(t, live, handlesOf(list))
	for _, limit := range []int{1, 7, 999, 1000} {
		var got []string
		for after, pages := "", 0; ; pages++ {
			page, err := k.ListPage(t.Context(), "ada", after, limit)
			require.NoError(t, err)
			require.LessOrEqual(t, len(page.Sessions), limit)
			for _, info := range page.Sessions {
				got = append(got, info.Handle)
			}
			if after = page.After; after == "" || limit < 7 && pages > 50 {
				break
			}
			require.Len(t, page.Sessions, limit, "pages are full but for the last")
		}
		require.Equal(t, live[:len(got)], got, "limit %d", limit)
		require.True(t, limit < 7 || len(got) == len(live))
	}
}

// What goes on after a page may come back from a client.
func TestListPage_takesNothingStrange(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.handleOf(t, "ada")
	for _, after := range []string{"x", ".", "1.", ".h", "!.h", "1." + strings.Repeat("h", 200), "zzzzzzzzzzzzzzzzzz.h", " ", "\x00"} {
		_, err := k.ListPage(t.Context(), "ada", after, 5)
		require.ErrorIs(t, err, errors.ErrInvalidInput, "%q", after)
	}
	for _, limit := range []int{0, -1, 1001, 1 << 40} {
		_, err := k.ListPage(t.Context(), "ada", "", limit)
		require.ErrorIs(t, err, errors.ErrInvalidInput, "%d", limit)
	}
	// A place of another user's list shows nothing of it.
	page, err := k.ListPage(t.Context(), "ada", "0.' OR '1'='1", 5)
	require.NoError(t, err)
	require.Len(t, page.Sessions, 1)
	require.Equal(t, "ada", page.Sessions[0].UserID)
}

// What is left of a constructor whose error nobody looked at is refused by name.
func TestNew_refusesANilStore(t *testing.T) {
	t.Parallel()
	var none *gormstore.Store
	var faulty *storetest.FaultyStore
	var memory *memstore.Store
	for _, store := range []session.Store{nil, none, faulty, memory} {
		_, err := session.New(t.Context(), store, session.Config{})
		require.ErrorIs(t, err, errors.ErrConfig)
		require.ErrorContains(t, err, "nil")
		if store != nil {
			require.ErrorContains(t, err, reflect.TypeOf(store).String())
		}
	}
}

// The longest user ids of OpenID Connect sign in, are verified and refreshed.
func TestUserIDs_ofAnyAllowedLength(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	for _, id := range []string{
		strings.Repeat("a", 129), strings.Repeat("a", 200), strings.Repeat("a", 255), strings.Repeat("\u00e9", 127) + "x",
		strings.Repeat("\U0001f600", 63), strings.Repeat("\u6f22", 85),
	} {
		tokens, err := k.Create(t.Context(), id)
		require.NoError(t, err, "%d bytes", len(id))
		sess, _, err := k.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
		require.NoError(t, err)
		require.Equal(t, id, sess.UserID())
		n, err := k.RevokeAll(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, 1, n)
	}
	for _, id := range []string{strings.Repeat("a", 256), strings.Repeat("\u00e9", 128), strings.Repeat("\u6f22", 86), ""} {
		_, err := k.Create(t.Context(), id)
		require.ErrorIs(t, err, errors.ErrUserIDInvalid, "%d bytes", len(id))
	}
}

func handlesOf(list []session.Device) (handles []string) {
	for _, device := range list {
		handles = append(handles, device.Handle)
	}
	return handles
}
