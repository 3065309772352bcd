package refresh_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/refresh"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode)
	goleak.VerifyTestMain(m)
}

func newService(t *testing.T, change ...func(*session.Config)) *session.Service {
	t.Helper()
	var cfg session.Config
	for _, f := range change {
		f(&cfg)
	}
	return sessiontest.New(t, cfg).Service
}

func serve(t *testing.T, handler http.Handler, method, path, cookie, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "https://app.example"+path, strings.NewReader(body))
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

// A link, an image or a form must not refresh or sign out (CK-13, CS-05), however the routes were mounted.
func TestHandlers_PostOnly(t *testing.T) {
	t.Parallel()
	svc := newService(t)
	tokens, err := svc.Create(t.Context(), "user")
	require.NoError(t, err)
	router := gin.New()
	router.Any("/refresh", refresh.Handler(svc))
	router.Any("/out", refresh.SignOut(svc))
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete} {
		for _, path := range []string{"/refresh", "/out"} {
			w := serve(t, router, method, path, "sRefreshToken="+tokens.Refresh.Value+"; sAccessToken="+tokens.Access.Value, "")
			require.Equal(t, http.StatusMethodNotAllowed, w.Code)
			require.Equal(t, http.MethodPost, w.Header().Get("Allow"))
			require.Empty(t, w.Header().Values("Set-Cookie"))
		}
	}
	require.Equal(t, 1, handles(t, svc))
}

func handles(t *testing.T, svc *session.Service) int {
	t.Helper()
	list, err := svc.List(t.Context(), "user")
	require.NoError(t, err)
	return len(list)
}

func TestMount_AtTheConfiguredPaths(t *testing.T) {
	t.Parallel()
	svc := newService(t, func(c *session.Config) {
		c.Cookie.RefreshPath, c.Cookie.SignOutPath = "/api/renew", "/api/leave"
	})
	router := gin.New()
	refresh.Mount(router, svc)
	tokens, err := svc.Create(t.Context(), "user")
	require.NoError(t, err)

	w := serve(t, router, http.MethodPost, "/api/renew", "sRefreshToken="+tokens.Refresh.Value, strings.Repeat("x", 1<<20))
	require.Equal(t, http.StatusOK, w.Code, "front ends before 4.4.1 take nothing else")
	require.Equal(t, "null", w.Body.String())
	require.Contains(t, strings.Join(w.Header().Values("Set-Cookie"), "\n"), "Path=/api/renew")

	require.Equal(t, http.StatusUnauthorized, serve(t, router, http.MethodPost, "/api/leave", "sAccessToken="+tokens.Access.Value, "").Code, "without the anti-CSRF token")
	require.Equal(t, 1, handles(t, svc))
	require.Equal(t, http.StatusUnauthorized, serve(t, router, http.MethodPost, "/api/renew", "", "").Code)
}

// The theft is answered as one, and told once by the service.
func TestHandler_Theft(t *testing.T) {
	t.Parallel()
	told := make(chan *errors.TokenTheftError, 10)
	svc := newService(t, func(c *session.Config) {
		c.OnTheft = func(_ context.Context, theft *errors.TokenTheftError) { told <- theft }
	})
	router := gin.New()
	refresh.Mount(router, svc)
	first, err := svc.Create(t.Context(), "user")
	require.NoError(t, err)
	second, err := svc.Refresh(t.Context(), first.Refresh.Value)
	require.NoError(t, err)
	_, err = svc.Refresh(t.Context(), second.Refresh.Value)
	require.NoError(t, err)

	w := serve(t, router, http.MethodPost, svc.RefreshPaths()[0], "sRefreshToken="+first.Refresh.Value, "")
	require.Equal(t, `{"message":"token theft detected"}`, w.Body.String())
	w = serve(t, router, http.MethodPost, svc.RefreshPaths()[0], "sRefreshToken="+first.Refresh.Value, "")
	require.Equal(t, `{"message":"unauthorised"}`, w.Body.String())
	svc.Close()
	require.Equal(t, first.Session.Handle(), (<-told).SessionHandle)
	require.Empty(t, told)
}

// The application's own answer is for a refresh that succeeded, and for no other.
func TestMount_WithAnswer(t *testing.T) {
	t.Parallel()
	svc := newService(t)
	tokens, err := svc.Create(t.Context(), "ada")
	require.NoError(t, err)
	router := gin.New()
	refresh.Mount(router, svc, refresh.WithAnswer(func(c *gin.Context, sess *session.Session) {
		c.JSON(http.StatusOK, gin.H{"user": sess.UserID()})
	}))
	path := svc.RefreshPaths()[0]
	w := serve(t, router, http.MethodPost, path, "sRefreshToken="+tokens.Refresh.Value, "")
	require.Equal(t, http.StatusOK, w.Code)
	require.JSONEq(t, `{"user":"ada"}`, w.Body.String())
	require.NotEmpty(t, w.Header().Values("Set-Cookie"))
	w = serve(t, router, http.MethodPost, path, "sRefreshToken=x", "")
	require.Equal(t, http.StatusUnauthorized, w.Code)
	require.NotContains(t, w.Body.String(), "user")
}

// A sign-out route to which no access token goes is refused at the start, unless it is
// not wanted.
func TestMount_SignOutOutsideOfAccessPath(t *testing.T) {
	t.Parallel()
	svc := newService(t, func(c *session.Config) { c.Cookie.AccessPath = "/api" })
	require.PanicsWithValue(t, "refresh: Mount cannot make a sign-out route that no access token would reach:"+
		" set Config.Cookie.SignOutPath to a path below AccessPath, or mount WithoutSignOut",
		func() { refresh.Mount(gin.New(), svc) })
	router := gin.New()
	refresh.Mount(router, svc, refresh.WithoutSignOut())
	require.Len(t, router.Routes(), 1)
	require.Equal(t, svc.RefreshPaths()[0], router.Routes()[0].Path)
}

// A closed service says "not now", and takes nothing away.
func TestHandlers_closed(t *testing.T) {
	t.Parallel()
	svc := newService(t)
	tokens, err := svc.Create(t.Context(), "user")
	require.NoError(t, err)
	router := gin.New()
	refresh.Mount(router, svc)
	svc.Close()
	for _, path := range []string{svc.RefreshPaths()[0], svc.SignOutPath()} {
		for _, cookie := range []string{"", "sRefreshToken=" + tokens.Refresh.Value + "; sAccessToken=" + tokens.Access.Value, "sRefreshToken=x; sAccessToken=x"} {
			w := serve(t, router, http.MethodPost, path, cookie, "")
			require.Equal(t, http.StatusServiceUnavailable, w.Code)
			require.Equal(t, "1", w.Header().Get("Retry-After"))
			require.Empty(t, w.Header().Values("Set-Cookie"))
		}
	}
}
