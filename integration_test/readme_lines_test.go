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

// linesOfPages are the README's, as printed there.
func linesOfPages(router *gin.Engine, svc *session.Service, showLogin, signIn, showCart, addToCart gin.HandlerFunc) {
	refresh.Mount(router, svc, refresh.Pages("/login")) // refreshes by a redirect, signs out by a form
	router.GET("/login", showLogin)                     // a form, whose field "to" is middleware.ReturnTo(c)
	router.POST("/login", signIn)                       // middleware.Create, then 303 to middleware.ReturnTo(c)

	pages := router.Group("/", middleware.VerifyPage(svc, middleware.Page{Login: "/login"}))
	pages.GET("/cart", showCart)
	pages.POST("/cart", addToCart) // no token in the form: browsers say who asks
}

// requirePrinted compares what a section of the README begins with and what runs here.
func requirePrinted(t *testing.T, section string) {
	t.Helper()
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	printed := regexp.MustCompile("(?s)\n" + section + "\n\n.*?```go\n(.*?)```").FindStringSubmatch(string(readme))
	require.NotNil(t, printed)
	source, err := os.ReadFile("readme_lines_test.go")
	require.NoError(t, err)
	require.Contains(t, strings.ReplaceAll(string(source), "\n\t", "\n"), printed[1], "what is printed is what runs here")
}

// The lines for pages keep a user in who has no script, and a form comes along.
func TestReadme_Pages(t *testing.T) {
	t.Parallel()
	requirePrinted(t, "### Pages")
	clock := sessiontest.NewClock(time.Now())
	svc, err := session.New(t.Context(), memstore.New(), session.Config{Now: clock.Now, ConcurrentRefreshWindow: 10 * time.Second})
	require.NoError(t, err)
	t.Cleanup(svc.Close)
	router := gin.New()
	say := func(text string) gin.HandlerFunc { return func(c *gin.Context) { c.String(http.StatusOK, text) } }
	linesOfPages(router, svc, say("please sign in"), func(c *gin.Context) {
		if _, err := middleware.Create(c, svc, "ada"); err != nil {
			middleware.Abort(c, svc, err)
			return
		}
		c.Redirect(http.StatusSeeOther, middleware.ReturnTo(c))
	}, say("cart"), func(c *gin.Context) { c.String(http.StatusOK, c.PostForm("user")) })
	user := rig.NewBrowser(clock.Now, rig.Into(router))
	// go along with redirects, as a browser does; at most three
	open := func(method, path string) string {
		t.Helper()
		for range 4 {
			answer := page(t, user, method, path, "same-origin")
			switch answer.Status {
			case http.StatusSeeOther:
				method = http.MethodGet
			case http.StatusTemporaryRedirect:
			default:
				require.Equal(t, http.StatusOK, answer.Status)
				return answer.Body
			}
			path = answer.Header.Get("Location")
		}
		require.Fail(t, "a loop")
		return ""
	}
	require.Equal(t, "please sign in", open(http.MethodGet, "/cart"))
	require.Equal(t, "cart", open(http.MethodPost, "/login?to=/cart"))
	for range 3 {
		clock.Advance(2 * time.Hour)
		require.Equal(t, "cart", open(http.MethodGet, "/cart"))
		clock.Advance(2 * time.Hour)
		require.Equal(t, "ada", open(http.MethodPost, "/cart"))
	}
	require.Equal(t, "please sign in", open(http.MethodPost, "/auth/signout"))
	require.Equal(t, "please sign in", open(http.MethodGet, "/cart"))
}

// The three lines that the README begins with keep a user in past the access token.
func TestReadme_ThreeLines(t *testing.T) {
	t.Parallel()
	requirePrinted(t, "## Three lines")
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
