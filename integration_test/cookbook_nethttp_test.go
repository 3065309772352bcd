package integration_test

import (
	"net/http"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/labstack/echo/v5"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

// passwordCheck says who is signing in, and whether the password is theirs.
type passwordCheck func(*http.Request) (userID string, ok bool)

// mountKit makes the routes of the kit and the sign-in, by a router's POST.
func mountKit(post func(path string, handler http.HandlerFunc), svc *session.Service, check passwordCheck) {
	post("/login", func(w http.ResponseWriter, r *http.Request) {
		userID, ok := check(r)
		if !ok {
			http.Error(w, "wrong password", http.StatusForbidden) // 401 would have front ends refresh
			return
		}
		if _, err := svc.CreateHTTP(w, r, userID); err != nil {
			svc.WriteError(w, r, err)
		}
	})
	for _, path := range svc.RefreshPaths() {
		post(path, func(w http.ResponseWriter, r *http.Request) {
			if _, err := svc.RefreshHTTP(w, r); err != nil {
				svc.WriteError(w, r, err)
			}
		})
	}
	post(svc.SignOutPath(), func(w http.ResponseWriter, r *http.Request) {
		if err := svc.SignOutHTTP(w, r); err != nil {
			svc.WriteError(w, r, err)
		}
	})
}

func mountHTTP(mux *http.ServeMux, svc *session.Service, check passwordCheck) {
	mountKit(func(path string, handler http.HandlerFunc) { mux.HandleFunc("POST "+path, handler) }, svc, check)
	mux.Handle("GET /me", svc.Protect(http.HandlerFunc(showMe)))
}

func showMe(w http.ResponseWriter, r *http.Request) {
	sess, _ := session.FromContext(r.Context()) // Protect has let nobody through without one
	_, _ = w.Write([]byte(sess.UserID()))
}

func mountChi(router chi.Router, svc *session.Service, check passwordCheck) {
	mountKit(router.Post, svc, check)
	router.Group(func(r chi.Router) {
		r.Use(func(next http.Handler) http.Handler { return svc.Protect(next) })
		r.Get("/me", showMe)
	})
}

func mountEcho(e *echo.Echo, svc *session.Service, check passwordCheck) {
	mountKit(func(path string, handler http.HandlerFunc) { e.POST(path, echo.WrapHandler(handler)) }, svc, check)
	protect := echo.WrapMiddleware(func(next http.Handler) http.Handler { return svc.Protect(next) })
	e.GET("/me", func(c *echo.Context) error {
		sess, _ := session.FromContext(c.Request().Context())
		return c.String(http.StatusOK, sess.UserID())
	}, protect)
}

// Without Gin a session lives as it does with it: refreshed, stolen, signed out.
func TestCookbook_WithoutGin(t *testing.T) {
	t.Parallel()
	check := func(r *http.Request) (string, bool) { return r.FormValue("user"), r.FormValue("user") != "eve" }
	routers := map[string]func(*session.Service) http.Handler{
		"net/http": func(svc *session.Service) http.Handler {
			mux := http.NewServeMux()
			mountHTTP(mux, svc, check)
			return mux
		},
		"chi": func(svc *session.Service) http.Handler {
			router := chi.NewRouter()
			mountChi(router, svc, check)
			return router
		},
		"echo": func(svc *session.Service) http.Handler {
			e := echo.New()
			mountEcho(e, svc, check)
			return e
		},
	}
	for name, mounted := range routers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kit := sessiontest.New(t, session.Config{})
			ada := kit.Client(t, mounted(kit.Service))
			require.Equal(t, http.StatusUnauthorized, ada.Get("/me").Code)
			require.Equal(t, http.StatusForbidden, ada.Post("/login?user=eve", "").Code)
			require.Equal(t, http.StatusOK, ada.Post("/login?user=ada", "").Code)
			require.Equal(t, "ada", ada.Get("/me").Body.String())
			kit.Expire()
			require.Equal(t, "ada", ada.Get("/me").Body.String(), "refreshed")

			require.Equal(t, http.StatusOK, ada.Post(kit.Service.SignOutPath(), "").Code)
			require.Equal(t, http.StatusUnauthorized, ada.Get("/me").Code)

			require.Equal(t, http.StatusOK, ada.Post("/login?user=ada", "").Code)
			thief := kit.Steal(ada)
			kit.Expire()
			ada.Get("/me")
			kit.Expire()
			require.Equal(t, http.StatusUnauthorized, thief.Get("/me").Code)
			require.Len(t, kit.Events(session.EventTheft), 1)
		})
	}
}
