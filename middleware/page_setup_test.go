package middleware_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/refresh"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

// What could not work is a panic when routes are set up, and says what to do.
func TestPages_SetUp(t *testing.T) {
	t.Parallel()
	login := middleware.Page{Login: "/login"}
	for name, row := range map[string]struct {
		change func(*session.Config)
		page   middleware.Page
		says   string
	}{
		"no window":             {func(c *session.Config) { c.ConcurrentRefreshWindow = 0 }, login, "set Config.ConcurrentRefreshWindow"},
		"the path of the token": {func(c *session.Config) { c.Cookie.AccessPath = "/shop" }, login, `AccessPath "/shop" does not cover the RefreshPath "/auth/session/refresh"`},
		"tokens in headers":     {func(c *session.Config) { c.FrontEnds.Carriers = session.CarriersHeader }, login, "Config.FrontEnds.Carriers"},
		"no Login":              {nil, middleware.Page{}, "set Login"},
		"a foreign Login":       {nil, middleware.Page{Login: "https://id.example/login"}, `"https://id.example/login": give the path`},
		"a hidden foreign one":  {nil, middleware.Page{Login: "//id.example"}, "give the path"},
		"a name":                {nil, middleware.Page{Login: "login"}, "give the path"},
		"a query":               {nil, middleware.Page{Login: "/login?a=b"}, "give the path"},
		"the refresh route":     {nil, middleware.Page{Login: "/auth/session/refresh"}, "is the refresh route"},
		"the sign-out route":    {nil, middleware.Page{Login: "/auth/signout"}, "the sign-out route"},
		"a foreign Reauth":      {nil, middleware.Page{Login: "/login", Reauth: "//id.example"}, "Reauth"},
	} {
		cfg := session.Config{ConcurrentRefreshWindow: 10 * time.Second}
		if row.change != nil {
			row.change(&cfg)
		}
		svc := sessiontest.New(t, cfg).Service
		for function, call := range map[string]func(){
			"middleware.VerifyPage: ":              func() { middleware.VerifyPage(svc, row.page) },
			"middleware.VerifyPageOptional: ":      func() { middleware.VerifyPageOptional(svc, row.page) },
			"refresh.Handler with refresh.Pages: ": func() { refresh.Mount(gin.New(), svc, refresh.Pages(row.page.Login)) },
			"refresh.SignOut with refresh.Pages: ": func() { refresh.SignOut(svc, refresh.Pages(row.page.Login)) },
		} {
			if strings.Contains(function, "refresh") && row.page.Reauth != "" {
				continue
			}
			says := panicOf(t, call)
			require.Contains(t, says, function, name)
			require.Contains(t, says, row.says, name)
		}
	}
	require.Contains(t, panicOf(t, func() { middleware.VerifyPage(nil, login) }), "needs a *session.Service")
}

func panicOf(t *testing.T, call func()) (says string) {
	t.Helper()
	defer func() {
		switch p := recover().(type) {
		case string:
			says = p
		case error:
			says = p.Error()
		default:
			t.Error("no panic")
		}
	}()
	call()
	return ""
}

// A sign-in page that one must be signed in for is found at its first request.
func TestVerifyPage_ProtectedLogin(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := newShop(t, func(c *session.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))
	})
	router := gin.New()
	router.Use(middleware.VerifyPage(s.Svc, middleware.Page{Login: "/login"}))
	router.GET("/login", s.show)
	p := s.signedIn(t, "ada")
	p.to = router
	v := p.open("/login")
	require.Equal(t, http.StatusInternalServerError, v.status)
	require.Len(t, v.hops, 1)
	require.Equal(t, 1, strings.Count(log.String(), "\n"), log.String())
	require.Contains(t, log.String(), "itself behind VerifyPage")
}

// The middleware may stand in front of everything, as Verify may.
func TestVerifyPage_InFrontOfTheRefreshRoute(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	router := gin.New()
	router.Use(middleware.VerifyPage(s.Svc, middleware.Page{Login: "/login"}))
	group := router.Group("/")
	refresh.Mount(group, s.Svc, refresh.Pages("/login"))
	group.GET("/cart", s.show)
	group.GET("/again", func(c *gin.Context) {
		c.Request.URL.Path = "/cart"
		router.HandleContext(c)
		c.Abort()
	})
	p := s.signedIn(t, "ada")
	p.to = router
	for _, path := range []string{"/cart", "/again"} {
		s.later()
		v := p.open(path)
		require.Equal(t, "GET /cart ada ", v.body)
		require.Equal(t, []string{"GET " + path, "GET /auth/session/refresh?to=%2F" + path[1:], "GET " + path}, v.hops)
	}
	require.Equal(t, http.StatusNoContent, p.do(http.MethodOptions, "/cart", "", http.Header{
		"Origin": {"https://other.example"}, "Access-Control-Request-Method": {"GET"},
	}).status)
}

// Cookies of an earlier deploy are fetched where they are, and the way goes on from there.
func TestPages_Older(t *testing.T) {
	t.Parallel()
	old := newShop(t, func(c *session.Config) { c.Cookie.RefreshPath = "/old/refresh" })
	p := old.signedIn(t, "ada")
	s := newShopOn(t, old, func(c *session.Config) {
		c.Cookie.Suffix = "_shop"
		c.Cookie.Older = []session.OlderCookieConfig{{RefreshPath: "/old/refresh"}}
	})
	p.to = s.router
	s.later()
	v := p.post("/cart?a=1", "item=1")
	require.Equal(t, "POST /cart ada item=1", v.body)
	require.Equal(t, []string{
		"POST /cart?a=1", "POST /auth/session/refresh?to=%2Fcart%3Fa%3D1", "POST /old/refresh?to=%2Fcart%3Fa%3D1", "POST /cart?a=1",
	}, v.hops)
	require.NotEmpty(t, p.cookie("sRefreshToken_shop"))
	s.later()
	require.Len(t, p.open("/").hops, 3)
}
