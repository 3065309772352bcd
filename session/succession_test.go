package session_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/lineage"
	"github.com/gin-sessionkit/sessionkit/internal/testpage"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// visitor is a page with a visitor's session.
func visitor(t *testing.T, rig *testpage.Rig) *testpage.Page {
	t.Helper()
	page := &testpage.Page{Rig: rig, Cookies: map[string]string{}, Header: http.Header{}}
	page.Do(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
		_, err := rig.Svc.CreateAnonymousHTTP(w, r)
		require.NoError(t, err)
	})
	return page
}

func signsOut(t *testing.T, page *testpage.Page) {
	t.Helper()
	page.Do(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
		require.NoError(t, page.Rig.Svc.SignOutHTTP(w, r))
	})
}

// An attacker plants the cookies of a visitor's session, and signs in with them himself
// too: what that makes is no heir of the victim's session, whoever was faster.
func TestSuccession_twoUsersOfOneVisitor(t *testing.T) {
	t.Parallel()
	for name, later := range map[string]func(t *testing.T, attacker *testpage.Page){
		"a use at once": func(t *testing.T, p *testpage.Page) { require.Equal(t, http.StatusOK, use(t, p)) },
		"a use after the overlap": func(t *testing.T, p *testpage.Page) {
			p.Rig.Clock.Advance(2 * time.Minute)
			require.Equal(t, http.StatusOK, use(t, p))
		},
		"a refresh": func(t *testing.T, p *testpage.Page) {
			p.Rig.Clock.Advance(2 * time.Minute)
			require.Equal(t, http.StatusOK, refreshes(t, p))
		},
		"a sign-out": signsOut,
	} {
		for order, victimFirst := range map[string]bool{"the victim's first": true, "the attacker's first": false} {
			t.Run(name+", "+order, func(t *testing.T) {
				t.Parallel()
				rig := testpage.New(t)
				attacker := visitor(t, rig)
				victim := copied(attacker)
				replace(t, attacker, session.As("mallory"))
				next := replace(t, victim, session.As("victim")).Session.Handle()
				if victimFirst {
					require.Equal(t, http.StatusOK, use(t, victim))
				}
				later(t, attacker)
				require.Equal(t, http.StatusOK, use(t, victim))
				require.Equal(t, http.StatusOK, refreshes(t, victim))
				require.Equal(t, http.StatusOK, use(t, victim))
				require.Equal(t, []string{next}, handlesIn(t, rig, "victim"))
			})
		}
	}
}

// Who signs out with tokens of this very request has signed out of the session before,
// too: a copy of its tokens must not live on.
func TestSuccession_signOutInTheSameRequest(t *testing.T) {
	t.Parallel()
	rig := testpage.New(t)
	page, _ := rig.SignIn(t)
	thief := copied(page)
	page.Do(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
		sess, err := rig.Svc.VerifyHTTP(w, r)
		require.NoError(t, err)
		next, err := sess.Replace(r.Context())
		require.NoError(t, err)
		require.NoError(t, next.Session.Revoke(r.Context()))
	})
	require.Empty(t, page.Cookies)
	require.Empty(t, handlesIn(t, rig, "user-1"))
	require.Equal(t, http.StatusUnauthorized, refreshes(t, thief))
}

// A level that falls while two sessions share a place falls for both, and for what they
// refresh with.
func TestSuccession_levelOfASharedPlace(t *testing.T) {
	t.Parallel()
	rig := testpage.NewWith(t, memstore.New(), nil, session.Config{
		Revocation: session.RevokeImmediately, Cleanup: session.CleanupConfig{Every: session.Off},
	})
	page, _ := rig.SignIn(t, session.Level(2))
	other := copied(page)
	replace(t, page)
	replace(t, other)
	require.Equal(t, http.StatusOK, use(t, page))
	require.Equal(t, http.StatusOK, use(t, other, session.RequireLevel(2)))
	_, err := rig.Svc.Downgrade(t.Context(), "user-1", 1)
	require.NoError(t, err)
	for _, p := range []*testpage.Page{page, other} {
		require.Equal(t, http.StatusForbidden, use(t, p, session.RequireLevel(2)))
		require.Equal(t, http.StatusOK, use(t, p, session.RequireLevel(1)))
	}
	require.Len(t, handlesIn(t, rig, "user-1"), 1, "the place is shared as before")
	signsOut(t, other)
	require.Empty(t, handlesIn(t, rig, "user-1"))
}

// Of two pairs that two tabs got, the one that the browser kept comes to a sign-in: the
// other's session ends too, whose tokens did not come along.
func TestSuccession_signInOverASharedPlace(t *testing.T) {
	t.Parallel()
	for name, verified := range map[string]bool{"a login route": false, "behind Verify": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := testpage.New(t)
			page, _ := rig.SignIn(t)
			other := copied(page)
			replace(t, page)
			replace(t, other)
			require.Equal(t, http.StatusOK, use(t, page))
			other.Do(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
				if verified {
					_, err := rig.Svc.VerifyHTTP(w, r)
					require.NoError(t, err)
				}
				_, err := rig.Svc.CreateHTTP(w, r, "user-2")
				require.NoError(t, err)
			})
			require.Empty(t, handlesIn(t, rig, "user-1"))
			require.Equal(t, http.StatusUnauthorized, refreshes(t, page))
			require.Equal(t, http.StatusOK, use(t, other))
		})
	}
}

