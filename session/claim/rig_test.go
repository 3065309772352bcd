package claim_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/claim"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// claimEpoch is a whole second, so that seconds and milliseconds compare.
var claimEpoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// claimRig is a service on a store that counts calls, and a clock.
type claimRig struct {
	svc   *session.Service
	store *storetest.FaultyStore
	clock *sessiontest.Clock
}

func newClaimRig(t *testing.T) *claimRig {
	t.Helper()
	return newClaimRigOn(t, memstore.New())
}

func newClaimRigOn(t *testing.T, store session.Store) *claimRig {
	t.Helper()
	rig := &claimRig{store: storetest.Faulty(store), clock: sessiontest.NewClock(claimEpoch)}
	svc, err := session.New(t.Context(), rig.store, session.Config{
		Now: rig.clock.Now, Logger: slog.New(slog.DiscardHandler), Cleanup: session.CleanupConfig{Every: session.Off},
	})
	require.NoError(t, err)
	t.Cleanup(svc.Close)
	rig.svc = svc
	return rig
}

// create starts a session without HTTP.
func (rig *claimRig) create(t *testing.T, opts ...session.CreateOption) *session.Tokens {
	t.Helper()
	tokens, err := rig.svc.Create(t.Context(), "user-1", opts...)
	require.NoError(t, err)
	return tokens
}

// verify verifies without HTTP.
func (rig *claimRig) verify(t *testing.T, access string, validators ...session.Validator) (*session.Session, *session.Token, error) {
	t.Helper()
	return rig.svc.Verify(t.Context(), access, "", session.InsecureSkipAntiCSRF(), session.WithClaims(validators...))
}

// claimPage is a browser's page: it keeps cookies and the anti-CSRF token.
type claimPage struct {
	rig     *claimRig
	cookies map[string]string
	header  http.Header
}

// signIn is a new page with a session.
func (rig *claimRig) signIn(t *testing.T, opts ...session.CreateOption) (*claimPage, *httptest.ResponseRecorder) {
	t.Helper()
	page := &claimPage{rig: rig, cookies: map[string]string{}, header: http.Header{"St-Auth-Mode": {"cookie"}}}
	w := page.do(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
		_, err := rig.svc.CreateHTTP(w, r, "user-1", opts...)
		require.NoError(t, err)
	})
	return page, w
}

// do sends a request to the handler and keeps what the answer sets.
func (p *claimPage) do(t *testing.T, method string, handler http.HandlerFunc) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "https://api.example.com/x", nil)
	r.Header = p.header.Clone()
	for name, value := range p.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	x := p.rig.svc.Exchange(w, r)
	handler(x.Writer(), x.Request())
	x.Close()
	res := w.Result()
	defer func() { require.NoError(t, res.Body.Close()) }()
	for _, cookie := range res.Cookies() {
		if cookie.MaxAge < 0 {
			delete(p.cookies, cookie.Name)
			continue
		}
		p.cookies[cookie.Name] = cookie.Value
	}
	if token := res.Header.Get("Anti-Csrf"); token != "" {
		p.header.Set("Anti-Csrf", token)
	}
	return w
}

// guarded is a route behind the validators; reached counts its calls.
func (rig *claimRig) guarded(reached *int, validators ...session.Validator) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, err := rig.svc.VerifyHTTP(w, r, session.WithClaims(validators...)); err != nil {
			rig.svc.WriteError(w, r, err)
			return
		}
		*reached++
	}
}

func (rig *claimRig) refreshRoute(t *testing.T) http.HandlerFunc {
	t.Helper()
	return func(w http.ResponseWriter, r *http.Request) {
		_, err := rig.svc.RefreshHTTP(w, r)
		require.NoError(t, err)
	}
}

// frontToken is what a page reads from the header.
type frontToken struct {
	UID string                     `json:"uid"`
	ATE int64                      `json:"ate"`
	UP  map[string]json.RawMessage `json:"up"`
}

func frontTokenOf(t *testing.T, w *httptest.ResponseRecorder) frontToken {
	t.Helper()
	require.Len(t, w.Header().Values("Front-Token"), 1)
	text, err := base64.StdEncoding.DecodeString(w.Header().Get("Front-Token"))
	require.NoError(t, err)
	var front frontToken
	require.NoError(t, json.Unmarshal(text, &front))
	return front
}

// accessClaims is what is written in an access token.
type accessClaims struct {
	IAT     int64                      `json:"iat"`
	EXP     int64                      `json:"exp"`
	Payload map[string]json.RawMessage `json:"pl"`
}

func accessClaimsOf(t *testing.T, access string) accessClaims {
	t.Helper()
	parts := strings.Split(access, ".")
	require.Len(t, parts, 3)
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	var claims accessClaims
	require.NoError(t, json.Unmarshal(text, &claims))
	return claims
}

// fetchTimes is a Fetch that returns value and counts its calls.
func fetchTimes[V any](calls *int, value V) func(context.Context, string) (V, bool, error) {
	return func(context.Context, string) (V, bool, error) {
		*calls++
		return value, true, nil
	}
}

func single[T claim.Scalar](t *testing.T, cfg claim.Config[T]) claim.Single[T] {
	t.Helper()
	made, err := claim.NewSingle(cfg)
	require.NoError(t, err)
	return made
}

func array[T claim.Scalar](t *testing.T, cfg claim.Config[[]T]) claim.Array[T] {
	t.Helper()
	made, err := claim.NewArray(cfg)
	require.NoError(t, err)
	return made
}

// reasonsOf is the failures as JSON, as they go out.
func reasonsOf(t *testing.T, err error) string {
	t.Helper()
	claimErr := requireClaimError(t, err)
	text, err := json.Marshal(claimErr.Failures)
	require.NoError(t, err)
	return string(text)
}

// fetchVar fetches what value holds at the time.
func fetchVar[V any](calls *int, value *V) func(context.Context, string) (V, bool, error) {
	return func(context.Context, string) (V, bool, error) {
		*calls++
		return *value, true, nil
	}
}
