package session_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// FuzzCookieHeader sends any Cookie header to verification and refresh.
// Whatever comes: no panic; a session only for a genuine token, and then the
// one it belongs to; no statement for anything else; and no byte of the
// request in a Set-Cookie header.
func FuzzCookieHeader(f *testing.F) {
	store := storetest.Faulty(memstore.New())
	svc := sessiontest.NewOn(f, store, nil, session.Config{Logger: slog.New(slog.DiscardHandler)}).Service
	tokens, err := svc.Create(f.Context(), "user")
	require.NoError(f, err)
	access, refresh := tokens.Access.Value, tokens.Refresh.Value

	for _, seed := range []string{
		"", "sAccessToken=" + access, "sRefreshToken=" + refresh, "sAccessToken=" + access + "; sRefreshToken=" + refresh,
		`sAccessToken="` + access + `"`, "sAccessToken=x; sAccessToken=" + access, "sRefreshToken=a; sRefreshToken=b; sRefreshToken=c; sRefreshToken=" + refresh,
		"sAccessToken=" + access + "\r\nSet-Cookie: a=b", "sAccessToken=" + strings.Repeat("A", 10000), ";;;=;sAccessToken", "sIdRefreshToken=\x00\xff", "sAccessToken=" + refresh,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cookies string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://app.example/", nil)
		r.Header["Cookie"] = []string{cookies}
		store.Arm()
		w := httptest.NewRecorder()
		sess, err := svc.VerifyHTTP(w, r)
		if err == nil {
			require.Contains(t, cookies, access)
			require.Equal(t, tokens.Session.Handle(), sess.Handle())
		} else {
			require.True(t, errors.Is(err, errors.ErrTryRefreshToken) || errors.Is(err, errors.ErrTokenMissing), "%v", err)
		}
		require.Empty(t, w.Header().Values("Set-Cookie"))
		noStatements(t, store)

		r.Method = http.MethodPost
		w = httptest.NewRecorder()
		sess, err = svc.RefreshHTTP(w, r)
		switch {
		case err == nil:
			require.Contains(t, cookies, refresh)
			require.Equal(t, tokens.Session.Handle(), sess.Handle())
		case errors.Is(err, errors.ErrUnavailable):
			// A seed that another fuzzing process made names a key that this one
			// cannot know yet.
			require.ErrorIs(t, err, errors.ErrKeyUnknown)
			require.Empty(t, w.Header().Values("Set-Cookie"))
		default:
			require.ErrorIs(t, err, errors.ErrUnauthorised)
			if strings.Contains(cookies, access) { // whose session is looked up before it is cleared
				store.Arm()
			}
			noStatements(t, store)
			for _, c := range w.Result().Cookies() {
				require.Empty(t, c.Value)
			}
		}
	})
}

// noStatements allows the reload of the keys that an unknown key id may cause.
func noStatements(t *testing.T, store *storetest.FaultyStore) {
	t.Helper()
	counts := store.Counts()
	delete(counts, "Keys")
	require.Empty(t, counts)
}
