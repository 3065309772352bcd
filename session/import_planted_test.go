package session_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

// deadToken is a way in which a session of ours comes to its end.
type deadToken struct {
	name string
	make func(t *testing.T, k *importKit) *session.Tokens
}

func deadTokens() []deadToken {
	signIn := func(t *testing.T, k *importKit) *session.Tokens {
		t.Helper()
		tokens, err := k.Create(t.Context(), "mallory")
		require.NoError(t, err)
		return tokens
	}
	return []deadToken{
		{"signed out", func(t *testing.T, k *importKit) *session.Tokens {
			t.Helper()
			tokens := signIn(t, k)
			_, err := k.Revoke(t.Context(), tokens.Session.Handle())
			require.NoError(t, err)
			return tokens
		}},
		{"ended by a sign-in", func(t *testing.T, k *importKit) *session.Tokens {
			t.Helper()
			tokens := signIn(t, k)
			_, err := k.store.Revoke(t.Context(), models.Revocation{
				Handle: tokens.Session.Handle(), Reason: models.RevokedByNewLogin, Now: k.clock.Now().UnixMilli(),
			})
			require.NoError(t, err)
			return tokens
		}},
		{"expired", func(t *testing.T, k *importKit) *session.Tokens {
			t.Helper()
			tokens, err := k.Create(t.Context(), "mallory", session.WithLifetime(5*time.Minute, 0))
			require.NoError(t, err)
			k.clock.Advance(5 * time.Minute)
			return tokens
		}},
		{"unknown", func(t *testing.T, k *importKit) *session.Tokens {
			t.Helper()
			tokens := signIn(t, k)
			_, err := k.store.DeleteEnded(t.Context(), models.EndedSessions{Before: k.clock.Now().Add(200 * 24 * time.Hour).UnixMilli(), Limit: 100})
			require.NoError(t, err)
			row, err := k.store.Find(t.Context(), tokens.Session.Handle())
			require.NoError(t, err)
			require.Nil(t, row)
			return tokens
		}},
		{"replaced, which ends it as theft", func(t *testing.T, k *importKit) *session.Tokens {
			t.Helper()
			first := signIn(t, k)
			next, err := k.Refresh(t.Context(), first.Refresh.Value)
			require.NoError(t, err)
			_, err = k.Refresh(t.Context(), next.Refresh.Value)
			require.NoError(t, err)
			return first
		}},
	}
}

// Where a session of ours is over, the browser is told so, and what an earlier system
// has left in it moves it to nobody else's: bob, whom an administrator has signed out,
// is not ada at his next request.
func TestImport_deadTokenOfOursBeside(t *testing.T) {
	t.Parallel()
	for _, dead := range deadTokens() {
		for name, access := range map[string]bool{"with its access token": true, "alone": false} {
			t.Run(dead.name+", "+name, func(t *testing.T) {
				t.Parallel()
				k := newImportKit(t)
				tokens := dead.make(t, k)
				cookies := []string{"sRefreshToken=" + tokens.Refresh.Value, "sRefreshToken=old.first.5"}
				if access {
					cookies = append(cookies, "sAccessToken="+tokens.Access.Value)
				}
				k.clock.Advance(61 * time.Second)
				_, out, err := k.refresh(t, nil, cookies...)
				require.ErrorIs(t, err, errors.ErrUnauthorised)
				for name, c := range out.cookies {
					require.Negative(t, c.MaxAge, name)
				}
				// After a sign-in the next cookies may be on their way.
				require.Equal(t, dead.name == "ended by a sign-in", len(out.cookies) == 0)
				require.Zero(t, k.count(session.EventImported))
			})
		}
	}
}

// prefixedNow has names with a prefix, and takes those of before.
func prefixedNow(c *session.Config) {
	c.Cookie.Prefixes, c.Cookie.Older = session.PrefixHost, []session.OlderCookieConfig{{}}
}

