package refresh_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/gin-gonic/gin"

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

// The routes that front ends call by themselves.
func ExampleMount() {
	gin.SetMode(gin.ReleaseMode)
	svc := exampleService()
	defer svc.Close()
	router := gin.New()
	refresh.Mount(router, svc)
	for _, route := range router.Routes() {
		fmt.Println(route.Method, route.Path)
	}
	// Output:
	// POST /auth/session/refresh
	// POST /auth/signout
}

// A refresh that succeeds answers with a body of the application's own.
func ExampleWithAnswer() {
	gin.SetMode(gin.ReleaseMode)
	svc := exampleService()
	defer svc.Close()
	router := gin.New()
	refresh.Mount(router, svc, refresh.WithAnswer(func(c *gin.Context, sess *session.Session) {
		c.JSON(http.StatusOK, gin.H{"user": sess.UserID()})
	}))

	tokens, _ := svc.Create(context.Background(), "ada")
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "https://app.example/auth/session/refresh", nil)
	r.Header.Set("Cookie", "sRefreshToken="+tokens.Refresh.Value)
	w := httptest.NewRecorder()
	router.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output:
	// 200 {"user":"ada"}
}

// A sign-out route of the application's own.
func ExampleSignOut() {
	gin.SetMode(gin.ReleaseMode)
	svc := exampleService()
	defer svc.Close()
	router := gin.New()
	refresh.Mount(router, svc, refresh.WithoutSignOut())
	router.POST("/bye", refresh.SignOut(svc))

	tokens, _ := svc.Create(context.Background(), "ada")
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "https://app.example/bye", nil)
	r.Header.Set("Cookie", "sAccessToken="+tokens.Access.Value)
	r.Header.Set("Anti-Csrf", tokens.AntiCSRF)
	w := httptest.NewRecorder()
	router.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	for _, cookie := range w.Result().Cookies() {
		fmt.Println(cookie.Name, cookie.MaxAge)
	}
	// Output:
	// 200 {"status":"OK"}
	// sAccessToken -1
	// sRefreshToken -1
}
