package middleware_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/session"
)

// A visitor gets a session with the first thing in the cart, and no route for users.
func ExampleCreateAnonymous() {
	gin.SetMode(gin.ReleaseMode)
	svc := exampleService()
	defer svc.Close()
	router := gin.New()
	router.POST("/cart", middleware.VerifyOptional(svc), func(c *gin.Context) {
		sess, err := middleware.CreateAnonymous(c, svc)
		if err != nil {
			middleware.Abort(c, svc, err)
			return
		}
		err = sess.UpdateData(c.Request.Context(), []string{"one book"})
		if err != nil {
			middleware.Abort(c, svc, err)
			return
		}
		c.String(http.StatusOK, "in the cart of a visitor: %v", sess.Anonymous())
	})
	router.GET("/orders", middleware.Verify(svc, session.RequireUser()), func(c *gin.Context) {
		c.String(http.StatusOK, "orders")
	})

	answer := ask(router, http.MethodPost, "/cart", "")
	_ = answer.Body.Close()
	var cookies strings.Builder
	for _, cookie := range answer.Cookies() {
		cookies.WriteString(cookie.Name + "=" + cookie.Value + "; ")
	}
	_ = ask(router, http.MethodGet, "/orders", cookies.String()).Body.Close()
	_ = ask(router, http.MethodGet, "/orders", "").Body.Close()
	// Output:
	// POST /cart 200 in the cart of a visitor: true
	// GET /orders 403 {"claimValidationErrors":[{"id":"user","reason":{"message":"sign in"}}],"message":"invalid claim"}
	// GET /orders 401 {"message":"unauthorised"}
}

// A route that asks for a second factor. The header
// tells clients of RFC 9470 what is missing, the body tells front ends from npm.
func ExampleVerify_stepUp() {
	gin.SetMode(gin.ReleaseMode)
	svc := exampleService()
	defer svc.Close()
	router := gin.New()
	router.GET("/account", middleware.Verify(svc, session.RequireLevel(2)), func(c *gin.Context) {
		c.String(http.StatusOK, "deleted")
	})
	for level := 1; level <= 2; level++ {
		tokens, err := svc.Create(context.Background(), "ada", session.Authenticated("pwd"), session.Level(level))
		if err != nil {
			fmt.Println(err)
			return
		}
		answer := ask(router, http.MethodGet, "/account", "sAccessToken="+tokens.Access.Value)
		fmt.Println(answer.Header.Get("WWW-Authenticate"))
		_ = answer.Body.Close()
	}
	// Output:
	// GET /account 403 {"claimValidationErrors":[{"id":"acr","reason":{"message":"authenticate at a higher level","acr":"2"}}],"message":"invalid claim"}
	// Bearer error="insufficient_user_authentication", acr_values="2"
	// GET /account 200 deleted
}
