package servers

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"
)

// Bare is Gin without any check: the price of the GET itself.
func Bare(context.Context, string) (http.Handler, error) {
	router := newRouter()
	router.GET(MePath, func(c *gin.Context) { answerMe(c, "ada") })
	return router, nil
}
