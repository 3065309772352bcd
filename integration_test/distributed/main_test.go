//go:build distributed

package distributed_test

import (
	"os"
	"testing"

	"github.com/go-sql-driver/mysql"
)

func TestMain(m *testing.M) {
	_ = mysql.SetLogger(&mysql.NopLogger{}) // connections break on purpose
	os.Exit(m.Run())
}
