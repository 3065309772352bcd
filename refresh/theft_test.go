package refresh_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/refresh"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

// Behind a proxy that Gin trusts, a theft tells the address that the proxy does, and
// behind none the peer's: no header is believed by itself.
func TestRefresh_thiefsAddress(t *testing.T) {
	t.Parallel()
	for proxies, want := range map[string]string{"192.0.2.7": "198.51.100.9", "": "192.0.2.7"} {
		kit := sessiontest.New(t, session.Config{IPAddresses: session.IPFull})
		router := gin.New()
		var trusted []string
		if proxies != "" {
			trusted = []string{proxies}
		}
		require.NoError(t, router.SetTrustedProxies(trusted))
		refresh.Mount(router, kit.Service)

		tokens, err := kit.Service.Create(t.Context(), "alice", session.WithDevice("Firefox", "203.0.113.5"))
		require.NoError(t, err)
		next, err := kit.Service.Refresh(t.Context(), tokens.Refresh.Value)
		require.NoError(t, err)
		_, err = kit.Service.Refresh(t.Context(), next.Refresh.Value)
		require.NoError(t, err)

		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://app.example/auth/session/refresh", nil)
		r.Header.Set("Cookie", "sRefreshToken="+tokens.Refresh.Value)
		r.Header.Set("User-Agent", "curl/8")
		r.Header.Set("X-Forwarded-For", "198.51.100.9")
		r.RemoteAddr = "192.0.2.7:4711"
		w := httptest.NewRecorder()
		router.ServeHTTP(w, r)
		require.Equal(t, http.StatusUnauthorized, w.Code)
		thefts := kit.Events(session.EventTheft)
		require.Len(t, thefts, 1)
		require.Equal(t, session.Client{UserAgent: "Firefox", IP: "203.0.113.5"}, thefts[0].Stored)
		require.Equal(t, session.Client{UserAgent: "curl/8", IP: want}, thefts[0].Presented)
	}
}
