package session_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testpage"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// signsIn has a visitor sign in, and returns the error of that.
func signsIn(t *testing.T, page *testpage.Page) (err error) {
	t.Helper()
	page.Do(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
		sess, verifyErr := page.Rig.Svc.VerifyHTTP(w, r)
		require.NoError(t, verifyErr)
		_, err = sess.Replace(r.Context(), session.As("user-1"))
	})
	return err
}

func limitedTo1(t *testing.T, policy session.LimitPolicy) *testpage.Rig {
	t.Helper()
	return testpage.NewWith(t, memstore.New(), nil, session.Config{
		MaxSessions: session.LimitConfig{N: 1, Policy: policy}, Cleanup: session.CleanupConfig{Every: session.Off},
	})
}

// Sign-ins of visitors count from the answer on, used or not: else any number of them
// could be collected, and then be used.
func TestVisitorSignIn_countsBeforeItsUse(t *testing.T) {
	t.Parallel()
	for name, policy := range map[string]session.LimitPolicy{
		"oldest": session.EvictOldest, "idlest": session.EvictIdlest, "refuse": session.RefuseNew,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := limitedTo1(t, policy)
			pages := []*testpage.Page{visitor(t, rig), visitor(t, rig), visitor(t, rig)}
			for i, page := range pages {
				err := signsIn(t, page)
				require.Equal(t, policy == session.RefuseNew && i > 0, errors.Is(err, errors.ErrSessionLimit), "%v", err)
				rig.Clock.Advance(time.Second)
			}
			for _, page := range pages {
				use(t, page)
			}
			require.Len(t, handlesIn(t, rig, "user-1"), 1)
			_, err := rig.Svc.Create(t.Context(), "user-1")
			require.Equal(t, policy == session.RefuseNew, errors.Is(err, errors.ErrSessionLimit), "%v", err)
			require.Len(t, handlesIn(t, rig, "user-1"), 1)
		})
	}
}

// A lost answer of a sign-in takes no place from the next attempt of the same visitor.
func TestVisitorSignIn_lostAnswer(t *testing.T) {
	t.Parallel()
	rig := limitedTo1(t, session.RefuseNew)
	page := visitor(t, rig)
	require.NoError(t, signsIn(t, copied(page)))
	require.NoError(t, signsIn(t, page))
	require.Equal(t, http.StatusOK, use(t, page))
	require.Len(t, handlesIn(t, rig, "user-1"), 1)

	before := handlesIn(t, rig, "user-1")[0]
	require.False(t, rowOf(t, rig, replace(t, page).Session.Handle()).Flags.Has(models.FlagSignIn),
		"a step-up is no sign-in: it continues %s", before)
	require.Equal(t, http.StatusOK, use(t, page))
}

// A sign-in in a browser that was a visitor's is told as every other is.
func TestVisitorSignIn_newDevice(t *testing.T) {
	t.Parallel()
	var notices []bool
	rig := testpage.NewWith(t, memstore.New(), nil, session.Config{
		NewDeviceNotice: true, Cleanup: session.CleanupConfig{Every: session.Off},
		OnEvent: func(e session.Event) {
			if e.Kind == session.EventCreated && e.UserID == "user-1" {
				notices = append(notices, e.NewDevice)
			}
		},
	})
	page := visitor(t, rig)
	require.NoError(t, signsIn(t, page))
	page.Do(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
		_, err := rig.Svc.CreateHTTP(w, r, "user-1")
		require.NoError(t, err)
	})
	require.NoError(t, signsIn(t, visitor(t, rig)))
	require.Equal(t, []bool{true, false, true}, notices)
}

// A visitor proves nothing by a Replace that is no sign-in, and stays a visitor.
func TestVisitor_hasNoLevel(t *testing.T) {
	t.Parallel()
	rig := testpage.New(t)
	page := visitor(t, rig)
	for name, opt := range map[string]session.CreateOption{"level": session.Level(2), "methods": session.Authenticated("pwd")} {
		page.Do(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
			sess, err := rig.Svc.VerifyHTTP(w, r)
			require.NoError(t, err)
			_, err = sess.Replace(r.Context(), opt)
			require.ErrorIs(t, err, errors.ErrInvalidInput, name)
		})
	}
	require.True(t, replace(t, page).Session.Anonymous())
	require.Equal(t, http.StatusOK, use(t, page))
	require.Equal(t, http.StatusForbidden, use(t, page, session.RequireUser()))
}
