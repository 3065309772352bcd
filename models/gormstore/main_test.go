package gormstore_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain lets the binary be one of many processes that migrate at once, see
// TestMigrateFromManyProcesses.
func TestMain(m *testing.M) {
	if target := os.Getenv(childTarget); target != "" {
		os.Exit(migrateAsChild(target))
	}
	// GORM's cache of prepared statements has a goroutine that nothing ends.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("gorm.io/gorm/internal/lru.NewLRU[...].func1"))
}
