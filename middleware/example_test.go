package middleware_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/refresh"
	"github.com/gin-sessionkit/sessionkit/session"
)

func exampleService() *session.Service {
	svc, err := session.New(context.Background(), memstore.New(), session.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}
	return svc
}

// ask prints how router answers. cookie may be empty.
func ask(router http.Handler, method, path, cookie string) *http.Response {
	r := httptest.NewRequestWithContext(context.Background(), method, "https://app.example"+path, nil)
	r.Header.Set("Cookie", cookie)
	w := httptest.NewRecorder()
	router.ServeHTTP(w, r)
	fmt.Println(strings.TrimSpace(fmt.Sprintln(method, path, w.Code, w.Body.String())))
	return w.Result()
}

// The three lines: verify, mount, and the session in a handler.
func ExampleVerify() {
	gin.SetMode(gin.ReleaseMode)
	svc := exampleService()
	defer svc.Close()
	router := gin.New()
	router.Use(middleware.Verify(svc))
	refresh.Mount(router, svc)
	router.GET("/me", func(c *gin.Context) {
		sess := c.MustGet(middleware.Key).(*session.Session)
		c.String(http.StatusOK, "hello "+sess.UserID())
	})

	tokens, _ := svc.Create(context.Background(), "ada")
	_ = ask(router, http.MethodGet, "/me", "").Body.Close()
	_ = ask(router, http.MethodGet, "/me", "sAccessToken="+tokens.Access.Value).Body.Close()
	_ = ask(router, http.MethodPost, "/auth/session/refresh", "sRefreshToken="+tokens.Refresh.Value).Body.Close()
	// Output:
	// GET /me 401 {"message":"unauthorised"}
	// GET /me 200 hello ada
	// POST /auth/session/refresh 200 null
}

// A sign-in: the application checks the password, the kit answers with tokens. A wrong
// password is not 401, which front ends take for an expired session.
func ExampleCreate() {
	gin.SetMode(gin.ReleaseMode)
	svc := exampleService()
	defer svc.Close()
	router := gin.New()
	router.POST("/login", func(c *gin.Context) {
		if c.Query("password") != "correct horse" {
			c.JSON(http.StatusUnprocessableEntity, gin.H{"error": "wrong name or password"})
			return
		}
		sess, err := middleware.Create(c, svc, c.Query("user"), session.WithPayload(gin.H{"role": "editor"}))
		if err != nil {
			middleware.Abort(c, svc, err)
			return
		}
		c.JSON(http.StatusOK, gin.H{"user": sess.UserID()})
	})

	_ = ask(router, http.MethodPost, "/login?user=ada&password=guess", "").Body.Close()
	answer := ask(router, http.MethodPost, "/login?user=ada&password=correct+horse", "")
	_ = answer.Body.Close()
	for _, cookie := range answer.Cookies() {
		fmt.Println(cookie.Name, cookie.Path, cookie.HttpOnly, cookie.Secure)
	}
	// Output:
	// POST /login?user=ada&password=guess 422 {"error":"wrong name or password"}
	// POST /login?user=ada&password=correct+horse 200 {"user":"ada"}
	// sAccessToken / true true
	// sRefreshToken /auth/session/refresh true true
}

// A page for everybody, which knows who is signed in.
func ExampleVerifyOptional() {
	gin.SetMode(gin.ReleaseMode)
	svc := exampleService()
	defer svc.Close()
	router := gin.New()
	router.GET("/", middleware.VerifyOptional(svc), func(c *gin.Context) {
		if sess, ok := middleware.Session(c); ok {
			c.String(http.StatusOK, "hello "+sess.UserID())
			return
		}
		c.String(http.StatusOK, "hello visitor")
	})

	tokens, _ := svc.Create(context.Background(), "ada")
	_ = ask(router, http.MethodGet, "/", "").Body.Close()
	_ = ask(router, http.MethodGet, "/", "sAccessToken="+tokens.Access.Value).Body.Close()
	// Output:
	// GET / 200 hello visitor
	// GET / 200 hello ada
}

// A dangerous route asks the database whether the session still lives.
func ExampleVerify_immediately() {
	gin.SetMode(gin.ReleaseMode)
	svc := exampleService()
	defer svc.Close()
	router := gin.New()
	hello := func(c *gin.Context) { c.String(http.StatusOK, "done") }
	router.GET("/feed", middleware.Verify(svc), hello)
	router.GET("/pay", middleware.Verify(svc, session.WithRevocation(session.RevokeImmediately)), hello)

	tokens, _ := svc.Create(context.Background(), "ada")
	_, _ = svc.RevokeAll(context.Background(), "ada")
	_ = ask(router, http.MethodGet, "/feed", "sAccessToken="+tokens.Access.Value).Body.Close()
	_ = ask(router, http.MethodGet, "/pay", "sAccessToken="+tokens.Access.Value).Body.Close()
	// Output:
	// GET /feed 200 done
	// GET /pay 401 {"message":"unauthorised"}
}

// Pages that people open get a page and not JSON when there is no session.
func ExampleOnError() {
	gin.SetMode(gin.ReleaseMode)
	svc := exampleService()
	defer svc.Close()
	router := gin.New()
	router.Use(middleware.OnError(func(c *gin.Context, err error) bool {
		if !errors.Is(err, errors.ErrUnauthorised) || c.Request.Method != http.MethodGet {
			return false // answered as ever
		}
		c.Redirect(http.StatusSeeOther, "/login")
		return true
	}))
	router.GET("/account", middleware.Verify(svc), func(c *gin.Context) { c.Status(http.StatusOK) })

	answer := ask(router, http.MethodGet, "/account", "")
	_ = answer.Body.Close()
	fmt.Println(answer.Header.Get("Location"))
	// Output:
	// GET /account 303 <a href="/login">See Other</a>.
	// /login
}
