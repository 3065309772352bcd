// Package cookies_test has a browser's cookie jar meet services whose cookies change from
// deploy to deploy, sibling hosts that plant cookies, and pages of foreign origins.
package cookies_test

import (
	"testing"

	"github.com/gin-gonic/gin"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode)
	goleak.VerifyTestMain(m)
}
