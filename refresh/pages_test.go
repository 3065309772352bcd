package refresh_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/refresh"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

func pagesRouter(t *testing.T) (*sessiontest.Kit, *gin.Engine) {
	t.Helper()
	kit := sessiontest.New(t, session.Config{ConcurrentRefreshWindow: 10 * time.Second})
	router := gin.New()
	refresh.Mount(router, kit.Service, refresh.Pages("/login"))
	return kit, router
}

// form is what a page of the own origin sends without a script; header has names and
// values.
func form(t *testing.T, to http.Handler, method, path, cookie string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "https://app.example"+path, strings.NewReader("a=b"))
	r.RequestURI = path
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	for pair := range slices.Chunk(header, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	w := httptest.NewRecorder()
	to.ServeHTTP(w, r)
	return w
}

// A form signs out without an anti-CSRF token, and without a session too.
func TestSignOut_Form(t *testing.T) {
	t.Parallel()
	kit, router := pagesRouter(t)
	svc := kit.Service
	tokens, err := svc.Create(t.Context(), "user")
	require.NoError(t, err)
	cookie := "sAccessToken=" + tokens.Access.Value

	for name, header := range map[string][]string{
		"a foreign page's": {"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"},
		"a sibling host's": {"Sec-Fetch-Site", "same-site", "Origin", "https://a.app.example"},
	} {
		w := form(t, router, http.MethodPost, svc.SignOutPath(), cookie, header...)
		require.Equal(t, http.StatusForbidden, w.Code, name)
		require.Empty(t, w.Header().Values("Set-Cookie"))
	}
	w := form(t, router, http.MethodGet, svc.SignOutPath(), cookie)
	require.Equal(t, http.StatusNotFound, w.Code, "a link signs nobody out")
	require.Equal(t, 1, handles(t, svc))

	for _, sent := range []string{cookie, cookie, ""} { // signed in, out already, with nothing
		w = form(t, router, http.MethodPost, svc.SignOutPath(), sent)
		require.Equal(t, http.StatusSeeOther, w.Code)
		require.Equal(t, "/login", w.Header().Get("Location"))
	}
	require.Zero(t, handles(t, svc))
}

// What scripts get stays as it was.
func TestSignOut_Scripts(t *testing.T) {
	t.Parallel()
	kit, router := pagesRouter(t)
	svc := kit.Service
	tokens, err := svc.Create(t.Context(), "user")
	require.NoError(t, err)
	cookie := "sAccessToken=" + tokens.Access.Value
	w := form(t, router, http.MethodPost, svc.SignOutPath(), cookie, "Sec-Fetch-Mode", "cors")
	require.Equal(t, http.StatusUnauthorized, w.Code, "the anti-CSRF token is missing")
	w = form(t, router, http.MethodPost, svc.SignOutPath(), cookie, "Anti-Csrf", "wrong")
	require.Equal(t, http.StatusUnauthorized, w.Code)
	require.Equal(t, 1, handles(t, svc))
	w = form(t, router, http.MethodPost, svc.SignOutPath(), cookie, "Anti-Csrf", tokens.AntiCSRF)
	require.JSONEq(t, `{"status":"OK"}`, w.Body.String())

	tokens, err = svc.Create(t.Context(), "user")
	require.NoError(t, err)
	w = form(t, router, http.MethodPost, svc.SignOutPath(), "sAccessToken="+tokens.Access.Value, "Hx-Request", "true", "Sec-Fetch-Mode", "cors")
	require.Equal(t, http.StatusNoContent, w.Code)
	require.Equal(t, "/login", w.Header().Get("Hx-Redirect"))
	require.Contains(t, strings.Join(w.Header().Values("Set-Cookie"), "\n"), "sAccessToken=;")
	require.Zero(t, handles(t, svc))
}

// With an expired token the form comes back by way of the refresh route: the one way to the
// sign-out route from there.
func TestSignOut_Expired(t *testing.T) {
	t.Parallel()
	kit, router := pagesRouter(t)
	svc := kit.Service
	tokens, err := svc.Create(t.Context(), "user")
	require.NoError(t, err)
	kit.Expire()
	out := svc.SignOutPath()
	w := form(t, router, http.MethodPost, out, "sAccessToken="+tokens.Access.Value)
	require.Equal(t, http.StatusTemporaryRedirect, w.Code)
	location := w.Header().Get("Location")
	require.Equal(t, "/auth/session/refresh?to=%2Fauth%2Fsignout", location)

	both := "sAccessToken=" + tokens.Access.Value + "; sRefreshToken=" + tokens.Refresh.Value
	for name, header := range map[string][]string{
		"meant, but by no page of the own origin": {"Sec-Fetch-Site", "cross-site", "Content-Type", "application/json"},
	} {
		w = form(t, router, http.MethodPost, location, both, header...)
		require.Equal(t, "/", w.Header().Get("Location"), name)
	}
	w = form(t, router, http.MethodPost, location, both)
	require.Equal(t, http.StatusTemporaryRedirect, w.Code)
	require.Equal(t, out, w.Header().Get("Location"))
	var access string
	for _, c := range w.Result().Cookies() {
		if c.Name == "sAccessToken" {
			access = c.Value
		}
	}
	w = form(t, router, http.MethodPost, out, "sAccessToken="+access)
	require.Equal(t, http.StatusSeeOther, w.Code)
	require.Zero(t, handles(t, svc))

	w = form(t, router, http.MethodPost, location, both)
	require.Equal(t, http.StatusSeeOther, w.Code, "it is over: there is nothing to sign out of")
	require.Equal(t, "/login", w.Header().Get("Location"))
}

// The routes take the methods that forms and scripts send, and no others; without Pages
// POST alone.
func TestPages_Methods(t *testing.T) {
	t.Parallel()
	kit, router := pagesRouter(t)
	everything := gin.New()
	everything.Any("/auth/session/refresh", refresh.Handler(kit.Service, refresh.Pages("/login")))
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		for _, to := range []http.Handler{router, everything} {
			w := form(t, to, method, "/auth/session/refresh?to=/cart", "")
			require.Equal(t, http.StatusSeeOther, w.Code, method)
		}
	}
	for _, method := range []string{http.MethodOptions, http.MethodTrace} {
		require.Equal(t, http.StatusNotFound, form(t, router, method, "/auth/session/refresh?to=/cart", "").Code, method)
		require.Equal(t, http.StatusMethodNotAllowed, form(t, everything, method, "/auth/session/refresh?to=/cart", "").Code, method)
	}
	w := form(t, everything, http.MethodGet, "/auth/session/refresh?to=/cart", "", "Rid", "anti-csrf")
	require.Equal(t, http.StatusMethodNotAllowed, w.Code, "front ends refresh by POST")
	w = form(t, router, http.MethodPost, "/auth/session/refresh", "")
	require.Equal(t, http.StatusUnauthorized, w.Code, "a script's")
	require.JSONEq(t, `{"message":"unauthorised"}`, w.Body.String())
}
