package servers

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// me is the body of GET /me.
type me struct {
	UserID string `json:"userId"`
}

func answerMe(c *gin.Context, user string) { c.JSON(http.StatusOK, me{UserID: user}) }

func answerLogin(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"message": "welcome"}) }

func fail(c *gin.Context, err error) {
	c.AbortWithStatusJSON(http.StatusInternalServerError, gin.H{"message": err.Error()})
}

func newRouter() *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	return gin.New()
}
