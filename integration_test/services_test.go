package integration_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/internal/testdb"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/refresh"
	"github.com/gin-sessionkit/sessionkit/session"
)

// serviceAt serves an application on this machine: its own port, the host of the
// others.
func serviceAt(t *testing.T, store session.Store, cfg session.Config) (address string) {
	t.Helper()
	cfg.Issuer, cfg.Cookie.Insecure, cfg.Logger = "https://company.example", true, slog.New(slog.DiscardHandler)
	svc, err := session.New(t.Context(), store, cfg)
	require.NoError(t, err)
	t.Cleanup(svc.Close)
	router := gin.New()
	refresh.Mount(router, svc)
	router.POST("/login/:user", func(c *gin.Context) {
		if _, err := middleware.Create(c, svc, c.Param("user")); err != nil {
			middleware.Abort(c, svc, err)
		}
	})
	router.GET("/me", middleware.Verify(svc), func(c *gin.Context) {
		c.String(http.StatusOK, c.MustGet(middleware.Key).(*session.Session).UserID())
	})
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	return server.URL
}

// visitor is a browser that goes to several services; it keeps an anti-CSRF token for
// each of its sessions, as front ends do.
type visitor struct {
	t    *testing.T
	http http.Client
	csrf map[string]string
}

func newVisitor(t *testing.T) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &visitor{t, http.Client{Jar: jar}, map[string]string{}}
}

// ask returns the status and the body. proof names the session whose anti-CSRF token is
// sent along, and is renewed.
func (v *visitor) ask(proof, method, address string) (int, string) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, address, nil)
	require.NoError(v.t, err)
	u, _ := url.Parse(address)
	r.Header.Set("Origin", "http://"+u.Host)
	r.Header.Set("rid", "session")
	if v.csrf[proof] != "" {
		r.Header.Set("anti-csrf", v.csrf[proof])
	}
	resp, err := v.http.Do(r)
	require.NoError(v.t, err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(v.t, err)
	if token := resp.Header.Get("anti-csrf"); token != "" {
		v.csrf[proof] = token
	}
	return resp.StatusCode, string(body)
}

func (v *visitor) is(user, proof, address string) {
	v.t.Helper()
	status, body := v.ask(proof, http.MethodGet, address+"/me")
	require.Equal(v.t, http.StatusOK, status, body)
	require.Equal(v.t, user, body)
}

func (v *visitor) does(proof, address string) {
	v.t.Helper()
	status, body := v.ask(proof, http.MethodPost, address)
	require.Equal(v.t, http.StatusOK, status, body)
}

// One sign-in is good at two services, of which only the first refreshes it; a sign-out
// at the second is one at both.
func TestServices_oneSignOn(t *testing.T) {
	t.Parallel()
	store := rig.Migrated(t, testdb.MySQL(t))
	shop := serviceAt(t, store, session.Config{Audiences: []string{"shop", "billing"}})
	billing := serviceAt(t, store, session.Config{Audiences: []string{"billing"}})
	v := newVisitor(t)
	v.does("one", shop+"/login/ada")
	for range 3 {
		v.is("ada", "one", billing) // what a refresh made is used there first
		v.is("ada", "one", shop)
		v.does("one", shop+"/auth/session/refresh")
	}
	status, _ := v.ask("one", http.MethodPost, billing+"/auth/session/refresh")
	require.Equal(t, http.StatusUnauthorized, status)
	v.is("ada", "one", shop) // and nothing was cleared
	v.does("one", shop+"/auth/session/refresh")

	v.does("one", billing+"/auth/signout")
	for _, at := range []string{shop, billing} {
		status, body := v.ask("one", http.MethodGet, at+"/me")
		require.Equal(t, http.StatusUnauthorized, status, body)
	}
}

// Two applications on one host have a session each, whatever happens to the other's.
func TestServices_bySuffix(t *testing.T) {
	t.Parallel()
	store := rig.Migrated(t, testdb.MySQL(t))
	at := func(name string) string {
		return serviceAt(t, store, session.Config{Audiences: []string{name}, Cookie: session.CookieConfig{Suffix: "_" + name}})
	}
	shop, desk := at("shop"), at("desk")
	v := newVisitor(t)
	v.does("shop", shop+"/login/ada")
	v.does("desk", desk+"/login/eve")
	for range 2 {
		v.is("ada", "shop", shop)
		v.is("eve", "desk", desk)
		v.does("shop", shop+"/auth/session/refresh")
		v.does("desk", desk+"/auth/session/refresh")
	}
	v.does("shop", shop+"/login/bob") // ends ada's session, and no other
	v.is("bob", "shop", shop)
	v.is("eve", "desk", desk)
	v.does("shop", shop+"/auth/signout")
	v.is("eve", "desk", desk)
	v.does("desk", desk+"/auth/session/refresh")
	v.is("eve", "desk", desk)
	status, body := v.ask("shop", http.MethodGet, shop+"/me")
	require.Equal(t, http.StatusUnauthorized, status, body)
	require.False(t, strings.Contains(body, "eve"))
}
