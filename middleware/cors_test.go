package middleware_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gin-contrib/cors"
	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/claim"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

const (
	appOrigin     = "https://app.example.com"
	adminOrigin   = "https://admin.example.com"
	foreignOrigin = "https://app.example.com.evil.example"
)

// corsConfig is the set-up that the documentation shows.
func corsConfig() cors.Config {
	return cors.Config{
		AllowOrigins: []string{appOrigin, adminOrigin}, AllowCredentials: true,
		AllowMethods: []string{"GET", "POST"},
		AllowHeaders: session.AllowHeaders(), ExposeHeaders: session.ExposeHeaders(),
	}
}

// corsAPI is a server with one route for each answer there is.
type corsAPI struct {
	url string
	// client is this server's own: others close the idle connections of the default one.
	client *http.Client
	store  *storetest.FaultyStore
}

func newCORSAPI(t *testing.T, config cors.Config) *corsAPI {
	t.Helper()
	api := &corsAPI{store: storetest.Faulty(memstore.New())}
	svc := sessiontest.NewOn(t, api.store, nil, session.Config{
		Logger: slog.New(slog.DiscardHandler), Cookie: session.CookieConfig{Insecure: true},
	}).Service
	verified, err := claim.NewSingle(claim.Config[bool]{ID: "st-ev"})
	require.NoError(t, err)
	theme, err := claim.NewSingle(claim.Config[string]{
		ID: "theme", Fetch: func(context.Context, string) (string, bool, error) { return "dark", true, nil },
	})
	require.NoError(t, err)

	gin.SetMode(gin.TestMode)
	router := gin.New()
	router.Use(cors.New(config))
	router.POST(svc.RefreshPaths()[0], answering(svc, func(c *gin.Context) error {
		_, err := svc.RefreshHTTP(c.Writer, c.Request)
		return err
	}))
	router.POST(svc.SignOutPath(), answering(svc, func(c *gin.Context) error {
		return svc.SignOutHTTP(c.Writer, c.Request)
	}))
	router.POST("/login", func(c *gin.Context) {
		if _, err := middleware.Create(c, svc, "user-1"); err != nil {
			middleware.Abort(c, svc, err)
		}
	})
	ok := func(c *gin.Context) { c.Header("x-app", "1"); c.Status(http.StatusOK) }
	router.POST("/full", answering(svc, func(*gin.Context) error { return &errors.SessionLimitError{Limit: 1} }))
	router.Any("/me", middleware.Verify(svc), ok)
	router.Any("/themed", middleware.Verify(svc, session.WithClaims(theme.HasValue("dark").MaxAge(0))), ok)
	router.Any("/verified", middleware.Verify(svc, session.WithClaims(verified.HasValue(true))), ok)
	router.Any("/strict", middleware.Verify(svc, session.WithRevocation(session.RevokeImmediately)), ok)
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	api.url, api.client = server.URL, server.Client()
	return api
}

// answering answers 200, or what the error means.
func answering(svc *session.Service, handler func(*gin.Context) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := handler(c); err != nil {
			middleware.Abort(c, svc, err)
		}
	}
}

// corsAnswer is a response without its body.
type corsAnswer struct {
	StatusCode int
	Header     http.Header
	cookies    []*http.Cookie
}

// corsPage is a page of one origin, with the cookies that its browser has for the API.
type corsPage struct {
	api     *corsAPI
	origin  string
	cookies []*http.Cookie
	csrf    string
}

func (p *corsPage) do(t *testing.T, method, path string, header http.Header) *corsAnswer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, p.api.url+path, nil)
	require.NoError(t, err)
	r.Header = header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Header.Set("Origin", p.origin)
	r.Header.Set("St-Auth-Mode", "cookie")
	if p.csrf != "" {
		r.Header.Set("Anti-Csrf", p.csrf)
	}
	for _, cookie := range p.cookies {
		r.AddCookie(cookie)
	}
	res, err := p.api.client.Do(r)
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return &corsAnswer{res.StatusCode, res.Header, res.Cookies()}
}

