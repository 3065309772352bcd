package middleware_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/page"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/session"
)

func htmx() http.Header {
	h := own("empty")
	h.Set("Hx-Request", "true")
	return h
}

func frontEnd() http.Header {
	h := own("empty")
	h.Set("Rid", "anti-csrf")
	h.Set("St-Auth-Mode", "cookie")
	return h
}

// Everybody without a session gets the answer that is of use to them.
func TestVerifyPage_NoSession(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for name, row := range map[string]struct {
		method, target string
		header         http.Header
		status         int
		location, hx   string
	}{
		"a link":          {http.MethodGet, "/cart?a=%26", typed(), http.StatusSeeOther, "/login?to=%2Fcart%3Fa%3D%2526", ""},
		"HEAD":            {http.MethodHead, "/cart", typed(), http.StatusSeeOther, "/login?to=%2Fcart", ""},
		"a form":          {http.MethodPost, "/cart", own("document"), http.StatusSeeOther, "/login", ""},
		"a form by PUT":   {http.MethodPut, "/cart", own("document"), http.StatusSeeOther, "/login", ""},
		"a long link":     {http.MethodGet, "/cart?" + strings.Repeat("a", 2<<10), typed(), http.StatusSeeOther, "/login", ""},
		"HTMX":            {http.MethodGet, "/cart", htmx(), http.StatusUnauthorized, "", "/login"},
		"HTMX that posts": {http.MethodPost, "/cart", htmx(), http.StatusUnauthorized, "", "/login"},
		"a fetch":         {http.MethodGet, "/cart", own("empty"), http.StatusUnauthorized, "", ""},
		"an image":        {http.MethodGet, "/cart", own("image"), http.StatusUnauthorized, "", ""},
		"a front end's":   {http.MethodGet, "/cart", frontEnd(), http.StatusUnauthorized, "", ""},
	} {
		w := s.person(t).once(t.Context(), row.method, target(t, row.target), "", row.header)
		require.Equal(t, row.status, w.Code, name)
		require.Equal(t, row.location, w.Header().Get("Location"), name)
		require.Equal(t, row.hx, w.Header().Get("Hx-Redirect"), name)
		requireUncached(t, w.Header())
		if row.status == http.StatusUnauthorized {
			require.JSONEq(t, `{"message":"unauthorised"}`, w.Body.String(), name)
			require.Equal(t, "Bearer", w.Header().Get("Www-Authenticate"), name)
		}
	}
	require.Zero(t, s.served.Load())
}

// And everybody whose token has expired.
func TestVerifyPage_Expired(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.signedIn(t, "ada")
	s.later()
	const route = "/auth/session/refresh?to=%2Fcart"
	for name, row := range map[string]struct {
		method   string
		header   http.Header
		status   int
		location string
	}{
		"a link":        {http.MethodGet, typed(), http.StatusSeeOther, route},
		"HEAD":          {http.MethodHead, typed(), http.StatusSeeOther, route},
		"a form":        {http.MethodPost, own("document"), http.StatusTemporaryRedirect, route},
		"PUT":           {http.MethodPut, own("document"), http.StatusTemporaryRedirect, route},
		"DELETE":        {http.MethodDelete, own("empty"), http.StatusTemporaryRedirect, route},
		"HTMX":          {http.MethodGet, htmx(), http.StatusSeeOther, route},
		"a fetch":       {http.MethodGet, own("empty"), http.StatusSeeOther, route},
		"an image":      {http.MethodGet, own("image"), http.StatusSeeOther, route},
		"a front end's": {http.MethodGet, frontEnd(), http.StatusUnauthorized, ""},
	} {
		w := p.once(t.Context(), row.method, target(t, "/cart"), "", row.header)
		require.Equal(t, row.status, w.Code, name)
		require.Equal(t, row.location, w.Header().Get("Location"), name)
		requireNothing(t, w.Header())
		requireUncached(t, w.Header())
		if row.location == "" {
			require.JSONEq(t, `{"message":"try refresh token"}`, w.Body.String(), name)
		}
	}
	// Whoever follows gets there.
	for _, h := range []http.Header{htmx(), own("empty"), own("image"), typed()} {
		v := p.do(http.MethodGet, "/cart", "", h)
		require.Equal(t, "GET /cart ada ", v.body)
		s.later()
	}
}

// At the refresh route nobody is left with a redirect that is of no use.
func TestPages_SessionIsOver(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for name, row := range map[string]struct {
		method string
		header http.Header
		last   string
		status int
	}{
		"a link":  {http.MethodGet, typed(), "/login?to=%2Fcart", http.StatusOK},
		"a form":  {http.MethodPost, own("document"), "/login", http.StatusOK},
		"HTMX":    {http.MethodPost, htmx(), "/auth/session/refresh?to=%2Fcart", http.StatusUnauthorized},
		"a fetch": {http.MethodGet, own("empty"), "/auth/session/refresh?to=%2Fcart", http.StatusUnauthorized},
	} {
		p := s.signedIn(t, "ada")
		s.later()
		require.NoError(t, s.revokeAll(t))
		v := p.do(row.method, "/cart", "", row.header)
		require.Equal(t, row.last, v.path, name)
		require.Equal(t, row.status, v.status, name)
		require.Empty(t, p.cookie("sAccessToken"), name)
		require.Empty(t, p.cookie("sRefreshToken"), name)
		require.Equal(t, name == "HTMX", v.header.Get("Hx-Redirect") == "/login", name)
	}
}

