package session_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// Introspect is one SELECT and changes nothing: an unpromoted token stays that, and its
// parent current.
func TestIntrospect_changesNothing(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	first, err := k.Create(t.Context(), "ada", session.WithPayload(map[string]any{"plan": "pro"}))
	require.NoError(t, err)
	next, err := k.Refresh(t.Context(), first.Refresh.Value)
	require.NoError(t, err)
	for _, tokens := range []*session.Tokens{first, next, first} {
		k.store.Arm()
		said, err := k.Introspect(t.Context(), tokens.Access.Value)
		require.NoError(t, err)
		require.Equal(t, map[string]int{"Find": 1}, k.store.Counts())
		require.Equal(t, "ada", said.UserID)
		require.JSONEq(t, `{"plan":"pro"}`, string(said.Payload))
		require.Equal(t, tokens.Access.ExpiresAt.Unix(), said.ExpiresAt.Unix())
	}
	_, err = k.Refresh(t.Context(), first.Refresh.Value)
	require.NoError(t, err, "its answer may have been lost: nobody used the next")
}

// The payload and the level are the row's.
func TestIntrospect_isOfNow(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	tokens, err := k.Create(t.Context(), "ada", session.Level(2))
	require.NoError(t, err)
	said, err := k.Introspect(t.Context(), tokens.Access.Value)
	require.NoError(t, err)
	require.Equal(t, 2, said.Level)
	require.Nil(t, said.Payload)
	require.NoError(t, k.MergePayload(t.Context(), tokens.Session.Handle(), map[string]any{"plan": "pro"}))
	_, err = k.Downgrade(t.Context(), "ada", 0)
	require.NoError(t, err)
	said, err = k.Introspect(t.Context(), tokens.Access.Value)
	require.NoError(t, err)
	require.Zero(t, said.Level)
	require.JSONEq(t, `{"plan":"pro"}`, string(said.Payload))
}

// A token of a branch that was replaced counts for nothing: the thief's, or the
// victim's.
func TestIntrospect_deadBranch(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	first, err := k.Create(t.Context(), "ada")
	require.NoError(t, err)
	one, err := k.Refresh(t.Context(), first.Refresh.Value)
	require.NoError(t, err)
	other, err := k.Refresh(t.Context(), first.Refresh.Value)
	require.NoError(t, err)
	_, _, err = k.Verify(t.Context(), one.Access.Value, one.AntiCSRF)
	require.NoError(t, err)
	_, err = k.Introspect(t.Context(), other.Access.Value)
	require.ErrorIs(t, err, errors.ErrTryRefreshToken)
	require.ErrorIs(t, err, errors.ErrTokenRotatedOut)
	_, err = k.Introspect(t.Context(), one.Access.Value)
	require.NoError(t, err)

	require.NoError(t, k.RevokeToken(t.Context(), one.Access.Value))
	_, err = k.Introspect(t.Context(), one.Access.Value)
	require.ErrorIs(t, err, errors.ErrUnauthorised)
}

// replaced is a page whose session was replaced, with the old tokens and the new, which
// were not used yet.
func replaced(t *testing.T, k *kit) (old, next *session.Tokens) {
	t.Helper()
	old, err := k.Create(t.Context(), "ada")
	require.NoError(t, err)
	next, err = old.Session.Replace(t.Context())
	require.NoError(t, err)
	return old, next
}

