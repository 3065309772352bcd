package integration_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	ginjwt "github.com/appleboy/gin-jwt/v2"
	"github.com/gin-contrib/sessions"
	sessionsmem "github.com/gin-contrib/sessions/memstore"
	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	importrefjwt "github.com/gin-sessionkit/sessionkit/contrib/import-refjwt"
	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/refresh"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

// earlier asks the library of before who is signed in.
type earlier func(*gin.Context) (session.Imported, bool)

// mountAdopting has GETs take over what the earlier library has, and serves both.
func mountAdopting(router *gin.Engine, svc *session.Service, old earlier, endOld gin.HandlerFunc) {
	refresh.Mount(router, svc, refresh.WithoutSignOut())
	router.POST(svc.SignOutPath(), endOld, refresh.SignOut(svc)) // both, or the earlier one goes on to serve

	pages := router.Group("/", middleware.Adopt(svc, old), middleware.VerifyOptional(svc))
	pages.GET("/", func(c *gin.Context) {
		userID, ok := whoIsIn(c, old)
		if !ok {
			c.Redirect(http.StatusSeeOther, "/login")
			return
		}
		c.String(http.StatusOK, "Hello, %s", userID)
	})
}

// whoIsIn is the user of a request, by either session.
func whoIsIn(c *gin.Context, old earlier) (userID string, ok bool) {
	if sess, ok := middleware.Session(c); ok {
		return sess.UserID(), true
	}
	was, ok := old(c)
	return was.UserID, ok
}

// fromSCS is for scs, whose LoadAndSave is around the router.
func fromSCS(manager *scs.SessionManager) earlier {
	return func(c *gin.Context) (session.Imported, bool) {
		ctx := c.Request.Context()
		userID := manager.GetString(ctx, "user")
		return session.Imported{Handle: manager.Token(ctx), UserID: userID, ExpiresAt: manager.Deadline(ctx)}, userID != ""
	}
}

// fromSessions is for gin-contrib/sessions with a store on the server, whose sessions
// have an id.
func fromSessions(lifetime time.Duration) earlier {
	return func(c *gin.Context) (session.Imported, bool) {
		was := sessions.Default(c)
		userID, _ := was.Get("user").(string)
		return session.Imported{Handle: was.ID(), UserID: userID, ExpiresAt: time.Now().Add(lifetime)}, userID != ""
	}
}

// fromGinJWT is for gin-jwt. Its tokens have no store, so nobody can end them: the hash
// of one is what it is called.
func fromGinJWT(auth *ginjwt.GinJWTMiddleware) earlier {
	return func(c *gin.Context) (session.Imported, bool) {
		claims, err := auth.GetClaimsFromJWT(c)
		if err != nil {
			return session.Imported{}, false
		}
		userID, _ := claims[auth.IdentityKey].(string)
		ends, _ := claims["exp"].(float64)
		name := sha256.Sum256([]byte(ginjwt.GetToken(c)))
		return session.Imported{
			Handle: hex.EncodeToString(name[:]), UserID: userID, ExpiresAt: time.Unix(int64(ends), 0),
		}, userID != ""
	}
}

// takeOver is a service that takes over the sessions of the Node library, whose
// database is old.
func takeOver(ctx context.Context, store session.Store, old *sql.DB, importKey []byte, sunset time.Time) (*session.Service, error) {
	importer, err := importrefjwt.New(ctx, old, importrefjwt.Config{})
	if err != nil {
		return nil, err
	}
	return session.New(ctx, store, session.Config{
		Import: session.ImportConfig{From: importer, Key: importKey, Sunset: sunset},
		Cookie: session.CookieConfig{RefreshPath: "/auth/session/refresh"}, // their renewTokenPath
	})
}

// Whatever is no token of either is refused as before.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	old, err := rig.OpenSQLite(t).DB()
	require.NoError(t, err)
	_, err = takeOver(t.Context(), memstore.New(), old, []byte("the import key, 32 bytes or more"), time.Now().Add(time.Hour))
	require.Error(t, err, "no tables of the library")
	for _, statement := range []string{
		"CREATE TABLE signing_key (key_name TEXT, key_value TEXT)", "INSERT INTO signing_key VALUES ('refresh_token_key', 'k')",
	} {
		_, err = old.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	svc, err := takeOver(t.Context(), memstore.New(), old, []byte("the import key, 32 bytes or more"), time.Now().Add(time.Hour))
	require.NoError(t, err)
	defer svc.Close()
	_, err = svc.Refresh(t.Context(), "none")
	require.ErrorIs(t, err, errors.ErrTokenMalformed)
}

// library is one of before: it signs a user in at POST /old-login.
type library struct {
	old    earlier
	endOld gin.HandlerFunc
	// mount adds the sign-in, and what stands before all routes.
	mount func(*gin.Engine)
	// around is put around the router.
	around func(http.Handler) http.Handler
}

func withSCS(*testing.T) library {
	manager := scs.New()
	return library{
		old: fromSCS(manager), around: manager.LoadAndSave,
		endOld: func(c *gin.Context) { _ = manager.Destroy(c.Request.Context()) },
		mount: func(router *gin.Engine) {
			router.POST("/old-login", func(c *gin.Context) {
				_ = manager.RenewToken(c.Request.Context())
				manager.Put(c.Request.Context(), "user", c.Query("user"))
			})
		},
	}
}

