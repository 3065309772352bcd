package session_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testpage"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// What is refused leaves no trace: not in the row, not in the session at hand,
// not in the response.
func TestMergePayload_refused(t *testing.T) {
	t.Parallel()
	object := map[string]any{"theme": "dark"}
	deep := json.RawMessage(strings.Repeat("[", 200) + strings.Repeat("]", 200))
	cases := map[string]struct {
		payload any
		members map[string]any
		reason  error
	}{
		"payload is an array":   {[]string{"theme"}, map[string]any{"a": 1}, errors.ErrPayloadNotObject},
		"payload is a string":   {"theme", map[string]any{"a": 1}, errors.ErrPayloadNotObject},
		"payload is null":       {nil, map[string]any{"a": 1}, errors.ErrPayloadNotObject},
		"payload is no object":  {false, map[string]any{"a": nil}, errors.ErrPayloadNotObject},
		"a function":            {object, map[string]any{"a": func() {}}, errors.ErrValueNotJSON},
		"broken JSON":           {object, map[string]any{"a": json.RawMessage(`{"x":`)}, errors.ErrValueNotJSON},
		"two values":            {object, map[string]any{"a": json.RawMessage(`1,"sub":"root"`)}, errors.ErrValueNotJSON},
		"duplicate names":       {object, map[string]any{"a": json.RawMessage(`{"x":1,"x":2}`)}, errors.ErrValueNotJSON},
		"too deep":              {object, map[string]any{"a": deep}, errors.ErrValueTooDeep},
		"access token too big":  {object, map[string]any{"a": strings.Repeat("x", 4096)}, errors.ErrCookieTooLarge},
		"front token too big":   {object, map[string]any{"a": strings.Repeat("ł", 700)}, errors.ErrCookieTooLarge},
		"one of many too big":   {object, map[string]any{"a": 1, "b": strings.Repeat("x", 4096)}, errors.ErrCookieTooLarge},
		"one of many no JSON":   {object, map[string]any{"a": 1, "theme": nil, "b": make(chan int)}, errors.ErrValueNotJSON},
		"one of many reserved":  {object, map[string]any{"a": 1, "theme": nil, "sub": "root"}, errors.ErrReservedClaim},
		"reserved in its value": {object, map[string]any{"iat": json.RawMessage(`0`)}, errors.ErrReservedClaim},
	}
	for _, name := range []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid"} {
		cases["reserved "+name] = struct {
			payload any
			members map[string]any
			reason  error
		}{object, map[string]any{name: 1}, errors.ErrReservedClaim}
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := testpage.New(t)
			page, _ := rig.SignIn(t, session.WithPayload(tc.payload))
			want, err := json.Marshal(tc.payload)
			require.NoError(t, err)
			handles, err := rig.Svc.List(t.Context(), "user-1")
			require.NoError(t, err)

			rig.Store.Arm()
			w := page.Do(t, http.MethodGet, func(w http.ResponseWriter, r *http.Request) {
				sess, err := rig.Svc.VerifyHTTP(w, r)
				require.NoError(t, err)
				_, err = sess.MergePayload(r.Context(), tc.members)
				require.ErrorIs(t, err, errors.ErrInvalidInput)
				require.ErrorIs(t, err, tc.reason)
				require.NotContains(t, err.Error(), "root")
				require.ErrorIs(t, rig.Svc.MergePayload(r.Context(), handles[0].Handle, tc.members), tc.reason)
				var payload json.RawMessage
				err = sess.Payload(&payload)
				require.NoError(t, err)
				require.JSONEq(t, string(want), string(payload))
			})
			require.Empty(t, w.Header().Values("Set-Cookie"))
			require.Empty(t, w.Header().Values("Front-Token"))
			require.Zero(t, rig.Store.Counts()["WritePayload"])
		})
	}
}

// The front token grows where the access token does not: it is ASCII only.
func TestMergePayload_frontTokenIsTheTighterLimit(t *testing.T) {
	t.Parallel()
	off, err := session.New(t.Context(), memstore.New(), session.Config{
		Logger:  slog.New(slog.DiscardHandler),
		Cleanup: session.CleanupConfig{Every: session.Off}, FrontEnds: session.FrontEndConfig{FrontToken: session.SwitchOff},
	})
	require.NoError(t, err)
	t.Cleanup(off.Close)
	tokens, err := off.Create(t.Context(), "user-1")
	require.NoError(t, err)
	_, err = tokens.Session.MergePayload(t.Context(), map[string]any{"a": strings.Repeat("ł", 700)})
	require.NoError(t, err)
}

