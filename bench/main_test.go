// Package bench_test holds the kit's benchmarks. Each has a twin that does the
// same without the kit — bare Gin, the bare SQL statement — because an absolute
// figure says little on a machine that is shared: read the differences and the
// ratios of one run. `make bench` runs all and sums them up with benchstat.
package bench_test

import (
	"os"
	"testing"

	"github.com/gin-gonic/gin"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	os.Exit(m.Run())
}
