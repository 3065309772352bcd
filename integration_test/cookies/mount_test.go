package cookies_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/refresh"
	"github.com/gin-sessionkit/sessionkit/session"
)

// The three lines of the README as they are printed: refresh works behind Verify.
func TestMount_BehindVerify(t *testing.T) {
	t.Parallel()
	for name, verify := range map[string]func(*session.Service, ...session.VerifyOption) gin.HandlerFunc{
		"Verify": middleware.Verify, "VerifyOptional": middleware.VerifyOptional,
	} {
		s := newSite(t, session.CookieConfig{Older: []session.OlderCookieConfig{{RefreshPath: "/renew"}}})
		b := s.browser()
		b.signIn("ada")
		svc, router := s.svc, gin.New()
		router.Use(verify(svc))
		refresh.Mount(router, svc)
		router.GET("/api/me", func(c *gin.Context) {
			c.JSON(http.StatusOK, gin.H{"user": c.MustGet(middleware.Key).(*session.Session).UserID()})
		})
		s.handler = router
		s.clock.Advance(2 * time.Hour)
		b.is("ada", 1, name)
		b.is("ada", 0, name)
		require.Equal(t, http.StatusOK, b.Fetch(http.MethodPost, logOut).Status)
		require.Equal(t, http.StatusUnauthorized, b.Fetch(http.MethodPost, s.refreshURL).Status, "a visitor, through the older route")
		require.Equal(t, 1, b.Last.Hops)
	}
}

// Nothing but the route that Mount made for this very Service gets past Verify.
func TestMount_NothingElsePasses(t *testing.T) {
	t.Parallel()
	s, other := newSite(t, session.CookieConfig{}), newSite(t, session.CookieConfig{})
	refresh.Mount(gin.New(), s.svc) // the Service has its routes, on some router
	ran := false
	own := func(c *gin.Context) { ran = true; c.Status(http.StatusOK) }
	for name, build := range map[string]func(*gin.Engine){
		"a catch-all":          func(r *gin.Engine) { r.Any("/*any", own) },
		"a catch-all below":    func(r *gin.Engine) { r.POST("/auth/*any", own) },
		"a parameter":          func(r *gin.Engine) { r.POST("/auth/session/:what", own) },
		"an own handler":       func(r *gin.Engine) { r.POST("/auth/session/refresh", own) },
		"NoRoute":              func(r *gin.Engine) { r.NoRoute(own) },
		"NoRoute to the kit's": func(r *gin.Engine) { r.NoRoute(refresh.Handler(s.svc), own) },
		"NoMethod": func(r *gin.Engine) {
			r.HandleMethodNotAllowed = true
			r.GET("/auth/session/refresh", own)
			r.NoMethod(own)
		},
		"another service's":          func(r *gin.Engine) { r.POST("/auth/session/refresh", own, refresh.Handler(other.svc)) },
		"another service's Mount":    func(r *gin.Engine) { refresh.Mount(r, other.svc) },
		"another service's sign-out": func(r *gin.Engine) { r.POST("/auth/session/refresh", refresh.SignOut(other.svc)) },
		"sent on from another route": func(r *gin.Engine) {
			r.POST("/auth/session/refresh", func(c *gin.Context) { c.Request.URL.Path = "/x"; r.HandleContext(c) })
			r.POST("/x", own)
		},
	} {
		router := gin.New()
		router.Use(middleware.Verify(s.svc), func(*gin.Context) { ran = true })
		build(router)
		s.handler = router
		w := s.browser().Fetch(http.MethodPost, host+"/auth/session/refresh")
		require.Equal(t, http.StatusUnauthorized, w.Status, name)
		require.False(t, ran, name)
	}
}

// Mount on a group works where the cookie goes to it, and says so at once where not.
func TestMount_Groups(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ group, refresh, signOut string }{
		{"/api", "/api/renew", "/api/leave"},
		{"/api/", "/api/v1/renew", "/api/leave"},
		{"api", "/api/renew", "/api/leave"},
		{"/", "/renew", "/leave"},
		{"/a/b", "/a/b/renew", "/a/b/c/leave"},
	} {
		s := newSite(t, session.CookieConfig{})
		svc, err := session.New(t.Context(), s.store, session.Config{Now: s.clock.Now, Cookie: session.CookieConfig{RefreshPath: row.refresh, SignOutPath: row.signOut}})
		require.NoError(t, err)
		t.Cleanup(svc.Close)
		router := gin.New()
		refresh.Mount(router.Group(row.group), svc)
		b := s.browser()
		b.signIn("ada")
		s.handler = router
		require.Equal(t, http.StatusUnauthorized, b.Fetch(http.MethodPost, host+row.refresh).Status)
		require.NotEmpty(t, b.value("sAccessToken"), "its session lives")
		require.Equal(t, http.StatusOK, b.Fetch(http.MethodPost, host+row.signOut).Status, row.group)
	}
	s := newSite(t, session.CookieConfig{})
	for _, group := range []string{"/v1", "/auth/session/refresh", "/auth/session/ref", "/:tenant", "/authx", "/auth/session"} {
		require.PanicsWithValue(t, `refresh: Mount on the group "`+group+`" cannot make the route "`+
			map[bool]string{true: "/api/signout", false: "/auth/session/refresh"}[group == "/auth/session"]+
			`", to which the cookie goes: mount on the engine, or set Config.Cookie.RefreshPath and SignOutPath below the group`,
			func() { refresh.Mount(gin.New().Group(group), s.svc) }, group)
	}
}

