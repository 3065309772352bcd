package session_test

import (
	"strconv"
	"strings"
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

// Where the others could not be told, and nobody repeats what ended the session, this
// process tells them as soon as it can: also one that does not read the feed itself.
func TestRevokeSoon_toldLater(t *testing.T) {
	t.Parallel()
	enders := map[string]func(*testing.T, *process, *session.Tokens){
		"theft": func(t *testing.T, p *process, victim *session.Tokens) {
			first, err := p.Refresh(t.Context(), victim.Refresh.Value)
			require.NoError(t, err)
			_, _, err = p.Verify(t.Context(), first.Access.Value, first.AntiCSRF)
			require.NoError(t, err)
			_, err = p.Refresh(t.Context(), victim.Refresh.Value)
			require.ErrorIs(t, err, errors.ErrTokenTheft)
		},
		"sign-out": func(t *testing.T, p *process, victim *session.Tokens) {
			sess, _, err := p.Verify(t.Context(), victim.Access.Value, victim.AntiCSRF)
			require.NoError(t, err)
			require.ErrorIs(t, sess.Revoke(t.Context()), errors.ErrUnavailable)
		},
		"RevokeAll": func(t *testing.T, p *process, _ *session.Tokens) {
			_, err := p.RevokeAll(t.Context(), "ada")
			require.ErrorIs(t, err, errors.ErrUnavailable)
		},
	}
	for name, end := range enders {
		for _, mode := range []session.RevocationMode{session.RevokeSoon, session.RevokeAtExpiry} {
			t.Run(name+strconv.Itoa(int(mode)), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					store := memstore.New()
					there := start(t, store)
					here := start(t, store, func(cfg *session.Config) { cfg.Revocation = mode })
					victim := there.create(t, "ada")
					here.store.Arm(storetest.Fault{Method: "WriteHint"})
					end(t, here, victim)
					time.Sleep(time.Minute)
					require.True(t, there.verifies(t, victim), "it cannot know")
					here.store.Arm()
					time.Sleep(5*time.Second + within)
					require.False(t, there.verifies(t, victim))
					wrote := here.store.Counts()["WriteHint"]
					time.Sleep(time.Hour)
					require.Equal(t, wrote, here.store.Counts()["WriteHint"], "once is enough")
				})
			})
		}
	}
}

// Beyond a thousand there is one about everybody.
func TestRevokeSoon_toldLaterBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		p := start(t, store)
		p.store.Arm(storetest.Fault{Method: "WriteHint"})
		for i := range 1500 {
			_, err := p.RevokeAll(t.Context(), "user-"+strconv.Itoa(i))
			require.ErrorIs(t, err, errors.ErrUnavailable)
		}
		require.ErrorIs(t, p.RefetchClaims(t.Context(), "ada"), errors.ErrUnavailable)
		_, err := p.RevokeAll(t.Context(), strings.Repeat("x", models.MaxUserID+1))
		require.NoError(t, err, "there is nobody to tell of")
		p.store.Arm()
		time.Sleep(time.Minute)
		page, err := store.ReadFeed(t.Context(), models.FeedQuery{})
		require.NoError(t, err)
		kinds := map[models.HintKind]int{}
		for _, h := range page.Hints {
			kinds[h.Kind]++
		}
		require.Equal(t, map[models.HintKind]int{models.HintAll: 1, models.HintUser: 499}, kinds)
	})
}