// While the session of ours lives, what an earlier one has left moves nobody.
func TestImport_liveTokenOfOursBeside(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*session.Config){
		"by default": func(*session.Config) {}, "without a proof": func(c *session.Config) { c.AntiCSRF.OnRefresh = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newImportKit(t, change)
			bob, err := k.Create(t.Context(), "bob")
			require.NoError(t, err)
			sess, _, err := k.refresh(t, nil, "sRefreshToken=old.first.5", "sRefreshToken="+bob.Refresh.Value)
			if err == nil {
				require.Equal(t, "bob", sess.UserID())
			} else {
				require.ErrorIs(t, err, errors.ErrAntiCSRF)
			}
			require.Zero(t, k.old.calls)
		})
	}
}

// A session that came over and was signed out here does not live again by its old
// cookie, whatever else is in the jar.
func TestImport_signedOutStaysSo(t *testing.T) {
	t.Parallel()
	k := newImportKit(t)
	mine, err := k.Refresh(t.Context(), "old.first.5")
	require.NoError(t, err)
	_, err = k.Revoke(t.Context(), mine.Session.Handle())
	require.NoError(t, err)
	another := deadTokens()[0].make(t, k).Refresh.Value
	k.clock.Advance(time.Hour)
	for _, dead := range []string{mine.Refresh.Value, another} {
		_, out, err := k.refresh(t, nil, "sRefreshToken="+dead, "sRefreshToken=old.first.5")
		require.ErrorIs(t, err, errors.ErrSessionRevoked)
		require.Negative(t, out.cookies["sRefreshToken"].MaxAge)
	}
	require.Zero(t, k.count(session.EventTheft))
}

// A cookie that nobody removed looks like no theft beside a session that has ended:
// neither the earlier system's replaced token, nor one whose session has moved on here.
func TestImport_leftoversBesideAreNoTheft(t *testing.T) {
	t.Parallel()
	for name, old := range map[string]string{"replaced there": "old.first.3", "moved on here": "old.first.5", "over there": "old.gone.5"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newImportKit(t)
			if name == "moved on here" {
				mine, err := k.Refresh(t.Context(), old)
				require.NoError(t, err)
				_, _, err = k.Verify(t.Context(), mine.Access.Value, mine.AntiCSRF)
				require.NoError(t, err)
			}
			dead := deadTokens()[0].make(t, k).Refresh.Value
			k.clock.Advance(time.Hour)
			_, out, err := k.refresh(t, nil, "sRefreshToken="+dead, "sRefreshToken="+old)
			require.ErrorIs(t, err, errors.ErrSessionRevoked)
			require.Negative(t, out.cookies["sRefreshToken"].MaxAge)
			require.Zero(t, k.count(session.EventTheft))
		})
	}
}

// With prefixes a token of ours that no __Host- cookie names may be a planted one, and
// may be that of a living session whose access cookie went: nothing changes.
func TestImport_prefixedTokenOfOursBeside(t *testing.T) {
	t.Parallel()
	k := newImportKit(t, prefixedNow)
	bob, err := k.Create(t.Context(), "bob")
	require.NoError(t, err)
	_, out, err := k.refresh(t, nil, "__Secure-sRefreshToken="+bob.Refresh.Value, "sRefreshToken=old.first.5")
	require.ErrorIs(t, err, errors.ErrTokenDuplicated)
	require.Empty(t, out.cookies)
	require.Zero(t, k.count(session.EventImported))
}

// RevokeAll reaches what was stored between its two halves in other processes too: the
// end is told to them.
func TestImport_endBetweenIsTold(t *testing.T) {
	t.Parallel()
	k := newImportKit(t, func(c *session.Config) { c.Revocation = session.RevokeSoon })
	k.old.asked = func() { delete(k.old.sessions, "first") }
	_, err := k.Refresh(t.Context(), "old.first.5")
	require.ErrorIs(t, err, errors.ErrUnauthorised)
	page, err := k.ReadFeed(t.Context(), models.FeedQuery{Limit: 100})
	require.NoError(t, err)
	require.Len(t, page.Hints, 1)
	require.Equal(t, models.HintSession, page.Hints[0].Kind)
	require.Equal(t, 1, k.count(session.EventRevoked))
}