// A thief with a copy of the jar is found out, and both are told.
func TestPages_Theft(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.Header{"a link": typed(), "HTMX": htmx(), "a fetch": own("empty")} {
		s := newShop(t)
		p := s.signedIn(t, "ada")
		thief := &person{t: t, to: s.router, jar: p.jar.Clone()}
		s.later()
		require.Equal(t, http.StatusOK, thief.open("/cart").status)
		s.later()
		v := p.do(http.MethodGet, "/cart", "", h)
		require.Empty(t, p.cookie("sAccessToken"))
		require.Empty(t, p.cookie("sRefreshToken"))
		switch name {
		case "a link":
			require.Equal(t, "/login?reason=theft", v.path)
			require.Contains(t, v.body, "theft")
		case "HTMX":
			require.Equal(t, "/login?reason=theft", v.header.Get("Hx-Redirect"))
		default:
			require.JSONEq(t, `{"message":"token theft detected"}`, v.body)
		}
		require.Equal(t, "/login?to=%2Fcart", thief.open("/cart").path)
		require.Len(t, s.Kit.Events(session.EventTheft), 1)
	}
}

// While the database is away there is a page that says so, and nobody is signed out.
func TestPages_DatabaseAway(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.signedIn(t, "ada")
	s.later()
	before := p.jar.All()
	s.away(true)
	for _, v := range []visit{p.open("/cart"), p.post("/cart", "item=1"), p.open("/")} {
		require.Equal(t, http.StatusServiceUnavailable, v.status)
		require.Equal(t, "text/html; charset=utf-8", v.header.Get("Content-Type"))
		require.Equal(t, "1", v.header.Get("Retry-After"))
		require.Equal(t, string(page.HTML(http.StatusServiceUnavailable)), v.body)
		requireNothing(t, v.header)
		requireUncached(t, v.header)
	}
	for _, h := range []http.Header{htmx(), own("empty")} {
		v := p.do(http.MethodGet, "/cart", "", h)
		require.Equal(t, http.StatusServiceUnavailable, v.status)
		require.JSONEq(t, `{"message":"unavailable"}`, v.body)
	}
	require.Equal(t, before, p.jar.All())
	s.away(false)
	require.Equal(t, "GET /cart ada ", p.open("/cart").body)
}

// The application's own page stands in for all that is no redirect.
func TestPages_OnError(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.signedIn(t, "ada")
	own := gin.New()
	var asked []error
	own.Use(middleware.OnError(func(c *gin.Context, err error) bool {
		asked = append(asked, err)
		if !errors.Is(err, errors.ErrUnavailable) {
			return false
		}
		c.String(http.StatusServiceUnavailable, "back soon")
		return true
	}))
	s.mount(own)
	p.to = own
	require.Equal(t, "GET /cart ada ", p.open("/cart").body)
	s.later()
	require.Equal(t, "GET /cart ada ", p.open("/cart").body)
	require.Contains(t, s.person(t).open("/cart").path, "/login")
	require.Empty(t, asked)
	s.later()
	s.away(true)
	require.Equal(t, "back soon", p.open("/cart").body)
	require.Len(t, asked, 1)
}

// "Back" after a sign-out shows nothing, unless the handler wants its pages kept.
func TestVerifyPage_CacheControl(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.router.GET("/price", middleware.VerifyPage(s.Svc, middleware.Page{Login: "/login"}), func(c *gin.Context) {
		c.Header("Cache-Control", "private, max-age=60")
		c.String(http.StatusOK, "7")
	})
	p := s.signedIn(t, "ada")
	require.Equal(t, []string{"private, no-store"}, p.open("/cart").header.Values("Cache-Control"))
	require.Equal(t, []string{"private, no-store"}, s.person(t).open("/").header.Values("Cache-Control"))
	require.Equal(t, []string{"private, max-age=60"}, p.open("/price").header.Values("Cache-Control"))
	s.later()
	v := p.open("/price") // whose answer has a token
	require.Len(t, v.hops, 3)
	require.Equal(t, []string{"no-store"}, v.header.Values("Cache-Control"))
	require.NotEmpty(t, v.header.Values("Set-Cookie"))
}

// A browser whose script refreshes by itself may use the same pages.
func TestPages_FrontEndsGoOn(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	c := s.Kit.Client(t, s.router)
	c.Login("ada")
	s.later()
	require.Equal(t, "GET /cart ada ", c.Get("/cart").Body.String())
	require.Equal(t, "POST /cart ada 1", c.Post("/cart", "1").Body.String())
	w := c.Refresh()
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "null", w.Body.String())
	w = c.Post("/auth/signout", "")
	require.JSONEq(t, `{"status":"OK"}`, w.Body.String())
	require.Equal(t, http.StatusUnauthorized, c.Get("/cart").Code)

	byHeader := s.Kit.Client(t, s.router)
	byHeader.ByHeader = true
	byHeader.Login("bob")
	s.later()
	require.Equal(t, "GET /cart bob ", byHeader.Get("/cart").Body.String())
}
