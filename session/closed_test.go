package session_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// useless are the methods with an error that do nothing but read what they hold.
var useless = []string{"Session.Payload", "Session.MarshalText"}

// requireEveryMethodRefuses calls each method of value that can fail, so that a new one
// cannot forget to.
func requireEveryMethodRefuses(t *testing.T, value any, arg string) {
	t.Helper()
	v := reflect.ValueOf(value)
	called := 0
	for i := range v.NumMethod() {
		name := v.Type().Elem().Name() + "." + v.Type().Method(i).Name
		m := v.Method(i).Type()
		if m.NumOut() == 0 || m.Out(m.NumOut()-1) != reflect.TypeFor[error]() || slices.Contains(useless, name) {
			continue
		}
		w := httptest.NewRecorder()
		var in []reflect.Value
		for j := range m.NumIn() {
			if m.IsVariadic() && j == m.NumIn()-1 {
				break
			}
			in = append(in, argument(t, m.In(j), w, arg))
		}
		out := v.Method(i).Call(in)
		err, _ := reflect.TypeAssert[error](out[len(out)-1])
		require.ErrorIs(t, err, errors.ErrClosed, name)
		require.ErrorIs(t, err, errors.ErrUnavailable, name)
		for _, result := range out[:len(out)-1] {
			require.True(t, result.IsZero(), name)
		}
		require.Empty(t, w.Header(), name)
		called++
	}
	require.Greater(t, called, 1)
}

func argument(t *testing.T, of reflect.Type, w *httptest.ResponseRecorder, arg string) reflect.Value {
	t.Helper()
	switch of {
	case reflect.TypeFor[context.Context]():
		return reflect.ValueOf(t.Context())
	case reflect.TypeFor[http.ResponseWriter]():
		return reflect.ValueOf(w)
	case reflect.TypeFor[*http.Request]():
		return reflect.ValueOf(request(t, nil, "sAccessToken="+arg, "sRefreshToken="+arg))
	case reflect.TypeFor[string]():
		return reflect.ValueOf(arg)
	default:
		return reflect.Zero(of)
	}
}

// U-4: a Service is used after Close, or was never made.
func TestClosed_everyMethod(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	tokens, err := k.Create(t.Context(), "user")
	require.NoError(t, err)
	detached, _, err := k.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF)
	require.NoError(t, err)
	k.Close()
	k.store.Arm()

	for _, arg := range []string{tokens.Refresh.Value, tokens.Access.Value, tokens.Session.Handle(), "x", ""} {
		requireEveryMethodRefuses(t, k.Service, arg)
		requireEveryMethodRefuses(t, new(session.Service), arg)
		requireEveryMethodRefuses(t, tokens.Session, arg)
		requireEveryMethodRefuses(t, detached, arg)
		requireEveryMethodRefuses(t, k.Exchange(httptest.NewRecorder(), request(t, nil, "sAccessToken="+arg)), arg)
	}

	require.Zero(t, k.store.Calls())
	require.Equal(t, "user", detached.UserID(), "what it holds can be read")
	new(session.Service).Close()
}

// Over HTTP: 503, and the client keeps what it has, whatever that is.
func TestClosed_nothingIsCleared(t *testing.T) {
	t.Parallel()
	calls := map[string]func(*session.Service, http.ResponseWriter, *http.Request) error{
		"verify": func(s *session.Service, w http.ResponseWriter, r *http.Request) error {
			_, err := s.VerifyHTTP(w, r)
			return err
		},
		"refresh": func(s *session.Service, w http.ResponseWriter, r *http.Request) error {
			_, err := s.RefreshHTTP(w, r)
			return err
		},
		"sign-in": func(s *session.Service, w http.ResponseWriter, r *http.Request) error {
			_, err := s.CreateHTTP(w, r, "user")
			return err
		},
		"sign-out": func(s *session.Service, w http.ResponseWriter, r *http.Request) error {
			return s.SignOutHTTP(w, r)
		},
	}
	for _, preset := range []session.Preset{session.PresetAuto, session.PresetRefJWT4} {
		k := newKit(t, func(c *session.Config) { c.FrontEnds.Preset = preset })
		tokens, err := k.Create(t.Context(), "user")
		require.NoError(t, err)
		k.Close()
		k.store.Arm()
		bearer := func(text string) map[string]string {
			return map[string]string{"Authorization": "Bearer " + text, "St-Auth-Mode": "header", "Rid": "session", "Anti-Csrf": tokens.AntiCSRF}
		}
		byCookie := map[string]string{"Rid": "session", "Anti-Csrf": tokens.AntiCSRF, "St-Auth-Mode": "cookie"}
		for name, call := range calls {
			for what, r := range map[string]*http.Request{
				"cookies":           request(t, byCookie, "sAccessToken="+tokens.Access.Value, "sRefreshToken="+tokens.Refresh.Value, "sIdRefreshToken=x"),
				"no hint cookie":    request(t, byCookie, "sAccessToken="+tokens.Access.Value, "sRefreshToken="+tokens.Refresh.Value),
				"garbage":           request(t, byCookie, "sAccessToken=x", "sRefreshToken=x"),
				"access token only": request(t, byCookie, "sAccessToken="+tokens.Access.Value),
				"nothing":           request(t, nil),
				"header, access":    request(t, bearer(tokens.Access.Value)),
				"header, refresh":   request(t, bearer(tokens.Refresh.Value)),
				"header, garbage":   request(t, bearer("x")),
			} {
				w := httptest.NewRecorder()
				err := call(k.Service, w, r)
				require.ErrorIs(t, err, errors.ErrClosed, "%s, %s", name, what)
				k.WriteError(w, r, err)
				require.Equal(t, http.StatusServiceUnavailable, w.Code)
				require.Equal(t, "1", w.Header().Get("Retry-After"))
				for _, header := range []string{"Set-Cookie", "Front-Token", "St-Access-Token", "St-Refresh-Token", "Anti-Csrf", "Id-Refresh-Token"} {
					require.Empty(t, w.Header().Values(header), "%s, %s", name, what)
				}
			}
		}
		require.Zero(t, k.store.Calls())
	}
}

