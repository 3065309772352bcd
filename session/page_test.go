package session_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testpage"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// pageMux is a site of pages on net/http alone.
func pageMux(t *testing.T) (*testpage.Rig, *http.ServeMux) {
	t.Helper()
	rig := testpage.NewWith(t, memstore.New(), nil, session.Config{ConcurrentRefreshWindow: 10 * time.Second})
	svc, site, mux := rig.Svc, session.Site{Login: "/login"}, http.NewServeMux()
	require.NoError(t, svc.CheckSite(site))
	mux.HandleFunc("/cart", func(w http.ResponseWriter, r *http.Request) {
		x := svc.Exchange(w, r)
		defer x.Close()
		sess, err := x.VerifyPage(site)
		if err != nil {
			svc.WriteError(x.Writer(), r, err)
			return
		}
		_, _ = x.Writer().Write([]byte("cart of " + sess.UserID()))
	})
	mux.HandleFunc(svc.RefreshPaths()[0], func(w http.ResponseWriter, r *http.Request) {
		switch sess, err := svc.RefreshPage(w, r, site); {
		case err != nil:
			svc.WriteError(w, r, err)
		case sess != nil:
			_, _ = w.Write([]byte("null"))
		}
	})
	mux.HandleFunc("POST "+svc.SignOutPath(), func(w http.ResponseWriter, r *http.Request) {
		switch answered, err := svc.SignOutPage(w, r, site); {
		case err != nil:
			svc.WriteError(w, r, err)
		case !answered:
			_, _ = w.Write([]byte("{}"))
		}
	})
	return rig, mux
}

// What Gin's packages do for pages, any router can.
func TestPages_WithoutGin(t *testing.T) {
	t.Parallel()
	rig, mux := pageMux(t)
	cookies := map[string]string{}
	do := func(method, path string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		for name, value := range cookies {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		for _, line := range w.Header().Values("Set-Cookie") {
			c, err := http.ParseSetCookie(line)
			require.NoError(t, err)
			if cookies[c.Name] = c.Value; c.MaxAge < 0 {
				delete(cookies, c.Name)
			}
		}
		return w
	}
	w := do(http.MethodGet, "/cart")
	require.Equal(t, "/login?to=%2Fcart", w.Header().Get("Location"))
	tokens := rig.Create(t)
	cookies["sAccessToken"], cookies["sRefreshToken"] = tokens.Access.Value, tokens.Refresh.Value
	w = do(http.MethodGet, "/cart")
	require.Equal(t, "cart of user-1", w.Body.String())
	require.Equal(t, "private, no-store", w.Header().Get("Cache-Control"))

	rig.Kit.Expire()
	w = do(http.MethodPut, "/cart")
	require.Equal(t, http.StatusTemporaryRedirect, w.Code)
	w = do(http.MethodPut, w.Header().Get("Location"))
	require.Equal(t, http.StatusTemporaryRedirect, w.Code)
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	require.Equal(t, "/cart", w.Header().Get("Location"))
	require.Equal(t, "cart of user-1", do(http.MethodPut, "/cart").Body.String())

	w = do(http.MethodPost, rig.Svc.SignOutPath())
	require.Equal(t, http.StatusSeeOther, w.Code)
	require.Equal(t, "/login", w.Header().Get("Location"))
	// No token; and for ten seconds what keeps Chromium from showing old pages.
	require.Equal(t, map[string]string{"__Host-sPage": "signed-out"}, cookies)
}

// The refusal keeps its class and reason for logs and for OnRefusal.
func TestVerifyPage_Errors(t *testing.T) {
	t.Parallel()
	rig, mux := pageMux(t)
	verify := func(target string) error {
		x := rig.Svc.Exchange(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
		defer x.Close()
		_, err := x.VerifyPage(session.Site{Login: "/login"})
		return err
	}
	err := verify("/cart")
	require.ErrorIs(t, err, errors.ErrUnauthorised)
	require.ErrorIs(t, err, errors.ErrTokenMissing)
	err = verify("/login")
	require.ErrorIs(t, err, errors.ErrConfig)
	require.NotErrorIs(t, err, errors.ErrUnauthorised)
	rig.Svc.Close()
	require.ErrorIs(t, verify("/cart"), errors.ErrClosed)
	require.ErrorIs(t, rig.Svc.CheckSite(session.Site{Login: "/login"}), errors.ErrClosed)
	for path, method := range map[string]string{"/cart": http.MethodGet, "/auth/session/refresh": http.MethodGet, "/auth/signout": http.MethodPost} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
		require.Equal(t, http.StatusServiceUnavailable, w.Code)
		require.Contains(t, w.Body.String(), "<h1>Not available just now</h1>", path)
	}
}

// A page that a script got into another page says so in the answer's header.
func TestWriteError_OfPagesForHTMX(t *testing.T) {
	t.Parallel()
	_, mux := pageMux(t)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/cart", nil)
	r.Header.Set("Hx-Request", "true")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	require.Equal(t, http.StatusUnauthorized, w.Code)
	require.Equal(t, "/login", w.Header().Get("Hx-Redirect"))
	require.True(t, strings.HasPrefix(w.Body.String(), "{"))
}
