package main

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/session"
)

// cors lets pages of the trusted origins read answers and send cookies. It
// comes first, so that errors can be read too: a page that cannot read a 401
// never refreshes.
func cors(trusted origins) gin.HandlerFunc {
	allowed := strings.Join(session.AllowHeaders(), ", ")
	exposed := strings.Join(session.ExposeHeaders(), ", ")
	return func(c *gin.Context) {
		if len(trusted) == 0 {
			return
		}
		c.Writer.Header().Add("Vary", "Origin")
		origin := c.GetHeader("Origin")
		if !slices.Contains(trusted, origin) {
			return
		}
		c.Header("Access-Control-Allow-Origin", origin)
		c.Header("Access-Control-Allow-Credentials", "true")
		c.Header("Access-Control-Expose-Headers", exposed)
		if c.Request.Method == http.MethodOptions && c.GetHeader("Access-Control-Request-Method") != "" {
			c.Header("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE")
			c.Header("Access-Control-Allow-Headers", allowed)
			c.AbortWithStatus(http.StatusNoContent)
		}
	}
}

// sameOrigin refuses what other pages make a browser send to the demo's own routes,
// which have no session to protect them. Sign-in, refresh and sign-out the kit
// looks after itself.
func sameOrigin(trusted origins) gin.HandlerFunc {
	protection := http.NewCrossOriginProtection()
	for _, origin := range trusted {
		_ = protection.AddTrustedOrigin(origin) // checked when the flag was read
	}
	return func(c *gin.Context) {
		if protection.Check(c.Request) != nil {
			answer(c, http.StatusForbidden, "cross-origin request")
		}
	}
}

// recovery answers 500 when a handler panics. Gin's own writes requests to the
// log, cookies included.
func recovery(logger *slog.Logger) gin.HandlerFunc {
	return func(c *gin.Context) {
		defer func() {
			if recover() != nil {
				logger.ErrorContext(c.Request.Context(), "a handler panicked", "route", c.FullPath())
				answer(c, http.StatusInternalServerError, "internal error")
			}
		}()
		c.Next()
	}
}