// held is a store that holds every Find and Advance until it is let go.
type held struct {
	session.Store
	on       bool
	entered  chan struct{}
	released chan struct{}
}

func (h *held) hold() {
	if h.on {
		h.entered <- struct{}{}
		<-h.released
	}
}

func (h *held) Find(ctx context.Context, handle string) (*models.Session, error) {
	h.hold()
	return h.Store.Find(ctx, handle)
}

func (h *held) Revoke(ctx context.Context, r models.Revocation) (bool, error) {
	h.hold()
	return h.Store.Revoke(ctx, r)
}

// What is under way when Close is called ends as if it had not been.
func TestClose_callsUnderWay(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(context.Context, *session.Service, *session.Tokens) error{
		"refresh": func(ctx context.Context, svc *session.Service, tokens *session.Tokens) error {
			_, err := svc.Refresh(ctx, tokens.Refresh.Value)
			return err
		},
		"data, modified": func(ctx context.Context, svc *session.Service, tokens *session.Tokens) error {
			return svc.MergePayload(ctx, tokens.Session.Handle(), map[string]any{"a": 1})
		},
		"sign-out": func(ctx context.Context, svc *session.Service, tokens *session.Tokens) error {
			r := httptest.NewRequestWithContext(ctx, http.MethodPost, "https://app.example/auth/signout", nil)
			r.Header.Set("Cookie", "sAccessToken="+tokens.Access.Value)
			r.Header.Set("Anti-Csrf", tokens.AntiCSRF)
			return svc.SignOutHTTP(httptest.NewRecorder(), r)
		},
		"immediate revocation": func(ctx context.Context, svc *session.Service, tokens *session.Tokens) error {
			_, _, err := svc.Verify(ctx, tokens.Access.Value, tokens.AntiCSRF, session.WithRevocation(session.RevokeImmediately))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := &held{Store: memstore.New(), entered: make(chan struct{}), released: make(chan struct{})}
			svc, err := session.New(t.Context(), store, session.Config{})
			require.NoError(t, err)
			tokens, err := svc.Create(t.Context(), "user")
			require.NoError(t, err)
			store.on = true
			ended := make(chan error)
			go func() { ended <- call(t.Context(), svc, tokens) }()
			<-store.entered
			svc.Close()
			go func() {
				for range store.entered {
				}
			}()
			close(store.released)
			require.NoError(t, <-ended)
			close(store.entered)
			require.ErrorIs(t, call(t.Context(), svc, tokens), errors.ErrClosed)
		})
	}
}

// Close by many at once, with calls by many at once: each call succeeds or is refused as
// closed, and none succeeds once any Close has returned.
func TestClose_concurrently(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	tokens, err := k.Create(t.Context(), "user")
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				if _, _, err := k.Verify(t.Context(), tokens.Access.Value, tokens.AntiCSRF); err != nil && !errors.Is(err, errors.ErrClosed) {
					t.Error(err)
				}
				if _, err := k.Refresh(t.Context(), tokens.Refresh.Value); err != nil && !errors.Is(err, errors.ErrClosed) {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			k.Close()
			if _, err := k.List(t.Context(), "user"); !errors.Is(err, errors.ErrClosed) {
				t.Error("used after Close returned:", err)
			}
		})
	}
	wg.Wait()
}
