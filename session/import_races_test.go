package session_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// A RevokeAll between the first look and an INSERT whose answer is lost ends it.
func TestImport_lostInsertBesideRevokeAll(t *testing.T) {
	t.Parallel()
	store := storetest.Faulty(memstore.New())
	k := newImportKitOn(t, store)
	once := sync.Once{}
	k.old.asked = func() { once.Do(func() { delete(k.old.sessions, "first") }) }
	store.Arm(storetest.Fault{Method: "Insert", Mode: storetest.ErrorAfter})
	_, err := k.Refresh(t.Context(), "old.first.5")
	store.Arm()
	require.ErrorIs(t, err, errors.ErrUnauthorised)
	require.Empty(t, k.devicesOfAda(t))
}

// What was ended here stays so when Sunset is moved later.
func TestImport_sunsetMovedLater(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	k := newImportKitOn(t, store, func(c *session.Config) {
		c.RefreshTokenValidity, c.Cleanup.Every = 24*time.Hour, session.Off
		c.Import.Sunset = began.Add(11 * 24 * time.Hour)
	})
	got, err := k.Refresh(t.Context(), "old.first.5")
	require.NoError(t, err)
	_, err = k.Revoke(t.Context(), got.Session.Handle())
	require.NoError(t, err)
	k.clock.Advance(10*24*time.Hour + time.Hour)
	_, err = store.DeleteEnded(t.Context(), models.EndedSessions{Before: k.clock.Now().UnixMilli(), Limit: 100})
	require.NoError(t, err)
	k2 := newKitOn(t, store, k.clock, func(c *session.Config) {
		c.Import = session.ImportConfig{From: k.old, Key: importKey, Sunset: k.clock.Now().Add(10 * 24 * time.Hour)}
	})
	_, err = k2.Refresh(t.Context(), "old.first.5")
	require.Error(t, err, "signed out here, and back")
}

// A session whose beginning nobody knows proves nothing recent.
func TestAdopt_isNoRecentProof(t *testing.T) {
	t.Parallel()
	k := newImportKit(t)
	run := func(handle string, h map[string]string) (*session.Session, *httptest.ResponseRecorder) {
		w := httptest.NewRecorder()
		r := request(t, h)
		r.Method = http.MethodGet
		x := k.Exchange(w, r)
		s, err := x.Adopt(func() (session.Imported, bool) {
			return session.Imported{Handle: handle, UserID: "ada", ExpiresAt: k.clock.Now().Add(time.Hour)}, true
		})
		require.NoError(t, err)
		x.Writer().WriteHeader(http.StatusOK)
		x.Close()
		return s, w
	}
	s, w := run("h1", nil)
	require.NotNil(t, s)
	var at string
	for _, c := range w.Result().Cookies() {
		if c.Name == "sAccessToken" {
			at = c.Value
		}
	}
	_, err := k.VerifyHTTP(httptest.NewRecorder(), request(t, nil, "sAccessToken="+at), session.InsecureSkipAntiCSRF())
	require.NoError(t, err)
	_, err = k.VerifyHTTP(httptest.NewRecorder(), request(t, nil, "sAccessToken="+at), session.RequireRecentAuth(time.Minute), session.InsecureSkipAntiCSRF())
	require.ErrorIs(t, err, errors.ErrStepUp)
}

// A header that any script can set makes no token that it can read.
func TestAdopt_noTokensForScripts(t *testing.T) {
	t.Parallel()
	k := newImportKit(t)
	w := httptest.NewRecorder()
	r := request(t, map[string]string{"st-auth-mode": "header"})
	r.Method = http.MethodGet
	r.Header.Set("Cookie", "old=ada")
	x := k.Exchange(w, r)
	_, err := x.Adopt(func() (session.Imported, bool) {
		return session.Imported{Handle: "h2", UserID: "ada", ExpiresAt: k.clock.Now().Add(time.Hour)}, true
	})
	require.NoError(t, err)
	x.Writer().WriteHeader(http.StatusOK)
	x.Close()
	require.Empty(t, w.Header().Get("st-refresh-token"))
	require.Contains(t, strings.Join(w.Header().Values("Set-Cookie"), "\n"), "sRefreshToken=")
}

// An honest token that is hidden behind planted ones is not passed over.
func TestImport_hiddenBehindOthers(t *testing.T) {
	t.Parallel()
	k := newImportKit(t)
	k.old.signIn("planted", "mallory")
	cookies := []string{"sRefreshToken=old.planted.5"}
	for i := range 15 {
		cookies = append(cookies, "sRefreshToken=junk"+string(rune('a'+i)))
	}
	_, out, err := k.refresh(t, nil, append(cookies, "sRefreshToken=old.first.5")...)
	require.Error(t, err)
	require.Empty(t, out.cookies, "nothing is cleared")
}

// hookedStore does something before a Find, and after an Insert.
type hookedStore struct {
	session.Store
	find []func()
	ins  func()
}

func (s *hookedStore) Find(ctx context.Context, h string) (*models.Session, error) {
	if len(s.find) > 0 {
		f := s.find[0]
		s.find = s.find[1:]
		f()
	}
	return s.Store.Find(ctx, h)
}

func (s *hookedStore) Insert(ctx context.Context, r *models.Session) error {
	err := s.Store.Insert(ctx, r)
	if s.ins != nil {
		s.ins()
	}
	return err
}

// A client that hangs up does not stop the second look.
func TestImport_clientHangsUp(t *testing.T) {
	t.Parallel()
	z := &hookedStore{Store: memstore.New()}
	k := newImportKitOn(t, z)
	ctxA, hangUp := context.WithCancel(t.Context())
	z.ins = hangUp
	z.find = []func(){func() { // B has read the earlier system
		_, err := k.Refresh(ctxA, "old.first.5") // A
		require.Error(t, err)
	}, func() { // A has, too
		_, err := k.RevokeAll(t.Context(), "ada")
		require.NoError(t, err)
	}}
	_, err := k.Refresh(t.Context(), "old.first.5")
	require.ErrorIs(t, err, errors.ErrUnauthorised)
	require.Empty(t, k.devicesOfAda(t))
}
