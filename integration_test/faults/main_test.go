//go:build faults

package faults_test

import (
	"os"
	"testing"

	"github.com/go-sql-driver/mysql"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		child()
		return
	}
	_ = mysql.SetLogger(&mysql.NopLogger{}) // connections break on purpose
	os.Exit(m.Run())
}
