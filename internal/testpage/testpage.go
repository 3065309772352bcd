package session_test

import (
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

// payloadEpoch is a whole second, so that seconds and milliseconds compare.
var payloadEpoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// payloadRig is a service on a store that counts calls, and a clock.
type payloadRig struct {
	svc   *session.Service
	store *storetest.FaultyStore
	clock *sessiontest.Clock
}

func newPayloadRig(t *testing.T) *payloadRig {
	t.Helper()
	return newPayloadRigOn(t, memstore.New())
}

func newPayloadRigOn(t *testing.T, store session.Store) *payloadRig {
	t.Helper()
	rig := &payloadRig{store: storetest.Faulty(store), clock: sessiontest.NewClock(payloadEpoch)}
	svc, err := session.New(t.Context(), rig.store, session.Config{
		Now: rig.clock.Now, Logger: slog.New(slog.DiscardHandler), Cleanup: session.CleanupConfig{Every: session.Off},
	})
	require.NoError(t, err)
	t.Cleanup(svc.Close)
	rig.svc = svc
	return rig
}

// create starts a session without HTTP.
func (rig *payloadRig) create(t *testing.T, opts ...session.CreateOption) *session.Tokens {
	t.Helper()
	tokens, err := rig.svc.Create(t.Context(), "user-1", opts...)
	require.NoError(t, err)
	return tokens
}

// verify verifies without HTTP.
func (rig *payloadRig) verify(t *testing.T, access string, opts ...session.VerifyOption) (*session.Session, *session.Token, error) {
	t.Helper()
	return rig.svc.Verify(t.Context(), access, "", append(opts, session.InsecureSkipAntiCSRF())...)
}

// payloadPage is a browser's page: it keeps cookies and the anti-CSRF token.
type payloadPage struct {
	rig     *payloadRig
	cookies map[string]string
	header  http.Header
}

// signIn is a new page with a session.
func (rig *payloadRig) signIn(t *testing.T, opts ...session.CreateOption) (*payloadPage, *httptest.ResponseRecorder) {
	t.Helper()
	page := &payloadPage{rig: rig, cookies: map[string]string{}, header: http.Header{"St-Auth-Mode": {"cookie"}}}
	w := page.do(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
		_, err := rig.svc.CreateHTTP(w, r, "user-1", opts...)
		require.NoError(t, err)
	})
	return page, w
}

// do sends a request to the handler and keeps what the answer sets.
func (p *payloadPage) do(t *testing.T, method string, handler http.HandlerFunc) *httptest.ResponseRecorder {
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

// guarded is a route that demands opts; reached counts its calls.
func (rig *payloadRig) guarded(reached *int, opts ...session.VerifyOption) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, err := rig.svc.VerifyHTTP(w, r, opts...); err != nil {
			rig.svc.WriteError(w, r, err)
			return
		}
		*reached++
	}
}

func (rig *payloadRig) refreshRoute(t *testing.T) http.HandlerFunc {
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

// payloadNames is accessClaimsOf for goroutines, which must not end the test.
func payloadNames(access string) []string {
	var claims accessClaims
	_, rest, _ := strings.Cut(access, ".")
	body, _, _ := strings.Cut(rest, ".")
	text, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || json.Unmarshal(text, &claims) != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(claims.Payload))
}
