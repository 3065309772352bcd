package integration_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/internal/testpage"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

// mountDanger mounts what only somebody may do who has typed the password in the last
// ten minutes, and the route that the page sends it to. check compares it.
func mountDanger(router *gin.Engine, svc *session.Service, check func(c *gin.Context, userID string) bool, danger gin.HandlerFunc) {
	router.POST("/account/delete", middleware.Verify(svc, session.RequireRecentAuth(10*time.Minute)), danger)
	router.POST("/password", middleware.Verify(svc, session.RequireUser()), func(c *gin.Context) {
		sess := c.MustGet(middleware.Key).(*session.Session)
		if !check(c, sess.UserID()) { // the session's own user, whoever the form names
			c.AbortWithStatusJSON(http.StatusForbidden, gin.H{"message": "wrong password"})
			return
		}
		// The session goes on under new tokens; copies of the old ones end.
		if _, err := middleware.Reauthenticate(c, svc, sess.UserID(), session.Authenticated("pwd"), session.Level(1)); err != nil {
			middleware.Abort(c, svc, err)
			return
		}
		c.JSON(http.StatusOK, gin.H{})
	})
}

// stay is how long a sign-in lasts, by the box "keep me signed in".
func stay(ticked bool) []session.CreateOption {
	if ticked {
		return nil // as configured: 100 days after the last use
	}
	return []session.CreateOption{session.BrowserSession(), session.WithLifetime(2*time.Hour, 12*time.Hour)}
}

func TestCookbook_PasswordAgain(t *testing.T) {
	t.Parallel()
	kit := sessiontest.New(t, session.Config{})
	router := gin.New()
	deleted := 0
	mountDanger(router, kit.Service,
		func(c *gin.Context, userID string) bool {
			return userID == "ada" && c.Request.FormValue("password") == "right"
		},
		func(*gin.Context) { deleted++ })
	page := kit.Client(t, router)
	before := page.Login("ada").Handle()
	send := func(path, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return page.Send(r)
	}
	require.Equal(t, http.StatusOK, send("/account/delete", "").Code)
	kit.Advance(11 * time.Minute)
	refused := send("/account/delete", "")
	require.Equal(t, http.StatusForbidden, refused.Code)
	require.Contains(t, refused.Body.String(), `"auth_time"`)
	require.Equal(t, http.StatusForbidden, send("/password", "password=wrong").Code)
	require.Equal(t, http.StatusForbidden, send("/account/delete", "").Code)
	require.Equal(t, 1, deleted)
	require.Equal(t, http.StatusOK, send("/password", "password=right&user=bob").Code)
	require.Equal(t, http.StatusOK, send("/account/delete", "").Code)
	require.Equal(t, 2, deleted)
	list, err := kit.Service.List(t.Context(), "ada")
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.NotEqual(t, before, list[0].Handle)
}

func TestCookbook_KeepMeSignedIn(t *testing.T) {
	t.Parallel()
	kit := sessiontest.New(t, session.Config{})
	for ticked, want := range map[bool]time.Duration{true: 100 * 24 * time.Hour, false: 2 * time.Hour} {
		tokens, err := kit.Service.Create(t.Context(), "ada", stay(ticked)...)
		require.NoError(t, err)
		require.Equal(t, testpage.IdleEnd(kit.Clock.Now(), want), tokens.Refresh.ExpiresAt)
		row, err := kit.Service.Get(t.Context(), tokens.Session.Handle())
		require.NoError(t, err)
		require.Equal(t, tokens.Refresh.ExpiresAt, row.ExpiresAt)
	}
}