func (api *corsAPI) signIn(t *testing.T, origin string) *corsPage {
	t.Helper()
	page := &corsPage{api: api, origin: origin}
	res := page.do(t, http.MethodPost, "/login", nil)
	require.Equal(t, http.StatusOK, res.StatusCode)
	page.cookies, page.csrf = res.cookies, res.Header.Get("Anti-Csrf")
	require.Len(t, page.cookies, 2)
	return page
}

// preflight asks as a browser does before a request with the headers of a front end.
func (p *corsPage) preflight(t *testing.T, path string) *corsAnswer {
	t.Helper()
	page := &corsPage{api: p.api, origin: p.origin} // a preflight has no credentials
	return page.do(t, http.MethodOptions, path, http.Header{
		"Access-Control-Request-Method":  {"POST"},
		"Access-Control-Request-Headers": {"anti-csrf,fdi-version,rid,st-auth-mode"},
	})
}

// readable is the CORS check of a request with credentials (Fetch standard,
// "CORS check"): whether the browser lets the page see the response.
func readable(res *corsAnswer, origin string) bool {
	return slices.Equal(res.Header.Values("Access-Control-Allow-Origin"), []string{origin}) &&
		slices.Equal(res.Header.Values("Access-Control-Allow-Credentials"), []string{"true"})
}

// list is a comma-separated header in lower case. With credentials a wildcard in it has
// no meaning but its own name.
func list(res *corsAnswer, name string) []string {
	var tokens []string
	for _, line := range res.Header.Values(name) {
		for token := range strings.SplitSeq(line, ",") {
			tokens = append(tokens, strings.ToLower(strings.TrimSpace(token)))
		}
	}
	return tokens
}

func requireNoDuplicates(t *testing.T, tokens []string) {
	t.Helper()
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(tokens))), len(tokens), tokens)
}

func TestCORS_listsAreCopies(t *testing.T) {
	t.Parallel()
	for _, names := range []func() []string{session.AllowHeaders, session.ExposeHeaders} {
		want := names()
		names()[0] = "x-other"
		require.Equal(t, want, names())
		require.NotContains(t, want, "*")
		requireNoDuplicates(t, want)
	}
	require.Subset(t, session.AllowHeaders(), []string{"anti-csrf", "authorization", "content-type", "fdi-version", "rid", "st-auth-mode"})
	require.ElementsMatch(t, session.ExposeHeaders(), []string{"anti-csrf", "front-token", "id-refresh-token", "st-access-token", "st-refresh-token"})
}

func TestCORS_preflight(t *testing.T) {
	t.Parallel()
	api := newCORSAPI(t, corsConfig())
	for _, path := range []string{"/me", "/verified", "/strict", "/login", "/auth/session/refresh", "/auth/signout"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			res := (&corsPage{api: api, origin: foreignOrigin}).preflight(t, path)
			require.Equal(t, http.StatusForbidden, res.StatusCode)
			require.Empty(t, res.Header.Values("Access-Control-Allow-Origin"))

			for _, origin := range []string{appOrigin, adminOrigin} {
				res = (&corsPage{api: api, origin: origin}).preflight(t, path)
				require.Equal(t, http.StatusNoContent, res.StatusCode)
				require.True(t, readable(res, origin))
				require.Contains(t, list(res, "Access-Control-Allow-Methods"), "post")
				require.Subset(t, list(res, "Access-Control-Allow-Headers"), []string{"anti-csrf", "fdi-version", "rid", "st-auth-mode"})
				require.Empty(t, res.cookies)
			}
		})
	}
}

