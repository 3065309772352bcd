package services_test

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/services"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// world is a service with the three routes.
type world struct {
	*session.Service
	store *storetest.FaultyStore
	clock *sessiontest.Clock
	mux   *http.ServeMux
}

const secret = "correct horse battery staple"

// guard lets requests with the secret pass.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if subtle.ConstantTimeCompare([]byte(got), []byte(secret)) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func newWorld(t *testing.T, change ...func(*session.Config)) *world {
	t.Helper()
	w := &world{
		store: storetest.Faulty(memstore.New()), mux: http.NewServeMux(),
		clock: sessiontest.NewClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)),
	}
	cfg := session.Config{
		Issuer: "https://app.example", Audiences: []string{"app"}, Revocation: session.RevokeSoon, Now: w.clock.Now,
		SigningKey: session.SigningKeyConfig{Algorithm: session.ES256}, Logger: slog.New(slog.DiscardHandler),
	}
	for _, f := range change {
		f(&cfg)
	}
	svc, err := session.New(t.Context(), w.store, cfg)
	require.NoError(t, err)
	t.Cleanup(svc.Close)
	w.Service = svc
	w.mux.Handle("/feed", services.Feed(svc, guard))
	w.mux.Handle("/introspect", services.Introspection(svc, guard))
	w.mux.Handle("/revoke", services.Revocation(svc, guard))
	return w
}

// send sends a request that the guard lets pass; change may be nil. Whatever the answer
// is, no cache keeps it.
func (w *world) send(t *testing.T, method, path, body string, change func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+secret)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if change != nil {
		change(r)
	}
	rec := httptest.NewRecorder()
	w.mux.ServeHTTP(rec, r)
	if rec.Code != http.StatusUnauthorized {
		require.Equal(t, "no-store", rec.Header().Get("Cache-Control"))
		require.Equal(t, "nosniff", rec.Header().Get("X-Content-Type-Options"))
		if rec.Body.Len() > 0 {
			require.Equal(t, "application/json", rec.Header().Get("Content-Type"))
			require.True(t, json.Valid(rec.Body.Bytes()))
		}
	}
	return rec
}

func form(pairs ...string) string {
	values := url.Values{}
	for pair := range slices.Chunk(pairs, 2) {
		values.Add(pair[0], pair[1])
	}
	return values.Encode()
}

// introspect returns the answer about a token.
func (w *world) introspect(t *testing.T, text string) string {
	t.Helper()
	rec := w.send(t, http.MethodPost, "/introspect", form("token", text), nil)
	require.Equal(t, http.StatusOK, rec.Code)
	return rec.Body.String()
}

func (w *world) revoke(t *testing.T, text string) {
	t.Helper()
	rec := w.send(t, http.MethodPost, "/revoke", form("token", text), nil)
	require.Equal(t, http.StatusOK, rec.Code)
	require.Empty(t, rec.Body.String())
}

func (w *world) create(t *testing.T, opts ...session.CreateOption) *session.Tokens {
	t.Helper()
	tokens, err := w.Create(t.Context(), "ada", opts...)
	require.NoError(t, err)
	return tokens
}

const inactive = `{"active":false}`

func TestIntrospection_says(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tokens := w.create(t, session.WithPayload(map[string]any{"plan": "pro"}), session.Level(2), session.Authenticated("pwd", "otp"))
	var said map[string]any
	require.NoError(t, json.Unmarshal([]byte(w.introspect(t, tokens.Access.Value)), &said))
	id, ok := said["jti"].(string)
	require.True(t, ok && id != "")
	now := float64(w.clock.Now().Unix())
	require.Equal(t, map[string]any{
		"active": true, "iss": "https://app.example", "aud": "app", "client_id": "app",
		"sub": "ada", "sid": tokens.Session.Handle(), "jti": id,
		"iat": now, "auth_time": now, "exp": now + 3600,
		"acr": "2", "amr": []any{"pwd", "otp"}, "pl": map[string]any{"plan": "pro"},
	}, said)

	plain := w.create(t)
	said = nil
	require.NoError(t, json.Unmarshal([]byte(w.introspect(t, plain.Access.Value)), &said))
	for _, absent := range []string{"acr", "amr", "pl"} {
		require.NotContains(t, said, absent)
	}

	w = newWorld(t, func(c *session.Config) { c.Audiences = []string{"app", "billing"} })
	said = nil
	require.NoError(t, json.Unmarshal([]byte(w.introspect(t, w.create(t).Access.Value)), &said))
	require.Equal(t, []any{"app", "billing"}, said["aud"])
	require.Equal(t, "app", said["client_id"])
}

