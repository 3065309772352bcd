//go:build !sqlite

package main

import (
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// openSQLite says how to get SQLite, see store_sqlite.go.
func openSQLite(string) (*gorm.DB, error) {
	return nil, errors.New("this build has no SQLite: " +
		"go run -tags sqlite ./example -sqlite FILE")
}