// A page must be able to read the status and the tokens of every answer: one
// that the browser hides is a network error to it, and it would not refresh.
func TestCORS_everyStatus(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status  int
		request func(*testing.T, *corsPage) *corsAnswer
		tokens  []string // the kit's headers of this answer
	}{
		"visitor": {401, func(t *testing.T, p *corsPage) *corsAnswer {
			t.Helper()
			return (&corsPage{api: p.api, origin: p.origin}).do(t, http.MethodGet, "/me", nil)
		}, nil},
		"refresh of a visitor": {401, func(t *testing.T, p *corsPage) *corsAnswer {
			t.Helper()
			return (&corsPage{api: p.api, origin: p.origin}).do(t, http.MethodPost, "/auth/session/refresh", nil)
		}, []string{"Front-Token"}},
		"no anti-CSRF token": {401, func(t *testing.T, p *corsPage) *corsAnswer {
			t.Helper()
			return (&corsPage{api: p.api, origin: p.origin, cookies: p.cookies}).do(t, http.MethodPost, "/me", nil)
		}, nil},
		"claim": {403, func(t *testing.T, p *corsPage) *corsAnswer {
			t.Helper()
			return p.do(t, http.MethodPost, "/verified", nil)
		}, nil},
		"limit": {409, func(t *testing.T, p *corsPage) *corsAnswer {
			t.Helper()
			return p.do(t, http.MethodPost, "/full", nil)
		}, nil},
		"database down": {503, func(t *testing.T, p *corsPage) *corsAnswer {
			t.Helper()
			p.api.store.Arm(storetest.Fault{})
			defer p.api.store.Arm()
			return p.do(t, http.MethodPost, "/strict", nil)
		}, nil},
		"sign-in": {200, func(t *testing.T, p *corsPage) *corsAnswer {
			t.Helper()
			return p.do(t, http.MethodPost, "/login", nil)
		}, []string{"Front-Token", "Anti-Csrf"}},
		"signed in": {200, func(t *testing.T, p *corsPage) *corsAnswer {
			t.Helper()
			return p.do(t, http.MethodPost, "/me", nil)
		}, nil},
		"token replaced": {200, func(t *testing.T, p *corsPage) *corsAnswer {
			t.Helper()
			return p.do(t, http.MethodPost, "/themed", nil)
		}, []string{"Front-Token"}},
		"refresh": {200, func(t *testing.T, p *corsPage) *corsAnswer {
			t.Helper()
			return p.do(t, http.MethodPost, "/auth/session/refresh", nil)
		}, []string{"Front-Token", "Anti-Csrf"}},
		"sign-out": {200, func(t *testing.T, p *corsPage) *corsAnswer {
			t.Helper()
			return p.do(t, http.MethodPost, "/auth/signout", nil)
		}, []string{"Front-Token"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own := corsConfig()
			own.ExposeHeaders = []string{"x-app"}
			none := corsConfig()
			none.ExposeHeaders = nil
			for _, config := range []cors.Config{corsConfig(), own, none} {
				api := newCORSAPI(t, config)
				for _, origin := range []string{appOrigin, adminOrigin} {
					res := tc.request(t, api.signIn(t, origin))
					require.Equal(t, tc.status, res.StatusCode)
					require.True(t, readable(res, origin), res.Header)
					require.Contains(t, list(res, "Vary"), "origin", "another origin's answer must not come from a cache")
					requireExposed(t, res, config.ExposeHeaders, tc.tokens)
				}
			}
		})
	}
}

// requireExposed checks that a page can read the tokens, and that what the
// application exposes is still there, each once.
func requireExposed(t *testing.T, res *corsAnswer, configured, tokens []string) {
	t.Helper()
	exposed := list(res, "Access-Control-Expose-Headers")
	requireNoDuplicates(t, exposed)
	require.Subset(t, exposed, configured)
	for _, name := range tokens {
		require.Len(t, res.Header.Values(name), 1, name)
		require.Contains(t, exposed, strings.ToLower(name))
	}
}

