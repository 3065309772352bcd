package session_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

// A young sibling that was repeated passes verification, so a slow answer sends its new
// token too.
func TestSlow_RepeatedSibling(t *testing.T) {
	t.Parallel()
	kit := sessiontest.New(t, session.Config{ConcurrentRefreshWindow: 10 * time.Second})
	svc := kit.Service
	first, err := svc.Create(t.Context(), "ada")
	require.NoError(t, err)
	kit.Advance(2 * time.Hour)
	one, err := svc.Refresh(t.Context(), first.Refresh.Value)
	require.NoError(t, err)
	two, err := svc.Refresh(t.Context(), first.Refresh.Value)
	require.NoError(t, err)
	_, _, err = svc.Verify(t.Context(), one.Access.Value, one.AntiCSRF)
	require.NoError(t, err)
	repeated, err := svc.Refresh(t.Context(), two.Refresh.Value)
	require.NoError(t, err)
	require.Equal(t, two.Refresh.Value, repeated.Refresh.Value)

	handler := svc.Protect(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		sess, _ := session.FromContext(r.Context())
		_, err := sess.MergePayload(r.Context(), map[string]any{"a": 1})
		require.NoError(t, err)
		kit.Advance(200 * time.Millisecond)
	}))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://app.example/", nil)
	r.Header.Set("Cookie", "sAccessToken="+repeated.Access.Value)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	require.NotEmpty(t, sentBy(t, w).value("sAccessToken"))
}

// An answer that took long brings no token that another request has overtaken, although
// a promoted token does not say which refresh token it came with: its generation tells.
func TestSlow_OvertakenByARefresh(t *testing.T) {
	t.Parallel()
	for name, overtaken := range map[string]bool{"nobody came in between": false, "a refresh was used in between": true} {
		kit := sessiontest.New(t, session.Config{})
		svc := kit.Service
		first, err := svc.Create(t.Context(), "ada")
		require.NoError(t, err)
		handler := svc.Protect(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			sess, _ := session.FromContext(r.Context())
			_, err := sess.MergePayload(r.Context(), map[string]any{"a": 1})
			require.NoError(t, err)
			if overtaken {
				next, err := svc.Refresh(t.Context(), first.Refresh.Value)
				require.NoError(t, err)
				_, _, err = svc.Verify(t.Context(), next.Access.Value, next.AntiCSRF)
				require.NoError(t, err)
			}
			kit.Advance(200 * time.Millisecond)
		}))
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://app.example/", nil)
		r.Header.Set("Cookie", "sAccessToken="+first.Access.Value)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		require.Equal(t, overtaken, sentBy(t, w).cookies["sAccessToken"] == nil, name)
	}
}
