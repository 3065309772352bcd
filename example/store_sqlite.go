//go:build sqlite

package main

import (
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gin-sessionkit/sessionkit/models/gormstore/sqlite"
)

// openSQLite opens the file, or makes it. It needs the build tag sqlite,
// because SQLite was a third of what the first run compiled.
func openSQLite(path string) (*gorm.DB, error) {
	db, err := sqlite.Open(path)
	if err != nil {
		return nil, err
	}
	db.Logger = logger.Discard
	return db, nil
}
