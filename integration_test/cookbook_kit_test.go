package integration_test

import (
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/refresh"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/sessiontest"
)

func TestMe(t *testing.T) {
	kit := sessiontest.New(t, session.Config{})
	router := gin.New()
	refresh.Mount(router, kit.Service)
	router.GET("/me", middleware.Verify(kit.Service), func(c *gin.Context) {
		c.String(http.StatusOK, c.MustGet(middleware.Key).(*session.Session).UserID())
	})

	ada := kit.Client(t, router)
	require.Equal(t, http.StatusUnauthorized, ada.Get("/me").Code)
	ada.Login("ada")
	require.Equal(t, "ada", ada.Get("/me").Body.String())

	kit.Expire() // the client refreshes by itself
	require.Equal(t, "ada", ada.Get("/me").Body.String())

	thief := kit.Steal(ada)
	kit.Expire()
	ada.Get("/me")
	kit.Expire()
	require.Equal(t, http.StatusUnauthorized, thief.Get("/me").Code)
	require.Len(t, kit.Events(session.EventTheft), 1)
}