// A session that Replace made counts from its first use on; signing out by one of its
// tokens leaves nothing of that browser behind.
func TestOthers_pending(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]func(*session.Tokens) string{
		"access":  func(tokens *session.Tokens) string { return tokens.Access.Value },
		"refresh": func(tokens *session.Tokens) string { return tokens.Refresh.Value },
	} {
		k := newKit(t)
		old, next := replaced(t, k)
		_, err := k.Introspect(t.Context(), next.Access.Value)
		require.ErrorIs(t, err, errors.ErrSessionNotFound)
		_, err = k.Introspect(t.Context(), old.Access.Value)
		require.NoError(t, err)

		require.NoError(t, k.RevokeToken(t.Context(), text(next)), name)
		for _, tokens := range []*session.Tokens{old, next} {
			_, err = k.Introspect(t.Context(), tokens.Access.Value)
			require.ErrorIs(t, err, errors.ErrUnauthorised, name)
		}

		old, next = replaced(t, k)
		_, _, err = k.Verify(t.Context(), next.Access.Value, next.AntiCSRF)
		require.NoError(t, err)
		_, err = k.Introspect(t.Context(), next.Access.Value)
		require.NoError(t, err)
		require.NoError(t, k.RevokeToken(t.Context(), text(old)), "it counts for nothing any more")
		_, err = k.Introspect(t.Context(), next.Access.Value)
		require.NoError(t, err)
	}
}

// A refresh token ends its session also when another has replaced it, and that is no
// theft: who has it could end the session anyway.
func TestRevokeToken_replacedRefreshToken(t *testing.T) {
	t.Parallel()
	var thefts int
	k := newKit(t, func(c *session.Config) {
		c.OnEvent = func(e session.Event) {
			if e.Kind == session.EventTheft {
				thefts++
			}
		}
	})
	first, err := k.Create(t.Context(), "ada")
	require.NoError(t, err)
	next, err := k.Refresh(t.Context(), first.Refresh.Value)
	require.NoError(t, err)
	_, _, err = k.Verify(t.Context(), next.Access.Value, next.AntiCSRF)
	require.NoError(t, err)
	require.NoError(t, k.RevokeToken(t.Context(), first.Refresh.Value))
	_, err = k.Introspect(t.Context(), next.Access.Value)
	require.ErrorIs(t, err, errors.ErrSessionRevoked)
	require.Zero(t, thefts)
	require.NoError(t, k.RevokeToken(t.Context(), first.Refresh.Value), "again")
}

// A token of a service whose audience is taken here ends its session, of either kind;
// that of another one is nobody's business.
func TestRevokeToken_acceptedAudiences(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]func(*session.Tokens) string{
		"access":  func(tokens *session.Tokens) string { return tokens.Access.Value },
		"refresh": func(tokens *session.Tokens) string { return tokens.Refresh.Value },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := memstore.New()
			shop, admin := named(t, store, nil, "shop"), named(t, store, nil, "admin")
			billing := named(t, store, []string{"report", "shop"}, "billing")
			tokens, err := shop.Create(t.Context(), "ada")
			require.NoError(t, err)
			require.NoError(t, admin.RevokeToken(t.Context(), text(tokens)))
			_, err = shop.Introspect(t.Context(), tokens.Access.Value)
			require.NoError(t, err)
			require.NoError(t, billing.RevokeToken(t.Context(), text(tokens)))
			_, err = shop.Introspect(t.Context(), tokens.Access.Value)
			require.ErrorIs(t, err, errors.ErrSessionRevoked)
		})
	}
}

// What cannot be done is said, and a repeat does it.
func TestRevokeToken_failures(t *testing.T) {
	t.Parallel()
	for _, refresh := range []bool{false, true} {
		for call := 1; ; call++ {
			for _, mode := range []storetest.FaultMode{storetest.ErrorBefore, storetest.ErrorAfter} {
				k := newKit(t)
				tokens, err := k.Create(t.Context(), "ada")
				require.NoError(t, err)
				text := tokens.Access.Value
				if refresh {
					text = tokens.Refresh.Value
				}
				k.store.Arm(storetest.Fault{Call: call, Mode: mode})
				err = k.RevokeToken(t.Context(), text)
				if k.store.Fired() == 0 {
					require.NoError(t, err)
					require.Greater(t, call, 1)
				} else if err != nil {
					require.ErrorIs(t, err, errors.ErrUnavailable)
				}
				k.store.Arm()
				require.NoError(t, k.RevokeToken(t.Context(), text))
				_, err = k.Introspect(t.Context(), tokens.Access.Value)
				require.ErrorIs(t, err, errors.ErrSessionRevoked)
			}
			if call == 4 {
				break
			}
		}
	}
}

