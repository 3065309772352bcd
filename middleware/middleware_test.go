package middleware_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// newService is a service on the in-memory store, which fails on demand.
func newService(t *testing.T, change ...func(*session.Config)) (*session.Service, *storetest.FaultyStore) {
	t.Helper()
	gin.SetMode(gin.TestMode)
	store := storetest.Faulty(memstore.New())
	var cfg session.Config
	for _, f := range change {
		f(&cfg)
	}
	return sessiontest.NewOn(t, store, nil, cfg).Service, store
}

// serve answers one request.
func serve(t *testing.T, handler http.Handler, method, path string, headers map[string]string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "https://app.example"+path, nil)
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

// A protected handler never runs after an error, nor any handler after it (HTTP-04).
func TestVerify_HandlersDoNotRunAfterAnError(t *testing.T) {
	t.Parallel()
	svc, store := newService(t, func(c *session.Config) { c.Revocation = session.RevokeImmediately })
	tokens, err := svc.Create(t.Context(), "user")
	require.NoError(t, err)
	revoked, err := svc.Create(t.Context(), "user")
	require.NoError(t, err)
	_, err = svc.Revoke(t.Context(), revoked.Session.Handle())
	require.NoError(t, err)

	ran := 0
	router := gin.New()
	router.Use(middleware.Verify(svc))
	router.Any("/", func(*gin.Context) { ran++ }, func(*gin.Context) { ran++ })
	cookie := "sAccessToken=" + tokens.Access.Value
	for _, row := range []struct {
		name, method string
		headers      map[string]string
		fault        bool
		status       int
	}{
		{"no token", http.MethodGet, nil, false, 401},
		{"junk", http.MethodGet, map[string]string{"Cookie": "sAccessToken=junk"}, false, 401},
		{"POST without the anti-CSRF token", http.MethodPost, map[string]string{"Cookie": cookie}, false, 401},
		{"revoked", http.MethodGet, map[string]string{"Cookie": "sAccessToken=" + revoked.Access.Value}, false, 401},
		{"database away", http.MethodGet, map[string]string{"Cookie": cookie}, true, 503},
		{"preflight", http.MethodOptions, map[string]string{"Origin": "https://x", "Access-Control-Request-Method": "POST", "Cookie": cookie}, false, 204},
		{"OPTIONS that is no preflight", http.MethodOptions, nil, false, 401},
	} {
		store.Arm()
		if row.fault {
			store.Arm(storetest.Fault{})
		}
		w := serve(t, router, row.method, "/", row.headers)
		require.Equal(t, row.status, w.Code, row.name)
		require.Zero(t, ran, row.name)
	}
	store.Arm()
	require.Equal(t, 200, serve(t, router, http.MethodGet, "/", map[string]string{"Cookie": cookie}).Code)
	require.Equal(t, 2, ran)
}

// The session is in the Gin context, under Key, and in the request's context.
func TestVerify_TheSessionInBothContexts(t *testing.T) {
	t.Parallel()
	svc, _ := newService(t)
	tokens, err := svc.Create(t.Context(), "user")
	require.NoError(t, err)
	router := gin.New()
	router.GET("/", middleware.Verify(svc), func(c *gin.Context) {
		byKey := c.MustGet(middleware.Key).(*session.Session)
		typed, ok := middleware.Session(c)
		require.True(t, ok)
		require.Same(t, byKey, typed)
		fromContext, ok := session.FromContext(c.Request.Context())
		require.True(t, ok)
		require.Same(t, byKey, fromContext)
		require.Equal(t, "user", byKey.UserID())
		c.Status(http.StatusTeapot)
	})
	router.GET("/open", func(c *gin.Context) {
		_, ok := middleware.Session(c)
		require.False(t, ok)
		c.Set(middleware.Key, "something else")
		_, ok = middleware.Session(c)
		require.False(t, ok, "a foreign value is no session")
		_, ok = session.FromContext(c.Request.Context())
		require.False(t, ok)
		c.Status(http.StatusTeapot)
	})
	require.Equal(t, http.StatusTeapot, serve(t, router, http.MethodGet, "/", map[string]string{"Cookie": "sAccessToken=" + tokens.Access.Value}).Code)
	require.Equal(t, http.StatusTeapot, serve(t, router, http.MethodGet, "/open", nil).Code)
}

// Visitors pass; a token that is no good does not make one a visitor.
func TestVerifyOptional(t *testing.T) {
	t.Parallel()
	svc, _ := newService(t)
	tokens, err := svc.Create(t.Context(), "user")
	require.NoError(t, err)
	router := gin.New()
	router.GET("/", middleware.VerifyOptional(svc), func(c *gin.Context) {
		_, ok := middleware.Session(c)
		c.JSON(http.StatusOK, ok)
	})
	require.Equal(t, "true", serve(t, router, http.MethodGet, "/", map[string]string{"Cookie": "sAccessToken=" + tokens.Access.Value}).Body.String())
	require.Equal(t, "false", serve(t, router, http.MethodGet, "/", nil).Body.String())
	require.Equal(t, "false", serve(t, router, http.MethodGet, "/", map[string]string{"Authorization": "Basic abc"}).Body.String())
	require.Equal(t, "false", serve(t, router, http.MethodGet, "/", map[string]string{"Cookie": "sAccessToken=junk"}).Body.String(), "not ours")
	other, _ := newService(t)
	foreign, err := other.Create(t.Context(), "user")
	require.NoError(t, err)
	require.Equal(t, http.StatusUnauthorized, serve(t, router, http.MethodGet, "/", map[string]string{"Cookie": "sAccessToken=" + foreign.Access.Value}).Code, "its key may just be too old")
}

// What Create stores of a device comes from Gin, which knows its proxies (HTTP-10).
func TestCreate_Device(t *testing.T) {
	t.Parallel()
	for policy, want := range map[session.IPPolicy]string{
		session.IPNone: "", session.IPTruncated: "203.0.113.0", session.IPFull: "203.0.113.77",
	} {
		svc, _ := newService(t, func(c *session.Config) { c.IPAddresses = policy })
		router := gin.New()
		require.NoError(t, router.SetTrustedProxies([]string{"192.0.2.1"}))
		router.POST("/", func(c *gin.Context) {
			sess, err := middleware.Create(c, svc, "user")
			require.NoError(t, err)
			set, ok := middleware.Session(c)
			require.True(t, ok)
			require.Same(t, sess, set)
		})
		serve(t, router, http.MethodPost, "/", map[string]string{"X-Forwarded-For": "203.0.113.77", "User-Agent": "agent\x01 \x7fname"})
		list, err := svc.List(t.Context(), "user")
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, want, list[0].IP)
		require.Equal(t, "agent name", list[0].UserAgent)
	}
}

func TestCreate_RefusesAndAborts(t *testing.T) {
	t.Parallel()
	svc, _ := newService(t)
	router := gin.New()
	router.POST("/", func(c *gin.Context) {
		_, err := middleware.Create(c, svc, "")
		require.ErrorIs(t, err, errors.ErrInvalidInput)
		middleware.Abort(c, svc, err)
	}, func(*gin.Context) { t.Error("a handler ran after Abort") })
	w := serve(t, router, http.MethodPost, "/", nil)
	require.Equal(t, http.StatusInternalServerError, w.Code)
	require.Empty(t, w.Header().Values("Set-Cookie"))
}
