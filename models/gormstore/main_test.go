package gormstore_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain lets the binary be one of many processes that migrate at once, see
// TestMigrateFromManyProcesses.
func TestMain(m *testing.M) {
	if os.Getenv(asChild) != "" {
		migrateAsChild()
		return
	}
	// GORM's cache of prepared statements has a goroutine that nothing ends.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("gorm.io/gorm/internal/lru.NewLRU[...].func1"))
}