func TestReadFeed_refuses(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	_, err := k.ReadFeed(t.Context(), models.FeedQuery{Limit: 1})
	require.ErrorIs(t, err, errors.ErrConfig)
	k = newKit(t, func(c *session.Config) { c.Revocation = session.RevokeSoon })
	for _, limit := range []int{-1, 0, 1001} {
		_, err := k.ReadFeed(t.Context(), models.FeedQuery{Limit: limit})
		require.ErrorIs(t, err, errors.ErrInvalidInput)
	}
	_, err = k.ReadFeed(t.Context(), models.FeedQuery{Limit: 1000})
	require.NoError(t, err)
}

func kidOfNext(t *testing.T, p *process) string {
	t.Helper()
	return kidOf(t, p.create(t, "ada").Access.Value)
}

// A retired key is dead in every process that reads the feed within two seconds, and
// its successor known there before any token of it comes.
func TestRetireKey_soon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		here, there := start(t, store), start(t, store, off(-time.Minute))
		time.Sleep(5 * time.Second)
		old := here.create(t, "ada")
		require.True(t, there.verifies(t, old))
		require.NoError(t, here.RetireKey(t.Context(), kidOf(t, old.Access.Value)))
		next := here.create(t, "ada")
		require.NotEqual(t, kidOf(t, old.Access.Value), kidOf(t, next.Access.Value))
		time.Sleep(within)
		there.store.Arm()
		require.True(t, there.verifies(t, next))
		require.Zero(t, there.store.Counts()["Keys"], "it had read them before")
		_, _, err := there.Verify(t.Context(), old.Access.Value, old.AntiCSRF)
		require.ErrorIs(t, err, errors.ErrKeyUnknown)
		require.NotErrorIs(t, err, errors.ErrUnauthorised)
		require.Zero(t, there.store.Counts()["Find"], "no session is asked about")

		there.store.Arm()
		time.Sleep(30 * time.Second)
		require.LessOrEqual(t, there.store.Counts()["Keys"], 1, "once is enough")
	})
}

// When the others cannot be told the key is dead here all the same, the call says so,
// and they are told later.
func TestRetireKey_hintFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		here, there := start(t, store), start(t, store)
		time.Sleep(5 * time.Second)
		kid := kidOfNext(t, here)
		here.store.Arm(storetest.Fault{Method: "WriteHint"})
		require.ErrorIs(t, here.RetireKey(t.Context(), kid), errors.ErrUnavailable)
		require.NotEqual(t, kid, kidOfNext(t, here))
		here.store.Arm()
		time.Sleep(time.Second + within)
		require.NotEqual(t, kid, kidOfNext(t, there))
		require.NoError(t, here.RetireKey(t.Context(), kid), "again")
	})
}

// A typing mistake tells nobody anything; nor does a retirement where nobody listens.
func TestRetireKey_writesNoHint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := start(t, memstore.New())
		for kid, want := range map[string]error{"nobody": errors.ErrKeyUnknown, "no/body": errors.ErrInvalidInput, "": errors.ErrInvalidInput} {
			p.store.Arm()
			require.ErrorIs(t, p.RetireKey(t.Context(), kid), want)
			require.Zero(t, p.store.Counts()["WriteHint"], kid)
		}
		quiet := start(t, memstore.New(), func(c *session.Config) { c.Revocation = session.RevokeAtExpiry })
		quiet.store.Arm()
		require.NoError(t, quiet.RetireKey(t.Context(), kidOfNext(t, quiet)))
		require.Zero(t, quiet.store.Counts()["WriteHint"])
	})
}
