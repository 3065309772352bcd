package cookies_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/storetest"
)

// A sign-in ends the sessions of both carriers that its request came with.
func TestSignIn_EndsBothCarriers(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.CookieConfig{})
	b, byHeader := s.browser(), s.pair("ada")
	b.signIn("ada")
	require.Equal(t, http.StatusOK, b.send(http.MethodPost, logIn+"ada", http.Header{"Authorization": {"Bearer " + byHeader.access}}).Status)
	list, err := s.svc.List(t.Context(), "ada")
	require.NoError(t, err)
	require.Len(t, list, 1)
}

// The end of a planted session is no reason to clear anything while nobody can tell
// about the other token.
func TestRefresh_UnsureClearsNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.CookieConfig{})
	mine := s.pair("eve")
	own := unknownRefreshKey(t, s.pair("ada").refresh)
	_, err := s.svc.Revoke(t.Context(), mine.handle)
	require.NoError(t, err)
	s.store.Arm(storetest.Fault{Method: "Keys"})
	w := s.browser().send(http.MethodPost, s.refreshURL, http.Header{"Cookie": {"sRefreshToken=" + mine.refresh + "; sRefreshToken=" + own}})
	require.Equal(t, http.StatusUnauthorized, w.Status)
	require.Empty(t, w.Header.Values("Set-Cookie"))
}

// A gateway's own bearer token does not hide that the cookie goes to an older route.
func TestRefresh_GatewaysBearer(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.CookieConfig{RefreshPath: "/renew"})
	b := s.browser()
	b.signIn("ada")
	s.deploy(session.CookieConfig{Older: []session.OlderCookieConfig{{RefreshPath: "/renew"}}})
	w := b.Fetch(http.MethodPost, s.refreshURL, "Authorization", "Bearer gateways.own.token")
	require.Equal(t, http.StatusOK, w.Status)
	require.Equal(t, 1, b.Last.Hops)
}

// The origin of a refresh and a sign-out is asked whatever the method, in case somebody
// mounts them by hand.
func TestOrigin_AnyMethod(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.CookieConfig{})
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut} {
		for _, call := range []func(w http.ResponseWriter, r *http.Request) error{
			s.svc.SignOutHTTP,
			func(w http.ResponseWriter, r *http.Request) error { _, err := s.svc.RefreshHTTP(w, r); return err },
		} {
			r := httptest.NewRequestWithContext(t.Context(), method, s.refreshURL, nil)
			r.Header = with("cross-site", "Cookie", "sRefreshToken="+s.pair("ada").refresh)
			w := httptest.NewRecorder()
			require.ErrorIs(t, call(w, r), errors.ErrCrossOrigin, method)
			require.Empty(t, w.Header().Values("Set-Cookie"))
		}
	}
	// A handshake over HTTP/2.
	b := s.browser()
	b.signIn("ada")
	r := httptest.NewRequestWithContext(t.Context(), http.MethodConnect, me, nil)
	r.Header = with("cross-site", "Cookie", b.Cookies().Header(urlOf(me)), "Anti-Csrf", b.AntiCSRF())
	_, err := s.svc.VerifyHTTP(httptest.NewRecorder(), r)
	require.ErrorIs(t, err, errors.ErrCrossOrigin)
}