func TestMergePayload_sessionIsOver(t *testing.T) {
	t.Parallel()
	rig := testpage.New(t)
	require.ErrorIs(t, rig.Svc.MergePayload(t.Context(), "no-such-handle", map[string]any{"a": 1}), errors.ErrUnauthorised)
	page, _ := rig.SignIn(t)
	w := page.Do(t, http.MethodGet, func(w http.ResponseWriter, r *http.Request) {
		sess, err := rig.Svc.VerifyHTTP(w, r)
		require.NoError(t, err)
		_, err = rig.Svc.RevokeAll(r.Context(), "user-1")
		require.NoError(t, err)
		_, err = sess.MergePayload(r.Context(), map[string]any{"a": 1})
		require.ErrorIs(t, err, errors.ErrUnauthorised)
		rig.Svc.WriteError(w, r, err)
	})
	require.Equal(t, http.StatusUnauthorized, w.Code)
	require.Equal(t, "remove", w.Header().Get("Front-Token"))
	require.Empty(t, page.Cookies)
}

// A new access token with the old expiry, and a front token of this moment.
func TestMergePayload_sameExpiryAndIat(t *testing.T) {
	t.Parallel()
	rig := testpage.New(t)
	page, created := rig.SignIn(t, session.WithPayload(map[string]any{"theme": "dark", "lang": "pl"}))
	before := testpage.AccessClaimsOf(t, page.Cookies["sAccessToken"])
	rig.Clock.Advance(17 * time.Minute)

	w := page.Do(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
		sess, err := rig.Svc.VerifyHTTP(w, r)
		require.NoError(t, err)
		ends := sess.ExpiresAt()
		access, err := sess.MergePayload(r.Context(), map[string]any{
			"theme": nil, "lang": json.RawMessage(`null`), "absent": nil, "city": "Łódź 馬 😀",
		})
		require.NoError(t, err)
		require.Equal(t, ends, sess.ExpiresAt())
		require.True(t, ends.Equal(access.ExpiresAt))
		var payload map[string]string
		err = sess.Payload(&payload)
		require.NoError(t, err)
		require.Equal(t, map[string]string{"city": "Łódź 馬 😀"}, payload)
	})
	after := testpage.AccessClaimsOf(t, page.Cookies["sAccessToken"])
	require.Equal(t, before.EXP, after.EXP)
	require.Equal(t, before.IAT, after.IAT)
	front := testpage.FrontTokenOf(t, w)
	require.Equal(t, testpage.FrontTokenOf(t, created).ATE, front.ATE)
	require.Equal(t, "user-1", front.UID)
	require.Equal(t, []string{"city", "exp", "iat", "sub"}, slices.Sorted(maps.Keys(front.UP)))
	require.JSONEq(t, fmt.Sprint(testpage.Epoch.Add(17*time.Minute).Unix()), string(front.UP["iat"]), "the page's, by which it knows the time")
	require.JSONEq(t, `"Łódź 馬 😀"`, string(front.UP["city"]))
	require.Empty(t, w.Header().Values("Anti-Csrf"), "it stays the same")

	// The merged token is one like any other, and its anti-CSRF token still fits.
	page.Do(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
		_, err := rig.Svc.VerifyHTTP(w, r)
		require.NoError(t, err)
	})
}

// Twice in one response: the last word counts, and there is one of each header.
func TestMergePayload_twiceInOneResponse(t *testing.T) {
	t.Parallel()
	rig := testpage.New(t)
	page, _ := rig.SignIn(t)
	w := page.Do(t, http.MethodGet, func(w http.ResponseWriter, r *http.Request) {
		sess, err := rig.Svc.VerifyHTTP(w, r)
		require.NoError(t, err)
		for i := range 2 {
			_, err = sess.MergePayload(r.Context(), map[string]any{fmt.Sprint("m", i): i})
			require.NoError(t, err)
		}
	})
	require.Len(t, w.Header().Values("Set-Cookie"), 1)
	require.Len(t, testpage.AccessClaimsOf(t, page.Cookies["sAccessToken"]).Payload, 2)
	require.Len(t, testpage.FrontTokenOf(t, w).UP, 2+3)
}

