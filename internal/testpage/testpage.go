// Package testpage is a service on a store that counts its calls, and pages that keep
// what it sends them: for the tests of packages session, claim and middleware.
package testpage

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// Epoch is a whole second, so that seconds and milliseconds compare.
var Epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Rig is a service on a store that counts calls and fails on demand.
type Rig struct {
	Kit   *sessiontest.Kit
	Svc   *session.Service
	Store *storetest.FaultyStore
	Clock *sessiontest.Clock
}

// New is a rig on a store in memory.
func New(t *testing.T) *Rig {
	t.Helper()
	return NewOn(t, memstore.New())
}

// NewOn is a rig on store.
func NewOn(t *testing.T, store session.Store) *Rig {
	t.Helper()
	return NewWith(t, store, sessiontest.NewClock(Epoch), session.Config{Cleanup: session.CleanupConfig{Every: session.Off}})
}

// NewWith is a rig of these settings, on a store and with a clock that others may use
// too; nil is a new clock. It logs nothing unless cfg has a logger.
func NewWith(t *testing.T, store session.Store, clock *sessiontest.Clock, cfg session.Config) *Rig {
	t.Helper()
	cfg.Logger = cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler))
	faulty := storetest.Faulty(store)
	kit := sessiontest.NewOn(t, faulty, clock, cfg)
	return &Rig{kit, kit.Service, faulty, kit.Clock}
}

// Create starts a session without HTTP.
func (rig *Rig) Create(t *testing.T, opts ...session.CreateOption) *session.Tokens {
	t.Helper()
	tokens, err := rig.Svc.Create(t.Context(), "user-1", opts...)
	require.NoError(t, err)
	return tokens
}

// Verify verifies without HTTP.
func (rig *Rig) Verify(t *testing.T, access string, opts ...session.VerifyOption) (*session.Session, *session.Token, error) {
	t.Helper()
	return rig.Svc.Verify(t.Context(), access, "", append(opts, session.InsecureSkipAntiCSRF())...)
}

// Page is a browser's page: it keeps cookies and the anti-CSRF token.
type Page struct {
	Rig     *Rig
	Cookies map[string]string
	Header  http.Header
}

// SignIn is a new page with a session.
func (rig *Rig) SignIn(t *testing.T, opts ...session.CreateOption) (*Page, *httptest.ResponseRecorder) {
	t.Helper()
	page := &Page{Rig: rig, Cookies: map[string]string{}, Header: http.Header{"St-Auth-Mode": {"cookie"}}}
	w := page.Do(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
		_, err := rig.Svc.CreateHTTP(w, r, "user-1", opts...)
		require.NoError(t, err)
	})
	return page, w
}

// Do sends a request to the handler and keeps what the answer sets.
func (p *Page) Do(t *testing.T, method string, handler http.HandlerFunc) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "https://api.example.com/x", nil)
	r.Header = p.Header.Clone()
	for name, value := range p.Cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value}) //nolint:gosec // cookies of a request have no attributes
	}
	w := httptest.NewRecorder()
	x := p.Rig.Svc.Exchange(w, r)
	handler(x.Writer(), x.Request())
	x.Close()
	res := w.Result()
	defer func() { require.NoError(t, res.Body.Close()) }()
	for _, cookie := range res.Cookies() {
		if cookie.MaxAge < 0 {
			delete(p.Cookies, cookie.Name)
			continue
		}
		p.Cookies[cookie.Name] = cookie.Value
	}
	if token := res.Header.Get("Anti-Csrf"); token != "" {
		p.Header.Set("Anti-Csrf", token)
	}
	return w
}

// Guarded is a route that demands opts; reached counts its calls.
func (rig *Rig) Guarded(reached *int, opts ...session.VerifyOption) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, err := rig.Svc.VerifyHTTP(w, r, opts...); err != nil {
			rig.Svc.WriteError(w, r, err)
			return
		}
		*reached++
	}
}

// RefreshRoute is a refresh that must succeed.
func (rig *Rig) RefreshRoute(t *testing.T) http.HandlerFunc {
	t.Helper()
	return func(w http.ResponseWriter, r *http.Request) {
		_, err := rig.Svc.RefreshHTTP(w, r)
		require.NoError(t, err)
	}
}

// FrontToken is what a page reads from the header.
type FrontToken struct {
	UID string                     `json:"uid"`
	ATE int64                      `json:"ate"`
	UP  map[string]json.RawMessage `json:"up"`
}

// FrontTokenOf reads the header of an answer.
func FrontTokenOf(t *testing.T, w *httptest.ResponseRecorder) FrontToken {
	t.Helper()
	require.Len(t, w.Header().Values("Front-Token"), 1)
	text, err := base64.StdEncoding.DecodeString(w.Header().Get("Front-Token"))
	require.NoError(t, err)
	var front FrontToken
	require.NoError(t, json.Unmarshal(text, &front))
	return front
}

// AccessClaims is what is written in an access token.
type AccessClaims struct {
	IAT     int64                      `json:"iat"`
	EXP     int64                      `json:"exp"`
	Payload map[string]json.RawMessage `json:"pl"`
}

// AccessClaimsOf reads an access token.
func AccessClaimsOf(t *testing.T, access string) AccessClaims {
	t.Helper()
	parts := strings.Split(access, ".")
	require.Len(t, parts, 3)
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	var claims AccessClaims
	require.NoError(t, json.Unmarshal(text, &claims))
	return claims
}

// PayloadNames is AccessClaimsOf for goroutines, which must not end the test.
func PayloadNames(access string) []string {
	var claims AccessClaims
	_, rest, _ := strings.Cut(access, ".")
	body, _, _ := strings.Cut(rest, ".")
	text, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || json.Unmarshal(text, &claims) != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(claims.Payload))
}
