package middleware_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/internal/testjar"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/refresh"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Pages without a script: a visitor is sent to sign in and comes back, and two hours later
// the page works by way of the refresh route.
func ExampleVerifyPage() {
	gin.SetMode(gin.ReleaseMode)
	now := time.Now()
	svc, _ := session.New(context.Background(), memstore.New(), session.Config{
		ConcurrentRefreshWindow: 10 * time.Second, // browsers load several pages at once
		Now:                     func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler),
	})
	defer svc.Close()

	router := gin.New()
	refresh.Mount(router, svc, refresh.Pages("/login"))
	router.POST("/login", func(c *gin.Context) { // whose page has a form with the parameter to
		if _, err := middleware.Create(c, svc, c.PostForm("user")); err != nil {
			middleware.Abort(c, svc, err)
			return
		}
		c.Redirect(http.StatusSeeOther, middleware.ReturnTo(c))
	})
	pages := router.Group("/", middleware.VerifyPage(svc, middleware.Page{Login: "/login"}))
	pages.GET("/cart", func(c *gin.Context) {
		c.String(http.StatusOK, "cart of "+c.MustGet(middleware.Key).(*session.Session).UserID())
	})

	browser := &person{to: router, jar: testjar.New(func() time.Time { return now })}
	show := func(method, path, form string) {
		v, _ := browser.try(context.Background(), method, path, form, own("document"))
		for _, hop := range v.hops {
			fmt.Println(hop)
		}
		fmt.Println(v.status, v.body)
	}
	show(http.MethodPost, "/login?to=/cart", url.Values{"user": {"ada"}}.Encode())
	now = now.Add(2 * time.Hour)
	show(http.MethodGet, "/cart", "")
	// Output:
	// POST /login?to=/cart
	// GET /cart
	// 200 cart of ada
	// GET /cart
	// GET /auth/session/refresh?to=%2Fcart
	// GET /cart
	// 200 cart of ada
}