// By handle, clients see it after their next refresh and not before.
func TestMergePayload_byHandle(t *testing.T) {
	t.Parallel()
	rig := testpage.New(t)
	page, _ := rig.SignIn(t, session.WithPayload(map[string]any{"role": "admin", "theme": "dark"}))
	handles, err := rig.Svc.List(t.Context(), "user-1")
	require.NoError(t, err)
	require.NoError(t, rig.Svc.MergePayload(t.Context(), handles[0].Handle, map[string]any{"role": nil, "note": "x"}))

	read := func() (payload map[string]string) {
		page.Do(t, http.MethodGet, func(w http.ResponseWriter, r *http.Request) {
			sess, err := rig.Svc.VerifyHTTP(w, r)
			require.NoError(t, err)
			require.NoError(t, sess.Payload(&payload))
		})
		return payload
	}
	require.Equal(t, map[string]string{"role": "admin", "theme": "dark"}, read())
	w := page.Do(t, http.MethodPost, rig.RefreshRoute(t))
	require.Equal(t, map[string]string{"note": "x", "theme": "dark"}, read())
	require.NotContains(t, testpage.FrontTokenOf(t, w).UP, "role")
	require.Contains(t, testpage.FrontTokenOf(t, w).UP, "note")
}

// Requests of one session that merge at the same time. Whoever was told that
// it worked finds its member, and in the tokens at hand too.
func TestMergePayload_concurrentRequests(t *testing.T) {
	t.Parallel()
	const requests, rounds = 6, 20
	rig := testpage.New(t)
	tokens := rig.Create(t)
	var wg sync.WaitGroup
	for i := range requests {
		wg.Go(func() {
			sess, _, err := rig.Verify(t, tokens.Access.Value)
			for round := 0; err == nil && round < rounds; {
				name := fmt.Sprintf("m%d.%d", i, round)
				var access *session.Token
				access, err = sess.MergePayload(t.Context(), map[string]any{name: round})
				if errors.Is(err, errors.ErrConflict) {
					err = nil // told to come back, and does
					continue
				}
				if err == nil && !slices.Contains(testpage.PayloadNames(access.Value), name) {
					err = errors.New("own member is missing")
				}
				round++
			}
			if err != nil {
				t.Errorf("request %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	refreshed, err := rig.Svc.Refresh(t.Context(), tokens.Refresh.Value)
	require.NoError(t, err)
	require.Len(t, testpage.AccessClaimsOf(t, refreshed.Access.Value).Payload, requests*rounds)
}

// Goroutines of one handler share the session and the response: the token that
// goes out has what all of them merged.
func TestMergePayload_concurrentInOneResponse(t *testing.T) {
	t.Parallel()
	const goroutines = 16
	rig := testpage.NewOn(t, yieldingStore{memstore.New()})
	page, _ := rig.SignIn(t)
	w := page.Do(t, http.MethodGet, func(w http.ResponseWriter, r *http.Request) {
		sess, err := rig.Svc.VerifyHTTP(w, r)
		require.NoError(t, err)
		var wg sync.WaitGroup
		for i := range goroutines {
			wg.Go(func() {
				if _, err := sess.MergePayload(r.Context(), map[string]any{fmt.Sprint("m", i): i}); err != nil {
					t.Errorf("goroutine %d: %v", i, err)
				}
				_ = sess.Payload(new(map[string]int))
			})
		}
		wg.Wait()
	})
	require.Len(t, testpage.AccessClaimsOf(t, page.Cookies["sAccessToken"]).Payload, goroutines)
	require.Len(t, testpage.FrontTokenOf(t, w).UP, goroutines+3)
}

// yieldingStore lets others run after each step of a merge, as a database does.
type yieldingStore struct{ session.Store }

func (s yieldingStore) Find(ctx context.Context, handle string) (*models.Session, error) {
	defer yield()
	return s.Store.Find(ctx, handle)
}

func (s yieldingStore) WritePayload(ctx context.Context, w models.PayloadWrite) (bool, error) {
	defer yield()
	return s.Store.WritePayload(ctx, w)
}

func yield() {
	for range 20 {
		runtime.Gosched()
	}
}
