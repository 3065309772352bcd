package session_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/internal/testpage"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// kit is a service on the in-memory store, which fails on demand.
type kit struct {
	*session.Service
	*sessiontest.Kit
	clock *sessiontest.Clock
	store *storetest.FaultyStore
}

func newKit(t *testing.T, change ...func(*session.Config)) *kit {
	t.Helper()
	return newKitOn(t, memstore.New(), nil, change...)
}

// newKitOn is newKit on a store and with a clock that others may use too.
func newKitOn(t *testing.T, store session.Store, clock *sessiontest.Clock, change ...func(*session.Config)) *kit {
	t.Helper()
	cfg := session.Config{Logger: slog.New(slog.DiscardHandler), Leeway: session.Off}
	for _, f := range change {
		f(&cfg)
	}
	rig := testpage.NewWith(t, store, clock, cfg)
	return &kit{rig.Svc, rig.Kit, rig.Clock, rig.Store}
}

// request is a POST as a client with these headers and cookies sends it.
func request(t *testing.T, headers map[string]string, cookies ...string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://app.example/auth/session/refresh", nil)
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	if len(cookies) > 0 {
		r.Header.Set("Cookie", strings.Join(cookies, "; "))
	}
	return r
}

// sent is what a response did: cookies by name, and headers.
type sent struct {
	t       *testing.T
	cookies map[string]*http.Cookie
	header  http.Header
}

func sentBy(t *testing.T, w *httptest.ResponseRecorder) sent {
	t.Helper()
	s := sent{t, map[string]*http.Cookie{}, w.Header()}
	seen := map[[4]string]bool{}
	for _, c := range w.Result().Cookies() {
		slot := [4]string{c.Name, c.Domain, c.Path, strconv.FormatBool(c.Partitioned)}
		require.False(t, seen[slot], "two Set-Cookie lines for one cookie of a browser")
		seen[slot] = true
		// Copies elsewhere are removed beside the one that counts.
		if old, ok := s.cookies[c.Name]; !ok || old.MaxAge < 0 {
			s.cookies[c.Name] = c
		}
	}
	for name, values := range w.Header() {
		if name != "Set-Cookie" {
			require.Len(t, values, 1, "%s is set, never added", name)
		}
	}
	return s
}

// value is the value of a cookie that the response set.
func (s sent) value(name string) string {
	s.t.Helper()
	require.Contains(s.t, s.cookies, name)
	return s.cookies[name].Value
}

// cleared reports whether the response deletes the cookie.
func (s sent) cleared(name string) bool {
	c, ok := s.cookies[name]
	return ok && c.Value == "" && c.MaxAge < 0
}