// A pair that was lost, and turns up when its session has been replaced many times: it
// is over, and not an outage that never ends.
func TestSuccession_longLine(t *testing.T) {
	t.Parallel()
	rig := testpage.New(t)
	page, _ := rig.SignIn(t)
	lost := copied(page)
	replace(t, lost)
	for range lineage.MaxAttempts + 1 {
		replace(t, page)
		require.Equal(t, http.StatusOK, use(t, page))
		rig.Clock.Advance(2 * time.Minute)
	}
	require.Equal(t, http.StatusUnauthorized, use(t, lost))
	require.Equal(t, http.StatusUnauthorized, refreshes(t, lost))
	require.Equal(t, http.StatusOK, use(t, page))
	require.Equal(t, http.StatusOK, refreshes(t, page))
}

// An absolute lifetime counts from the sign-in: one that has passed by then would sign
// the user out with the very answer.
func TestReplace_lifetimeThatHasPassed(t *testing.T) {
	t.Parallel()
	rig := testpage.New(t)
	page, _ := rig.SignIn(t)
	rig.Clock.Advance(2 * time.Hour)
	require.Equal(t, http.StatusOK, refreshes(t, page))
	page.Do(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
		sess, err := rig.Svc.VerifyHTTP(w, r)
		require.NoError(t, err)
		for _, opts := range [][]session.ReplaceOption{{session.WithLifetime(0, 2*time.Hour)}, {session.WithLifetime(0, 2*time.Hour), session.ReplaceAtOnce()}} {
			_, err = sess.Replace(r.Context(), opts...)
			require.ErrorIs(t, err, errors.ErrInvalidInput)
		}
	})
	require.Equal(t, http.StatusOK, use(t, page), "it goes on as it was")
	replace(t, page, session.WithLifetime(0, 3*time.Hour))
	require.Equal(t, http.StatusOK, use(t, page))
}

// storeBefore calls before once, ahead of an Insert.
type storeBefore struct {
	*memstore.Store
	before func()
}

func (s *storeBefore) Insert(ctx context.Context, row *models.Session) error {
	if before := s.before; before != nil {
		s.before = nil
		before()
	}
	return s.Store.Insert(ctx, row)
}

// A Replace that read the session before another tab gave up a privilege, and is stored
// after that, does not bring the privilege back; nor does one that is stored first.
func TestReplace_besideOneAtOnce(t *testing.T) {
	t.Parallel()
	for name, atOnceFirst := range map[string]bool{"stored after it": true, "stored before it": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := &storeBefore{Store: memstore.New()}
			rig := testpage.NewOn(t, store)
			page, _ := rig.SignIn(t, session.Level(2))
			other := copied(page)
			replaceOther := func() (err error) {
				other.Do(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
					sess, verifyErr := rig.Svc.VerifyHTTP(w, r)
					require.NoError(t, verifyErr)
					_, err = sess.Replace(r.Context())
				})
				return err
			}
			giveUp := func() { replace(t, page, session.ReplaceAtOnce(), session.Level(0)) }
			if atOnceFirst {
				store.before = giveUp
				require.ErrorIs(t, replaceOther(), errors.ErrSessionReplaced)
			} else {
				store.before = func() { require.NoError(t, replaceOther()) }
				giveUp()
				require.Equal(t, http.StatusUnauthorized, use(t, other))
			}
			rig.Clock.Advance(2 * time.Minute)
			require.Equal(t, http.StatusUnauthorized, refreshes(t, other))
			require.Equal(t, http.StatusOK, use(t, page))
			require.Equal(t, http.StatusForbidden, use(t, page, session.RequireLevel(2)))
			require.Equal(t, http.StatusOK, refreshes(t, page))
			require.Len(t, handlesIn(t, rig, "user-1"), 1)
		})
	}
}

// Where the other processes could not be told of a Replace at once, its client has the
// next session's tokens all the same: the ones before are worth nothing any more.
func TestReplaceAtOnce_hintFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		here, there := start(t, store), start(t, store)
		old := here.create(t, "ada")
		here.store.Arm(storetest.Fault{Method: "WriteHint"})
		next, err := old.Session.Replace(t.Context(), session.ReplaceAtOnce())
		require.NoError(t, err)
		here.store.Arm()
		require.True(t, here.verifies(t, next))
		require.False(t, here.verifies(t, old), "this process knows")
		time.Sleep(within)
		require.True(t, there.verifies(t, next))
		list, err := here.List(t.Context(), "ada")
		require.NoError(t, err)
		require.Len(t, list, 1)
	})
}