func withSessions(t *testing.T) library {
	t.Helper()
	// Its GORM store changes its codecs at each request, which the race detector is right
	// to report.
	store := sessionsmem.NewStore([]byte("a key of 32 bytes for the cookie"))
	end := func(c *gin.Context) {
		was := sessions.Default(c)
		was.Options(sessions.Options{Path: "/", MaxAge: -1})
		_ = was.Save()
	}
	return library{
		old: fromSessions(30 * 24 * time.Hour), endOld: end,
		mount: func(router *gin.Engine) {
			router.Use(sessions.Sessions("session", store))
			router.POST("/old-login", func(c *gin.Context) {
				was := sessions.Default(c)
				was.Set("user", c.Query("user"))
				_ = was.Save()
			})
		},
	}
}

func withGinJWT(t *testing.T) library {
	t.Helper()
	auth, err := ginjwt.New(&ginjwt.GinJWTMiddleware{
		Realm: "app", Key: []byte("a key of 32 bytes for the tokens"), Timeout: 24 * time.Hour, IdentityKey: "id",
		SendCookie: true, TokenLookup: "cookie:jwt",
		Authenticator: func(c *gin.Context) (any, error) { return c.Query("user"), nil },
		PayloadFunc:   func(user any) ginjwt.MapClaims { return ginjwt.MapClaims{"id": user} },
	})
	require.NoError(t, err)
	return library{
		old: fromGinJWT(auth), endOld: func(c *gin.Context) { c.SetCookie("jwt", "", -1, "/", "", false, true) },
		mount: func(router *gin.Engine) { router.POST("/old-login", auth.LoginHandler) },
	}
}

// visit sends a request with these cookies, and returns the answer and the cookies that
// a browser has afterwards.
func visit(t *testing.T, handler http.Handler, method, target string, cookies map[string]string) (*httptest.ResponseRecorder, map[string]string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "https://app.example.com"+target, nil)
	kept := map[string]string{}
	for name, value := range cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
		kept[name] = value
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if kept[c.Name] = c.Value; c.MaxAge < 0 {
			delete(kept, c.Name)
		}
	}
	return w, kept
}

// With each of the three libraries: ten tabs at once, in strict mode, get one session;
// it is refreshed as any other; sign-out ends both.
func TestCookbook_Adopt(t *testing.T) {
	t.Parallel()
	gin.SetMode(gin.ReleaseMode)
	for name, with := range map[string]func(*testing.T) library{
		"scs": withSCS, "gin-contrib/sessions": withSessions, "gin-jwt": withGinJWT,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lib := with(t)
			kit := sessiontest.New(t, session.Config{Import: session.ImportConfig{
				Key: []byte("the import key, 32 bytes or more"), Sunset: time.Now().Add(60 * 24 * time.Hour),
			}})
			router := gin.New()
			lib.mount(router)
			mountAdopting(router, kit.Service, lib.old, lib.endOld)
			var app http.Handler = router
			if lib.around != nil {
				app = lib.around(router)
			}
			w, before := visit(t, app, http.MethodPost, "/old-login?user=ada", nil)
			require.Equal(t, http.StatusOK, w.Code, w.Body)
			require.Len(t, before, 1)
			w, _ = visit(t, app, http.MethodGet, "/", nil)
			require.Equal(t, http.StatusSeeOther, w.Code, "a visitor")

			const tabs = 10
			var all sync.WaitGroup
			after, bodies := make([]map[string]string, tabs), make([]string, tabs)
			for i := range tabs {
				all.Go(func() {
					w, kept := visit(t, app, http.MethodGet, "/", before)
					after[i], bodies[i] = kept, w.Body.String()
				})
			}
			all.Wait()
			for i := range tabs {
				require.Equal(t, "Hello, ada", bodies[i])
				require.NotEmpty(t, after[i]["sRefreshToken"])
				require.Equal(t, after[0]["sRefreshToken"], after[i]["sRefreshToken"])
			}
			require.NotEmpty(t, kit.Events(session.EventImported))
			list, err := kit.Service.List(t.Context(), "ada")
			require.NoError(t, err)
			require.Len(t, list, 1)

			// The session of ours alone is enough.
			ours := map[string]string{"sAccessToken": after[7]["sAccessToken"], "sRefreshToken": after[7]["sRefreshToken"]}
			w, _ = visit(t, app, http.MethodGet, "/", ours)
			require.Equal(t, "Hello, ada", w.Body.String())
			w, ours = visit(t, app, http.MethodPost, kit.Service.RefreshPaths()[0], ours)
			require.Equal(t, http.StatusOK, w.Code)
			antiCSRF := w.Header().Get("Anti-Csrf")
			w, ours = visit(t, app, http.MethodGet, "/", ours)
			require.Equal(t, "Hello, ada", w.Body.String())

			maps.Copy(ours, before)
			signsOutOfBoth(t, app, kit.Service.SignOutPath(), antiCSRF, ours, before)
		})
	}
}

// signsOutOfBoth: sign-out ends both sessions, as the browser sees it.
func signsOutOfBoth(t *testing.T, app http.Handler, path, antiCSRF string, cookies, before map[string]string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://app.example.com"+path, nil)
	r.Header.Set("Anti-Csrf", antiCSRF)
	for cookie, value := range cookies {
		r.AddCookie(&http.Cookie{Name: cookie, Value: value})
	}
	out := httptest.NewRecorder()
	app.ServeHTTP(out, r)
	require.Equal(t, http.StatusOK, out.Code, out.Body)
	gone := map[string]bool{}
	for _, c := range out.Result().Cookies() {
		gone[c.Name] = c.MaxAge < 0 || c.Value == ""
	}
	for cookie := range before {
		require.True(t, gone[cookie], strings.Join(out.Header().Values("Set-Cookie"), "\n"))
	}
}
