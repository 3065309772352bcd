package middleware_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

var adoptKey = []byte("an import key of 32 bytes or more")

// adoptBegan is when the clock of a site begins.
var adoptBegan = time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)

// adopting is a site with /page, which serves whoever has a session of ours, or the
// cookie "old", which is user:id and is asked about.
type adopting struct {
	*site
	asked   atomic.Int64
	events  atomic.Int64
	refusal atomic.Pointer[error]
	payload any
	// hold, if set, has all requests wait before they are looked at.
	hold func()
}

func newAdopting(t *testing.T, change ...func(*session.Config)) *adopting {
	t.Helper()
	a := &adopting{}
	set := func(c *session.Config) {
		c.Import = session.ImportConfig{Key: adoptKey, Sunset: adoptBegan.Add(60 * 24 * time.Hour)}
		c.OnEvent = func(e session.Event) {
			if e.Kind == session.EventImported {
				a.events.Add(1)
			}
		}
		c.OnRefusal = func(_ *http.Request, err error) { a.refusal.Store(&err) }
	}
	a.site = newSite(t, append([]func(*session.Config){set}, change...)...)
	pages := a.router.Group("/", func(*gin.Context) {
		if a.hold != nil {
			a.hold()
		}
	}, middleware.Adopt(a.svc, a.old), middleware.VerifyOptional(a.svc))
	serve := func(c *gin.Context) {
		if sess := current(c); sess != nil {
			c.String(http.StatusOK, "ours "+sess.UserID())
			return
		}
		if old, ok := a.old(c); ok {
			c.String(http.StatusOK, "old "+old.UserID)
			return
		}
		c.String(http.StatusOK, "visitor")
	}
	pages.GET("/page", serve)
	pages.POST("/page", serve)
	return a
}

func (a *adopting) old(c *gin.Context) (session.Imported, bool) {
	a.asked.Add(1)
	text, err := c.Cookie("old")
	user, id, ok := strings.Cut(text, ":")
	return session.Imported{
		Handle: id, UserID: user, Payload: a.payload, ExpiresAt: adoptBegan.Add(30 * 24 * time.Hour),
	}, err == nil && ok
}

func (a *adopting) get(t *testing.T, method string, cookies ...string) (*httptest.ResponseRecorder, map[string]string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "https://app.example/page", nil)
	r.Header.Set("Cookie", strings.Join(cookies, "; "))
	r.Header.Set("User-Agent", "a browser")
	w := httptest.NewRecorder()
	a.router.ServeHTTP(w, r)
	set := map[string]string{}
	for _, c := range w.Result().Cookies() {
		if c.MaxAge >= 0 {
			set[c.Name] = c.Value
		}
	}
	return w, set
}

// Ten requests of one browser at once, in strict mode: one session, one refresh token,
// and whichever answer the browser keeps, it goes on.
func TestAdopt_tenAtOnce(t *testing.T) {
	t.Parallel()
	a := newAdopting(t)
	const tabs = 10
	gate := make(chan struct{})
	a.hold = func() { <-gate }
	var all sync.WaitGroup
	sets, bodies := make([]map[string]string, tabs), make([]string, tabs)
	for i := range tabs {
		all.Go(func() {
			w, set := a.get(t, http.MethodGet, "old=ada:7")
			sets[i], bodies[i] = set, w.Body.String()
		})
	}
	close(gate)
	all.Wait()
	access := map[string]bool{}
	for i := range tabs {
		require.Equal(t, "ours ada", bodies[i])
		require.NotEmpty(t, sets[i]["sRefreshToken"])
		require.Equal(t, sets[0]["sRefreshToken"], sets[i]["sRefreshToken"], "one token, which no tab can replace for the others")
		access[sets[i]["sAccessToken"]] = true
	}
	require.Len(t, access, tabs)
	list, err := a.svc.List(t.Context(), "ada")
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, "a browser", list[0].UserAgent)
	require.Positive(t, a.events.Load())

	for i := range tabs {
		w, _ := a.get(t, http.MethodGet, "old=ada:7", "sAccessToken="+sets[i]["sAccessToken"])
		require.Equal(t, "ours ada", w.Body.String())
	}
	first, err := a.svc.Refresh(t.Context(), sets[3]["sRefreshToken"])
	require.NoError(t, err)
	_, err = a.svc.Refresh(t.Context(), sets[8]["sRefreshToken"])
	require.NoError(t, err, "an answer was lost")
	_, err = a.svc.Refresh(t.Context(), first.Refresh.Value)
	require.NoError(t, err)

	// The session has moved on. A tab that asks only now gets nothing, and is served.
	w, set := a.get(t, http.MethodGet, "old=ada:7")
	require.Equal(t, "old ada", w.Body.String())
	require.Empty(t, set)
	_, err = a.svc.Refresh(t.Context(), sets[0]["sRefreshToken"])
	require.ErrorIs(t, err, errors.ErrTokenTheft, "as of any other session")
	w, set = a.get(t, http.MethodGet, "old=ada:7")
	require.Equal(t, "old ada", w.Body.String(), "what ends the earlier one is the application's affair")
	require.Empty(t, set)
}