// A page that is not on the list learns nothing and changes nothing.
func TestCORS_foreignOrigin(t *testing.T) {
	t.Parallel()
	api := newCORSAPI(t, corsConfig())
	page := api.signIn(t, appOrigin)
	for _, origin := range []string{foreignOrigin, "null", "http://app.example.com", "https://app.example.com:8443", "*"} {
		t.Run(origin, func(t *testing.T) {
			t.Parallel()
			foreign := &corsPage{api: api, origin: origin, cookies: page.cookies}
			for _, path := range []string{"/me", "/login", "/auth/session/refresh", "/auth/signout"} {
				res := foreign.do(t, http.MethodPost, path, nil)
				require.Equal(t, http.StatusForbidden, res.StatusCode)
				require.False(t, readable(res, origin))
				require.Empty(t, res.cookies)
				require.Empty(t, res.Header.Values("Front-Token"))
			}
		})
	}
}

// The kit by itself allows nobody: without the CORS middleware no page of
// another origin reads anything.
func TestCORS_kitAllowsNobody(t *testing.T) {
	t.Parallel()
	svc := sessiontest.New(t, session.Config{}).Service
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://api.example.com/login", nil)
	r.Header.Set("Origin", appOrigin)
	w := httptest.NewRecorder()
	_, err := svc.CreateHTTP(w, r, "user-1")
	require.ErrorIs(t, err, errors.ErrCrossOrigin)
	require.Empty(t, w.Header())
	r.Header.Set("Content-Type", "application/json") // for which its browser asked us first
	_, err = svc.CreateHTTP(w, r, "user-1")
	require.NoError(t, err)
	require.NotEmpty(t, w.Header().Get("Access-Control-Expose-Headers"))
	for name := range w.Header() {
		require.NotContains(t, name, "Access-Control-Allow")
	}
}

// What not to do: gin-contrib/cors takes a wildcard together with credentials,
// but no browser does. The page sees nothing, with any status.
func TestCORS_wildcardWithCredentialsIsRefusedByBrowsers(t *testing.T) {
	t.Parallel()
	config := corsConfig()
	config.AllowOrigins, config.AllowAllOrigins = nil, true
	require.NoError(t, config.Validate())
	api := newCORSAPI(t, config)
	page := &corsPage{api: api, origin: appOrigin}
	for _, path := range []string{"/me", "/login", "/auth/session/refresh"} {
		require.False(t, readable(page.preflight(t, path), appOrigin))
		res := page.do(t, http.MethodPost, path, nil)
		require.Equal(t, "*", res.Header.Get("Access-Control-Allow-Origin"))
		require.False(t, readable(res, appOrigin))
	}

	// Nor does a wildcard in the lists: there it is a header of that name.
	config = corsConfig()
	config.AllowHeaders = []string{"*"}
	res := (&corsPage{api: newCORSAPI(t, config), origin: appOrigin}).preflight(t, "/me")
	require.NotContains(t, list(res, "Access-Control-Allow-Headers"), "anti-csrf")
}

// gin-contrib/cors hands the same slices to every response. What the kit
// appends to one must not show in another.
func TestCORS_responsesDoNotMix(t *testing.T) {
	t.Parallel()
	config := corsConfig()
	config.ExposeHeaders = []string{"x-app"}
	api := newCORSAPI(t, config)
	var wg sync.WaitGroup
	for range 4 {
		page := api.signIn(t, appOrigin)
		wg.Go(func() {
			for range 10 {
				for path, want := range map[string]string{"/me": "x-app", "/themed": "x-app,front-token"} {
					r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, api.url+path, nil)
					if err != nil {
						t.Error(err)
						return
					}
					r.Header.Set("Origin", appOrigin)
					r.Header.Set("St-Auth-Mode", "cookie")
					r.AddCookie(page.cookies[0])
					res, err := api.client.Do(r)
					if err != nil {
						t.Error(err)
						return
					}
					_ = res.Body.Close()
					if got := strings.Join(list(&corsAnswer{Header: res.Header}, "Access-Control-Expose-Headers"), ","); got != want || res.StatusCode != http.StatusOK {
						t.Errorf("%s: %d %q", path, res.StatusCode, got)
					}
				}
			}
		})
	}
	wg.Wait()
}
