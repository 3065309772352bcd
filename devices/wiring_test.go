package devices_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/devices"
	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/claim"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

func TestMount_withoutAService(t *testing.T) {
	t.Parallel()
	require.PanicsWithValue(t, "devices.Mount needs a *session.Service: use what session.New returned without an error",
		func() { devices.Mount(gin.New(), nil, devices.Config{}) })
}

// Where no cookie goes, nobody would ever be signed in: that is found out at the start.
func TestMount_whereNoCookieGoes(t *testing.T) {
	t.Parallel()
	service := func(change func(*session.Config)) *session.Service {
		cfg := session.Config{}
		change(&cfg)
		return sessiontest.New(t, cfg).Service
	}
	api := service(func(c *session.Config) { c.Cookie.AccessPath = "/api" })
	byHeader := service(func(c *session.Config) { c.Cookie.AccessPath, c.FrontEnds.Carriers = "/api", session.CarriersHeader })
	everywhere := service(func(*session.Config) {})
	for _, row := range []struct {
		group  string
		svc    *session.Service
		prefix string
		panics string
	}{
		{"/", everywhere, "", ""},
		{"/auth", everywhere, "", ""},
		{"/t/:tenant", everywhere, "", ""},
		{"/api", api, "", ""},
		{"/api/auth/", api, "", ""},
		{"/", byHeader, "", ""},
		{"/", api, "/api", ""},
		{"/auth", api, "api/", ""},
		{"/", api, "", `"/sessions"`},
		{"/auth", api, "", `"/auth/sessions"`},
		{"/apis", api, "", `"/apis/sessions"`},
		{"/api", api, "/v1", `"/v1/api/sessions"`},
	} {
		mount := func() {
			devices.Mount(gin.New().Group(row.group), row.svc, devices.Config{Prefix: row.prefix})
		}
		if row.panics == "" {
			require.NotPanics(t, mount, row.group)
			continue
		}
		require.PanicsWithValue(t, "devices: Mount would make routes at "+row.panics+", to which browsers send no access token:"+
			" mount on a group below Config.Cookie.AccessPath; where a proxy takes a prefix off the path, name it in devices.Config.Prefix", mount)
	}
}

// The routes stand on the engine itself too, and below a Verify that is there already.
func TestMount_anywhere(t *testing.T) {
	t.Parallel()
	kit := sessiontest.New(t, session.Config{})
	router := gin.New()
	devices.Mount(router, kit.Service, devices.Config{})
	devices.Mount(router.Group("/behind", middleware.Verify(kit.Service)), kit.Service, devices.Config{})
	ada := kit.Client(t, router)
	own := ada.Login("ada").Handle()
	for _, base := range []string{"", "/behind"} {
		require.Equal(t, http.StatusOK, ada.Get(base+"/sessions").Code)
		require.Equal(t, http.StatusNoContent, ada.Do(http.MethodPatch, base+"/sessions/"+own, `{"label":"x"}`).Code)
		require.Equal(t, http.StatusOK, ada.Post(base+"/sessions/revoke-others", "").Code)
	}
	require.Equal(t, http.StatusNoContent, ada.Do(http.MethodDelete, "/behind/sessions/"+own, "").Code)
}

// The list asks for no recent sign-in, however long the user has been in.
func TestList_ofAnOldSession(t *testing.T) {
	t.Parallel()
	a := newApp(t, devices.Config{})
	ada, _ := a.signIn(t, "ada")
	for range 12 {
		a.Advance(30 * 24 * time.Hour)
		sessions, _ := list(t, ada, "")
		require.Len(t, sessions, 1)
		require.True(t, sessions[0].Current)
	}
}

// What the application demands holds for every route, and its word on revocation is the
// last one.
func TestConfig_Verify(t *testing.T) {
	t.Parallel()
	mfa, err := claim.NewSingle(claim.Config[bool]{ID: "mfa"})
	require.NoError(t, err)
	a := newApp(t, devices.Config{Verify: []session.VerifyOption{session.WithClaims(mfa.HasValue(true))}})
	ada, own := a.signIn(t, "ada")
	for _, row := range routes {
		w := ada.Do(row[0], "/auth/sessions"+row[1], `{"label":"x"}`)
		requireRefused(t, w, http.StatusForbidden, "invalid claim")
	}
	_, err = a.Service.Get(t.Context(), own)
	require.NoError(t, err)

	late := newApp(t, devices.Config{Verify: []session.VerifyOption{session.WithRevocation(session.RevokeAtExpiry)}})
	ada, own = late.signIn(t, "ada")
	_, err = late.Service.Revoke(t.Context(), own)
	require.NoError(t, err)
	late.store.Arm()
	require.Equal(t, http.StatusOK, ada.Get("/auth/sessions").Code)
	require.Equal(t, map[string]int{"List": 1}, late.store.Counts())

	visitors := newApp(t, devices.Config{Verify: []session.VerifyOption{session.Optional()}})
	for _, row := range routes {
		requireRefused(t, visitors.serve(t, row[0], "/auth/sessions"+row[1], ""), http.StatusUnauthorized, "unauthorised")
	}
}

// The application's own answers are asked for what the kit refuses.
func TestRefused_byOnError(t *testing.T) {
	t.Parallel()
	kit := sessiontest.New(t, session.Config{})
	router := gin.New()
	router.Use(middleware.OnError(func(c *gin.Context, err error) bool {
		if !errors.Is(err, errors.ErrUnavailable) {
			return false
		}
		c.String(http.StatusTeapot, "later")
		return true
	}))
	devices.Mount(router, kit.Service, devices.Config{})
	ada := kit.Client(t, router)
	ada.Login("ada")
	kit.Service.Close()
	for _, row := range routes {
		require.Equal(t, http.StatusTeapot, ada.Do(row[0], "/sessions"+row[1], "").Code)
	}
}