// An answer that was lost is given again, whatever keys have come since.
func TestAdopt_again(t *testing.T) {
	t.Parallel()
	a := newAdopting(t, func(c *session.Config) { c.SigningKey.Rotation = time.Hour })
	_, first := a.get(t, http.MethodGet, "old=ada:7")
	for range 20 {
		a.clock.Advance(24 * time.Hour)
		_, again := a.get(t, http.MethodGet, "old=ada:7")
		require.Equal(t, first["sRefreshToken"], again["sRefreshToken"])
	}
}

func TestAdopt_whoGetsNothing(t *testing.T) {
	t.Parallel()
	a := newAdopting(t)
	_, mine := a.get(t, http.MethodGet, "old=ada:7")
	asked := a.asked.Load()
	for _, row := range []struct {
		name, method, body string
		cookies            []string
	}{
		{"a POST", http.MethodPost, "old bob", []string{"old=bob:8"}},
		{"a visitor", http.MethodGet, "visitor", nil},
		{"who has a session of ours", http.MethodGet, "ours ada", []string{"old=bob:8", "sAccessToken=" + mine["sAccessToken"]}},
	} {
		w, set := a.get(t, row.method, row.cookies...)
		require.Equal(t, row.body, w.Body.String(), row.name)
		require.Empty(t, set, row.name)
	}
	require.EqualValues(t, asked+3, a.asked.Load(), "asked by the handler, and once for the visitor")
	a.clock.Advance(2 * time.Hour)
	w, set := a.get(t, http.MethodGet, "old=bob:8", "sAccessToken="+mine["sAccessToken"])
	require.Equal(t, http.StatusUnauthorized, w.Code, "it is there and wants a refresh")
	require.Empty(t, set)

	a.clock.Advance(60 * 24 * time.Hour)
	w, set = a.get(t, http.MethodGet, "old=bob:8")
	require.Equal(t, "old bob", w.Body.String(), "after Sunset")
	require.Empty(t, set)
}

// A session that has ended here is not adopted again, and another user under the same
// earlier session is another session.
func TestAdopt_ended(t *testing.T) {
	t.Parallel()
	a := newAdopting(t, func(c *session.Config) { c.RefreshTokenValidity = 24 * time.Hour })
	a.get(t, http.MethodGet, "old=ada:7")
	n, err := a.svc.RevokeAll(t.Context(), "ada")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	for range 29 {
		a.clock.Advance(24 * time.Hour)
		w, set := a.get(t, http.MethodGet, "old=ada:7")
		require.Equal(t, "old ada", w.Body.String())
		require.Empty(t, set)
	}
	w, set := a.get(t, http.MethodGet, "old=bob:7")
	require.Equal(t, "ours bob", w.Body.String())
	require.NotEmpty(t, set)
}

// What cannot be adopted is counted, and the earlier session serves.
func TestAdopt_refused(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		cookie  string
		payload any
		reason  error
	}{
		"reserved names": {"old=ada:7", map[string]any{"exp": 1}, errors.ErrReservedClaim},
		"no handle":      {"old=ada:", nil, errors.ErrInvalidInput},
		"no user":        {"old=:7", nil, errors.ErrUserIDInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAdopting(t)
			a.payload = row.payload
			w, set := a.get(t, http.MethodGet, row.cookie)
			require.Equal(t, http.StatusOK, w.Code)
			require.True(t, strings.HasPrefix(w.Body.String(), "old "))
			require.Empty(t, set)
			require.ErrorIs(t, *a.refusal.Load(), row.reason)
		})
	}
	t.Run("the database is away", func(t *testing.T) {
		t.Parallel()
		a := newAdopting(t)
		a.store.Arm(storetest.Fault{})
		w, set := a.get(t, http.MethodGet, "old=ada:7")
		require.Equal(t, "old ada", w.Body.String())
		require.Empty(t, set)
	})
}

func TestAdopt_setUp(t *testing.T) {
	t.Parallel()
	without := newSite(t)
	old := func(*gin.Context) (session.Imported, bool) { return session.Imported{}, false }
	require.PanicsWithValue(t, "middleware.Adopt: sessionkit: general error: invalid configuration: Adopt needs Config.Import.Key and Sunset",
		func() { middleware.Adopt(without.svc, old) })
	with := newAdopting(t)
	require.Panics(t, func() { middleware.Adopt(with.svc, nil) })
	require.Panics(t, func() { middleware.Adopt(nil, old) })
}
