package middleware_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/refresh"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

// Whoever forgets the Service learns of it when the program starts.
func TestWiring_NoService(t *testing.T) {
	t.Parallel()
	var none *session.Service
	for name, wire := range map[string]func(){
		"middleware.Verify":         func() { middleware.Verify(none) },
		"middleware.VerifyOptional": func() { middleware.VerifyOptional(none) },
		"refresh.Mount":             func() { refresh.Mount(gin.New(), none) },
		"refresh.Handler":           func() { refresh.Handler(none) },
		"refresh.SignOut":           func() { refresh.SignOut(none) },
		"session: Protect":          func() { none.Protect(http.NotFoundHandler()) },
	} {
		var said any
		func() {
			defer func() { said = recover() }()
			wire()
		}()
		require.IsType(t, "", said, name)
		require.Contains(t, said, name)
		require.Contains(t, said, "New returned")
	}
}

// A verified route that no cookie reaches is named, once, and no other is.
func TestWiring_RouteOutsideOfAccessPath(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	svc := sessiontest.New(t, session.Config{
		Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Cookie: session.CookieConfig{AccessPath: "/api", SignOutPath: "/api/out"},
	}).Service
	router := gin.New()
	router.Use(middleware.Verify(svc))
	for _, path := range []string{"/api", "/api/me", "/me", "/apis"} {
		router.GET(path, func(c *gin.Context) { c.Status(http.StatusNoContent) })
	}
	get := func(path string) {
		require.Equal(t, http.StatusUnauthorized, serve(t, router, http.MethodGet, path, nil).Code)
	}
	get("/api")
	get("/api/me")
	require.Empty(t, log.String())
	get("/apis")
	require.Contains(t, log.String(), "path=/apis access_path=/api")
	require.Contains(t, log.String(), "move the route, or choose another AccessPath")
	log.Reset()
	get("/me")
	require.Empty(t, log.String(), "said once")
}

// A Service that was closed says so, and so does one that New did not make.
func TestWiring_ClosedService(t *testing.T) {
	t.Parallel()
	svc, err := session.New(t.Context(), memstore.New(), session.Config{})
	require.NoError(t, err)
	svc.Close()
	for _, none := range []*session.Service{svc, {}} {
		_, err := none.Create(t.Context(), "ada")
		require.ErrorIs(t, err, errors.ErrClosed)
		require.ErrorContains(t, err, "close it after the HTTP server, or use what New returned")
	}
}
