package integration_test

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/refresh"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

// threeLines are the README's, as printed there.
func threeLines(router *gin.Engine, svc *session.Service, signIn gin.HandlerFunc) {
	refresh.Mount(router, svc)         // POST /auth/session/refresh and /auth/signout
	router.POST("/login", signIn)      // checks the password, then calls middleware.Create(c, svc, userID)
	router.Use(middleware.Verify(svc)) // in front of every route that comes after it
}

// The three lines that the README begins with keep a user in past the access token.
func TestReadme_ThreeLines(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	printed := regexp.MustCompile("(?s)## Three lines\n\n```go\n(.*?)```").FindStringSubmatch(string(readme))
	require.NotNil(t, printed)
	source, err := os.ReadFile("readme_lines_test.go")
	require.NoError(t, err)
	require.Contains(t, strings.ReplaceAll(string(source), "\n\t", "\n"), printed[1], "what is printed is what runs here")

	clock := sessiontest.NewClock(time.Now())
	svc, err := session.New(t.Context(), memstore.New(), session.Config{Now: clock.Now})
	require.NoError(t, err)
	t.Cleanup(svc.Close)
	router := gin.New()
	threeLines(router, svc, func(c *gin.Context) {
		if _, err := middleware.Create(c, svc, "ada"); err != nil {
			middleware.Abort(c, svc, err)
		}
	})
	router.GET("/me", func(c *gin.Context) {
		c.String(http.StatusOK, c.MustGet(middleware.Key).(*session.Session).UserID())
	})
	user := rig.NewBrowser(time.Now, rig.Into(router))
	answers := func(status int, method, path string) {
		t.Helper()
		require.Equal(t, status, user.Fetch(method, path).Status)
	}
	answers(http.StatusUnauthorized, http.MethodGet, "/me")
	answers(http.StatusOK, http.MethodPost, "/login")
	for range 3 {
		answers(http.StatusOK, http.MethodGet, "/me")
		clock.Advance(2 * time.Hour)
		answers(http.StatusUnauthorized, http.MethodGet, "/me")
		answers(http.StatusOK, http.MethodPost, refreshPath)
	}
	answers(http.StatusOK, http.MethodPost, signOutPath)
	answers(http.StatusUnauthorized, http.MethodGet, "/me")
}
