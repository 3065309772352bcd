package main

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/devices"
	"github.com/gin-sessionkit/sessionkit/example/plain"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/refresh"
	"github.com/gin-sessionkit/sessionkit/session"
)

// checker is the part of the store that GET /healthz asks.
type checker interface {
	Check(ctx context.Context) error
}

// newRouter puts all routes together.
func newRouter(svc, shop *session.Service, store checker, opts options, demo *demo, logger *slog.Logger) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	// Nobody stands in front of this program, so nobody's X-Forwarded-For counts.
	_ = router.SetTrustedProxies(nil)
	router.Use(recovery(logger), cors(opts.trustedOrigins))
	router.NoRoute(func(c *gin.Context) { answer(c, http.StatusNotFound, "not found") })

	mountPage(router, opts, demo)
	mountAPI(router, &api{svc: svc, signedIn: demo.signedIn})
	router.GET("/healthz", health(store))
	refresh.Mount(router, svc)
	devices.Mount(router.Group("/auth"), svc, devices.Config{})
	plain.Mount(router, shop)
	mountDemo(router.Group("/", sameOrigin(opts.trustedOrigins)), svc, demo)
	return router
}

// mountAPI adds what an application would have.
func mountAPI(router *gin.Engine, a *api) {
	router.POST("/api/login", a.login)

	protected := router.Group("/api", middleware.Verify(a.svc))
	protected.GET("/me", a.me)
	protected.GET("/data", a.data)
	protected.PUT("/data", a.putData)
	protected.GET("/sessions", a.sessions)
	protected.DELETE("/sessions/:handle", a.endSession)
	protected.POST("/logout-everywhere", a.logoutEverywhere)
	protected.GET("/live", a.live)
}

// health answers whether the program can work: that is, whether its tables are
// there.
func health(store checker) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := store.Check(c.Request.Context()); err != nil {
			answer(c, http.StatusServiceUnavailable, "the store is out of order")
			return
		}
		c.JSON(http.StatusOK, gin.H{"status": "ok"})
	}
}

// answer ends the request with a JSON message.
func answer(c *gin.Context, status int, message string) {
	c.AbortWithStatusJSON(status, gin.H{"message": message})
}