// A refresh without its cookie takes nothing away from a session that lives.
func TestRefresh_WithoutToken(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.CookieConfig{})
	b := s.browser()
	b.signIn("ada")
	drop := func() { b.set(s.refreshURL, "sRefreshToken=; Max-Age=-1; Path=/auth/session/refresh") }
	drop()
	for range 2 {
		w := b.Fetch(http.MethodPost, s.refreshURL)
		require.Equal(t, http.StatusUnauthorized, w.Status)
		require.Empty(t, w.Header.Values("Set-Cookie"))
		b.is("ada", 0, "its session lives")
	}
	s.clock.Advance(2 * time.Hour)
	require.Empty(t, b.Fetch(http.MethodPost, s.refreshURL).Header.Values("Set-Cookie"), "expired, and its row lives")
	_, err := s.svc.RevokeAll(t.Context(), "ada")
	require.NoError(t, err)
	b.Fetch(http.MethodPost, s.refreshURL)
	require.Empty(t, b.ours(), "its session is over")

	b.signIn("ada")
	drop()
	s.clock.Advance(3 * 24 * time.Hour)
	for range 3 { // an unknown key is in doubt for a while
		b.Fetch(http.MethodPost, s.refreshURL)
		s.clock.Advance(5 * time.Minute)
	}
	require.Empty(t, b.ours(), "its key is gone after two days")
}

// A failed proof at the refresh leaves the cookies alone.
func TestRefresh_FailedProof(t *testing.T) {
	t.Parallel()
	for _, mode := range []session.AntiCSRFMode{session.AntiCSRFViaToken, session.AntiCSRFViaCustomHeader} {
		s := newSite(t, session.CookieConfig{SameSite: http.SameSiteNoneMode}, func(c *session.Config) {
			c.AntiCSRF = session.AntiCSRFConfig{Mode: mode, OnRefresh: true}
		})
		b := s.browser()
		b.signIn("ada")
		proof := b.AntiCSRF()
		for _, row := range []struct {
			header http.Header
			status int
		}{
			{with("cross-site"), http.StatusForbidden},
			{http.Header{"Anti-Csrf": {"wrong"}}, http.StatusUnauthorized},
			{http.Header{"Anti-Csrf": {""}}, http.StatusUnauthorized},
			{http.Header{"St-Auth-Mode": {"cookie"}}, http.StatusUnauthorized},
			{nil, http.StatusUnauthorized},
		} {
			w := b.send(http.MethodPost, s.refreshURL, row.header)
			require.Equal(t, row.status, w.Status)
			require.Empty(t, w.Header.Values("Set-Cookie"))
			require.Empty(t, w.Header.Get("Front-Token"))
		}
		b.is("ada", 0, "nothing happened")
		require.Equal(t, http.StatusOK, b.send(http.MethodPost, s.refreshURL, http.Header{"Anti-Csrf": {proof}, "Rid": {"session"}}).Status)
	}
}

// RFC 6750, section 2.1, and RFC 9110, section 11.4: what a bearer token looks like.
func TestBearer_Forms(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		form   []string
		status int
	}{
		{[]string{"Bearer %"}, http.StatusOK},
		{[]string{"Bearer  %"}, http.StatusOK},
		{[]string{"Bearer      %"}, http.StatusOK},
		{[]string{"bearer %"}, http.StatusOK},
		{[]string{"BEARER  %"}, http.StatusOK},
		{[]string{"bEaReR % "}, http.StatusOK},
		{[]string{" \tBearer %\t "}, http.StatusOK},
		{[]string{"Bearer\t%"}, http.StatusUnauthorized},
		{[]string{"Bearer%"}, http.StatusUnauthorized},
		{[]string{"Bearer: %"}, http.StatusUnauthorized},
		{[]string{"Bearer % x"}, http.StatusUnauthorized},
		{[]string{"Bearer %,%"}, http.StatusUnauthorized},
		{[]string{`Bearer "%"`}, http.StatusUnauthorized},
		{[]string{"Token %"}, http.StatusUnauthorized},
		{[]string{"Basic %"}, http.StatusUnauthorized},
		{[]string{"DPoP %"}, http.StatusUnauthorized},
		{[]string{"%"}, http.StatusUnauthorized},
		{[]string{"Bearer %", "Bearer %"}, http.StatusUnauthorized},
		{[]string{"Basic YTpi", "Bearer %"}, http.StatusUnauthorized},
	} {
		s := newSite(t, session.CookieConfig{})
		mine := s.pair("ada")
		header := func(token string) http.Header {
			h := http.Header{}
			for _, form := range row.form {
				h.Add("Authorization", replace(form, token))
			}
			return h
		}
		require.Equal(t, row.status, s.browser().send(http.MethodGet, me, header(mine.access)).Status, "%q", row.form)
		require.Equal(t, row.status, s.browser().send(http.MethodPost, s.refreshURL, header(mine.refresh)).Status, "%q", row.form)
	}
}