// Whatever counts for nothing gets one answer, which says nothing else.
func TestIntrospection_inactive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tokens := w.create(t)
	text := tokens.Access.Value
	hmac := newWorld(t, func(c *session.Config) { c.SigningKey.Algorithm = session.HS256 }).create(t)
	other := newWorld(t, func(c *session.Config) { c.Audiences = []string{"other"} }).create(t)
	for name, token := range map[string]string{
		"nonsense": "x", "dots": "a.b.c", "long": strings.Repeat("a", 5000), "control characters": "\x00\n",
		"a refresh token": tokens.Refresh.Value, "an anti-CSRF token": tokens.AntiCSRF, "a handle": tokens.Session.Handle(),
		"changed": text[:len(text)-8] + "AAAAAAAA", "cut": text[:len(text)-1], "unsigned": text[:strings.LastIndex(text, ".")+1],
		"of another service": other.Access.Value, "of another service's secret": hmac.Access.Value,
	} {
		w.store.Arm()
		require.Equal(t, inactive, w.introspect(t, token), name)
		require.Zero(t, w.store.Counts()["Find"], "%s: no SQL for what is not authentic", name)
	}
	require.NotEqual(t, inactive, w.introspect(t, text))
	w.clock.Advance(time.Hour + 6*time.Second)
	require.Equal(t, inactive, w.introspect(t, text), "expired")

	tokens = w.create(t)
	_, err := w.Revoke(t.Context(), tokens.Session.Handle())
	require.NoError(t, err)
	require.Equal(t, inactive, w.introspect(t, tokens.Access.Value), "revoked")
}

// Each token ends its session, of whichever kind it is, and hints do not matter. What
// is no token gets the same answer.
func TestRevocation_ends(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, hint := range []string{"", "access_token", "refresh_token", "no kind at all"} {
		for _, refresh := range []bool{false, true} {
			tokens := w.create(t)
			text := tokens.Access.Value
			if refresh {
				text = tokens.Refresh.Value
			}
			pairs := []string{"token", text}
			if hint != "" {
				pairs = append(pairs, "token_type_hint", hint)
			}
			rec := w.send(t, http.MethodPost, "/revoke", form(pairs...), nil)
			require.Equal(t, http.StatusOK, rec.Code)
			require.Empty(t, rec.Body.String())
			require.Equal(t, inactive, w.introspect(t, tokens.Access.Value))
			_, err := w.Refresh(t.Context(), tokens.Refresh.Value)
			require.ErrorIs(t, err, errors.ErrUnauthorised)
			w.revoke(t, text) // again
		}
	}
	tokens := w.create(t)
	other := newWorld(t, func(c *session.Config) { c.Audiences = []string{"other"} }).create(t)
	for _, text := range []string{
		"x", "a.b.c", tokens.Session.Handle(), tokens.AntiCSRF, tokens.Access.Value + "A", tokens.Refresh.Value[1:],
		other.Access.Value, other.Refresh.Value, strings.Repeat("a", 5000),
	} {
		w.store.Arm()
		w.revoke(t, text)
		require.Zero(t, w.store.Counts()["Revoke"])
		require.Zero(t, w.store.Counts()["WriteHint"])
	}
	require.NotEqual(t, inactive, w.introspect(t, tokens.Access.Value))
}

// Requests that are none are refused by an error of OAuth, and do nothing.
func TestForms_refused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text := w.create(t).Access.Value
	token := form("token", text)
	for _, path := range []string{"/introspect", "/revoke"} {
		for name, row := range map[string]struct {
			body   string
			change func(*http.Request)
			status int
		}{
			"no body":                  {"", nil, 400},
			"no token":                 {form("tokens", text), nil, 400},
			"an empty token":           {form("token", ""), nil, 400},
			"two tokens":               {form("token", text, "token", text), nil, 400},
			"two hints":                {form("token", text, "token_type_hint", "a", "token_type_hint", "b"), nil, 400},
			"the token in the address": {"x=y", func(r *http.Request) { r.URL.RawQuery = token }, 400},
			"bad escapes":              {"token=%zz", nil, 400},
			"semicolons":               {token + ";x=y", nil, 400},
			"JSON":                     {`{"token":"` + text + `"}`, func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, 400},
			"no type":                  {token, func(r *http.Request) { r.Header.Del("Content-Type") }, 400},
			"a multipart form":         {token, func(r *http.Request) { r.Header.Set("Content-Type", "multipart/form-data; boundary=x") }, 400},
			"a large body":             {token + "&x=" + strings.Repeat("x", 16<<10), nil, 413},
		} {
			rec := w.send(t, http.MethodPost, path, row.body, row.change)
			require.Equal(t, row.status, rec.Code, "%s: %s", path, name)
			require.Contains(t, rec.Body.String(), `"error":"invalid_request"`, name)
			require.NotContains(t, rec.Body.String(), text)
		}
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete} {
			rec := w.send(t, method, path+"?"+token, "", nil)
			require.Equal(t, http.StatusMethodNotAllowed, rec.Code)
			require.Equal(t, "POST", rec.Header().Get("Allow"))
		}
	}
	require.NotEqual(t, inactive, w.introspect(t, text), "none of that has ended it")
}

// Whom the guard refuses is told nothing, and nothing is looked at.
func TestGuard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tokens := w.create(t)
	body := form("token", tokens.Access.Value)
	for _, credential := range []string{"", "Bearer", "Bearer ", "Bearer wrong", "Basic " + secret} {
		for _, request := range []struct{ method, path, body string }{
			{http.MethodGet, "/feed?since=0", ""},
			{http.MethodPost, "/feed", ""},
			{http.MethodPost, "/introspect", body},
			{http.MethodGet, "/introspect", ""},
			{http.MethodPost, "/revoke", body},
		} {
			w.store.Arm()
			rec := w.send(t, request.method, request.path, request.body, func(r *http.Request) { r.Header.Set("Authorization", credential) })
			require.Equal(t, http.StatusUnauthorized, rec.Code)
			require.NotContains(t, rec.Body.String(), "ada")
			for _, method := range []string{"Find", "Revoke", "WriteHint"} {
				require.Zero(t, w.store.Counts()[method])
			}
		}
	}
	require.NotEqual(t, inactive, w.introspect(t, tokens.Access.Value))

	for _, route := range []func(*session.Service, func(http.Handler) http.Handler) http.Handler{
		services.Feed, services.Introspection, services.Revocation,
	} {
		require.Panics(t, func() { route(w.Service, nil) })
		require.Panics(t, func() { route(nil, guard) })
	}
}

// page is an answer of the feed.
type page struct {
	Clock int64
	Next  string
	Hints []struct{ ID, Kind, Subject, Owner string }
}

func (w *world) feed(t *testing.T, since string) (p page) {
	t.Helper()
	rec := w.send(t, http.MethodGet, "/feed?since="+url.QueryEscape(since), "", nil)
	require.Equal(t, http.StatusOK, rec.Code)
	require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &p))
	return p
}

func TestFeed_pages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Empty(t, w.feed(t, "0").Hints)
	for i := range 1001 {
		require.NoError(t, w.store.WriteHint(t.Context(), models.Hint{
			ID: models.HintID{1, byte(i), byte(i >> 8)}, Kind: models.HintUser, Subject: fmt.Sprint("user \"<é>\x01 ", i),
		}))
	}
	first := w.feed(t, "0")
	require.Len(t, first.Hints, 1000)
	require.NotEmpty(t, first.Next)
	second := w.feed(t, first.Next)
	require.Len(t, second.Hints, 1)
	require.Empty(t, second.Next)
	seen := map[string]bool{}
	for _, h := range append(first.Hints, second.Hints...) {
		require.Equal(t, "user", h.Kind)
		seen[h.Subject] = true
	}
	require.Len(t, seen, 1001)
	require.True(t, seen["user \"<é>\x01 1000"])
	require.Positive(t, second.Clock)
	require.Empty(t, w.feed(t, fmt.Sprint(second.Clock+1)).Hints)
}

func TestFeed_refused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, since := range []string{
		"", "x", "-1", "1.", "1.zz", ".0011223344556677", "1.00112233445566778899", "99999999999999999999", "00000000000000000000001", "1 2", "1;2", "9223372036854775808",
	} {
		rec := w.send(t, http.MethodGet, "/feed?since="+url.QueryEscape(since), "", nil)
		require.Equal(t, http.StatusBadRequest, rec.Code, since)
		require.Contains(t, rec.Body.String(), `"error":"invalid_request"`)
	}
	require.Equal(t, http.StatusBadRequest, w.send(t, http.MethodGet, "/feed", "", nil).Code)
	require.Empty(t, w.feed(t, "9223372036854775807.ffffffffffffffff").Hints)
	for _, method := range []string{http.MethodHead, http.MethodPost, http.MethodDelete} {
		rec := w.send(t, method, "/feed?since=0", "", nil)
		require.Equal(t, http.StatusMethodNotAllowed, rec.Code)
		require.Equal(t, "GET", rec.Header().Get("Allow"))
	}
	off, err := session.New(t.Context(), memstore.New(), session.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	defer off.Close()
	require.PanicsWithValue(t, "services: Feed: sessionkit: general error: invalid configuration: the feed is off: set Config.Feed.Within, or Config.Revocation to RevokeSoon",
		func() { services.Feed(off, guard) })
}

// Without the database nobody can say: 503 with Retry-After, and the token lives.
func TestRoutes_databaseAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tokens := w.create(t)
	ask := func(status int, code string) {
		for _, request := range []struct{ method, path, body string }{
			{http.MethodGet, "/feed?since=0", ""},
			{http.MethodPost, "/introspect", form("token", tokens.Access.Value)},
			{http.MethodPost, "/revoke", form("token", tokens.Access.Value)},
			{http.MethodPost, "/revoke", form("token", tokens.Refresh.Value)},
		} {
			rec := w.send(t, request.method, request.path, request.body, nil)
			require.Equal(t, status, rec.Code, request.path)
			require.Contains(t, rec.Body.String(), `"error":"`+code+`"`)
			require.Equal(t, status == http.StatusServiceUnavailable, rec.Header().Get("Retry-After") == "1")
		}
	}
	w.store.Arm(storetest.Fault{})
	ask(http.StatusServiceUnavailable, "temporarily_unavailable")
	w.store.Arm(storetest.Fault{Err: errors.ErrGeneral})
	ask(http.StatusInternalServerError, "server_error")
	w.store.Arm()
	w.Close()
	ask(http.StatusServiceUnavailable, "temporarily_unavailable")
}
